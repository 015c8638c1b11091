// TCP flows that nobody has completed yet: how many of them a service has, how many a client network has with it, and which are the oldest.
// Under a SYN flood these are what is bounded and shed, so that flows of clients who answer never are.
#pragma once

#include <array>
#include <cstdint>

#include "core/flow.h"
#include "core/hash.h"
#include "core/slots.h"

namespace natlb {

// Until the destination has answered and the client has answered that. A client that acknowledges what it cannot have seen stays half-open.
inline bool is_half_open(const Flow& flow) noexcept {
  if (flow.protocol != kTcp) return false;
  return !flow.has(Flow::kReplied) || flow.state == FlowState::SYN_RECV || flow.state == FlowState::SYN_SENT ||
         flow.state == FlowState::NONE || flow.state == FlowState::SYNACK;
}

class HalfOpen {
 public:
  explicit HalfOpen(const HashSecret& secret) noexcept : secret_{secret} {}

  void enter(uint32_t flow, const Address& client, uint32_t service) noexcept;
  void leave(const Address& client, uint32_t service) noexcept;

  // At least as many as the network of the client (/24, /64) has with the service: others whose digest is the same are counted too.
  [[nodiscard]] uint32_t of_source(const Address& client, uint32_t service) const noexcept;

  // The flow that was entered first of those not asked for yet, which may be another's record by now, or no longer half-open; kNone:
  // nobody.
  uint32_t next_oldest() noexcept;
  // It has to wait for another turn.
  void put_back(uint32_t flow) noexcept { queue(flow); }

 private:
  static constexpr uint32_t kRows = 2, kColumns = 1 << 15, kQueue = 1 << 16;

  [[nodiscard]] std::array<uint32_t, kRows> places(const Address& client, uint32_t service) const noexcept;
  void queue(uint32_t flow) noexcept { oldest_[tail_++ % kQueue] = flow; }

  HashSecret secret_;
  std::array<std::array<uint16_t, kColumns>, kRows> counts_{};
  std::array<uint32_t, kQueue> oldest_;  // a ring; what does not fit is the oldest and forgotten here, not in the table
  uint32_t head_ = 0;
  uint32_t tail_ = 0;
};

}  // namespace natlb
