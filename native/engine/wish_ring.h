// A ring from a worker to the thread that speaks with the kernel: neighbours to be resolved. Full: the wish is dropped, and comes again
// with the next packet.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/stages.h"

namespace natlb {

class WishRing {
 public:
  bool push(const Missing::Neighbour& wish) noexcept {
    const uint32_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == kSize) return false;
    wishes_[head % kSize] = wish;
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  bool pop(Missing::Neighbour& wish) noexcept {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return false;
    wish = wishes_[tail % kSize];
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

 private:
  static constexpr uint32_t kSize = 256;
  std::array<Missing::Neighbour, kSize> wishes_;
  alignas(64) std::atomic<uint32_t> head_{0};
  alignas(64) std::atomic<uint32_t> tail_{0};
};

}  // namespace natlb
