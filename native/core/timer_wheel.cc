// The wheel's lists: heads hold index + 1, so that zeroed memory is an empty wheel.
#include "core/timer_wheel.h"

#include <algorithm>
#include <cstring>

namespace natlb {

void TimerWheel::clear() noexcept { std::memset(block_.timer_heads, 0, kTimerSlots * sizeof(uint32_t)); }

void TimerWheel::file(Flow& flow) noexcept { file_after(flow, block_.header->tick); }

void TimerWheel::file_after(Flow& flow, uint32_t tick) noexcept {
  const auto wait = static_cast<int32_t>(flow.expires_at - tick);
  const uint32_t slots = static_cast<uint32_t>(std::clamp<int32_t>(wait, 1, kTimerSlots - 1));
  flow.timer_slot = static_cast<uint16_t>((tick + slots) % kTimerSlots);
  uint32_t& head = block_.timer_heads[flow.timer_slot];
  const auto index = static_cast<uint32_t>(&flow - block_.flows);
  flow.timer_previous = kNone;
  flow.timer_next = head == 0 ? kNone : head - 1;
  if (head != 0) block_.flows[head - 1].timer_previous = index;
  head = index + 1;
}

void TimerWheel::unfile(Flow& flow) noexcept {
  if (flow.timer_slot == Flow::kNoTimer) return;
  if (flow.timer_previous == kNone) {
    block_.timer_heads[flow.timer_slot] = flow.timer_next == kNone ? 0 : flow.timer_next + 1;
  } else {
    block_.flows[flow.timer_previous].timer_next = flow.timer_next;
  }
  if (flow.timer_next != kNone) block_.flows[flow.timer_next].timer_previous = flow.timer_previous;
  flow.timer_slot = Flow::kNoTimer;
}

void TimerWheel::hasten(Flow& flow) noexcept {
  const uint32_t tick = block_.header->tick;
  const uint32_t due_in = (flow.timer_slot - tick) % kTimerSlots;
  if (static_cast<int32_t>(flow.expires_at - tick) >= static_cast<int32_t>(due_in)) return;
  unfile(flow);
  file(flow);
}

}  // namespace natlb
