// Reading flows beside the worker that writes them.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "core/block.h"

namespace natlb {

// Copies a record; nothing when it counts for nothing, or stopped to while it was copied. A copy may be half of one moment and half of the
// next: whoever reads it checks the slots it names. The race is meant, so ThreadSanitizer is told to look away.
__attribute__((no_sanitize("thread"), noinline)) inline std::optional<Flow> read_flow(const Block& block, uint32_t at) noexcept {
  const Flow& flow = block.flows[at];
  if (__atomic_load_n(&flow.live, __ATOMIC_ACQUIRE) != Flow::kLive) return {};
  const auto* from = reinterpret_cast<const volatile uint64_t*>(&flow);
  uint64_t words[sizeof(Flow) / sizeof(uint64_t)];
  for (size_t i = 0; i < sizeof(Flow) / sizeof(uint64_t); ++i) words[i] = from[i];
  if (__atomic_load_n(&flow.live, __ATOMIC_ACQUIRE) != Flow::kLive) return {};
  Flow copy;
  std::memcpy(&copy, words, sizeof copy);
  if (copy.virtual_address >= kMaxVirtualAddresses || copy.destination >= kMaxDestinations || copy.state >= FlowState::count) return {};
  return copy;
}

}  // namespace natlb
