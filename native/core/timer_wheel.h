// Expiry without work per packet: a packet only writes expires_at into its flow; the wheel looks there when the flow's slot comes due, and
// files it again if it lives on. Only a state with a shorter timeout moves a flow at once.
#pragma once

#include <cstdint>

#include "core/block.h"

namespace natlb {

class TimerWheel {
 public:
  explicit TimerWheel(Block& block) noexcept : block_{block} {}

  void clear() noexcept;
  void file(Flow& flow) noexcept;
  void unfile(Flow& flow) noexcept;
  // To be called when expires_at may have become earlier.
  void hasten(Flow& flow) noexcept;

  // Runs the wheel up to `now`, or until `budget` flows were looked at; calls expire(flow) for those whose time has come. `expire` removes
  // the flow from the wheel. False when the budget did not last.
  template <typename Expire>
  bool advance(uint32_t now, uint32_t budget, Expire&& expire) noexcept {
    uint32_t& tick = block_.header->tick;
    while (static_cast<int32_t>(now - tick) > 0) {
      for (uint32_t& head = block_.timer_heads[(tick + 1) % kTimerSlots]; head != 0;) {
        if (budget-- == 0) return false;
        Flow& flow = block_.flows[head - 1];
        if (static_cast<int32_t>(flow.expires_at - (tick + 1)) <= 0) {
          expire(flow);
        } else {
          unfile(flow);
          file_after(flow, tick + 1);
        }
      }
      ++tick;
    }
    return true;
  }

 private:
  void file_after(Flow& flow, uint32_t tick) noexcept;

  Block& block_;
};

}  // namespace natlb
