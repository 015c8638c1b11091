// Counts of client networks stand in a count-min sketch under a keyed hash: fixed memory, however many networks a flood makes up.
#include "core/half_open.h"

#include <algorithm>

namespace natlb {

std::array<uint32_t, HalfOpen::kRows> HalfOpen::places(const Address& client, uint32_t service) const noexcept {
  constexpr uint64_t kUpper24Of32 = from_big(0xffffffff'ffffff00);  // of the lower half of ::ffff:a.b.c.d
  const bool is_v4 = client.is_v4();
  const uint64_t network = is_v4 ? client.low() & kUpper24Of32 : client.high();
  const uint64_t digest = multiply_fold(network ^ secret_.words[0], (uint64_t{service} << 1 | is_v4) ^ secret_.words[1]);
  return {static_cast<uint32_t>(digest) % kColumns, static_cast<uint32_t>(digest >> 32) % kColumns};
}

void HalfOpen::enter(uint32_t flow, const Address& client, uint32_t service) noexcept {
  const auto at = places(client, service);
  for (uint32_t row = 0; row < kRows; ++row) {
    uint16_t& count = counts_[row][at[row]];
    if (count != UINT16_MAX) ++count;  // one that is full stays full: what was not counted cannot be taken away again
  }
  queue(flow);
}

void HalfOpen::leave(const Address& client, uint32_t service) noexcept {
  const auto at = places(client, service);
  for (uint32_t row = 0; row < kRows; ++row) {
    uint16_t& count = counts_[row][at[row]];
    if (count != 0 && count != UINT16_MAX) --count;
  }
}

uint32_t HalfOpen::of_source(const Address& client, uint32_t service) const noexcept {
  const auto at = places(client, service);
  return std::min(counts_[0][at[0]], counts_[1][at[1]]);
}

uint32_t HalfOpen::next_oldest() noexcept {
  if (tail_ - head_ > kQueue) head_ = tail_ - kQueue;
  return head_ == tail_ ? kNone : oldest_[head_++ % kQueue];
}

}  // namespace natlb
