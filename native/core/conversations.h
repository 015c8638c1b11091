// What is remembered of FTP control connections beside their flows: few flows have it, so it stands in a table of its own, in the block,
// and outlives the process like the flows do. A flow finds it by its index, in one of eight places.
#pragma once

#include <array>
#include <cstdint>

#include "core/control_stream.h"

namespace natlb {

struct Flow;
class Block;

struct alignas(64) ConversationSlot {
  static constexpr size_t kData = 8;

  uint32_t flow;                     // index + 1; 0 = free. Of a flow that is gone, or is no control connection any more: free too
  std::array<uint32_t, kData> data;  // index + 1 of flows of its data connections, the newest first; 0 = none
  ftp::Conversation said;
};

constexpr uint32_t conversation_count(uint32_t max_flows) noexcept {
  constexpr uint32_t kLeast = 64, kMost = 8192;
  const uint32_t wanted = max_flows / 16;
  return (wanted < kLeast ? kLeast : wanted > kMost ? kMost : wanted) / 8 * 8;
}

// Null when there is none, or what an earlier process left is no conversation.
ConversationSlot* find_conversation(Block& block, const Flow& control) noexcept;
// An empty one. Null when all eight places are taken.
ConversationSlot* begin_conversation(Block& block, const Flow& control) noexcept;

}  // namespace natlb
