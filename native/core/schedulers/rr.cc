// Round robin: the next destination after the one picked last, skipping those that are not available (ip_vs_rr.c).
#include <algorithm>

#include "core/scheduler.h"

namespace natlb {

namespace {

// Where the one picked last stands now; if it is gone, the one before it. kNoPosition: before the first.
uint32_t last_position(const Service& service, const SchedulerState& state) noexcept {
  const auto& destinations = service.destinations;
  const auto count = static_cast<uint32_t>(destinations.size());
  if (state.position == SchedulerState::kNoPosition) {
    return state.random == 0 ? SchedulerState::kNoPosition : static_cast<uint32_t>(state.random % count);
  }
  if (state.position < count && destinations[state.position].slot == state.picked) return state.position;
  for (uint32_t at = 0; at < count; ++at) {
    if (destinations[at].slot == state.picked) return at;
  }
  return std::min(state.position, count) - 1;  // of the first there is none: kNoPosition
}

}  // namespace

const Destination* pick_round_robin(const Choice& choice) noexcept {
  const auto& destinations = choice.service.destinations;
  const auto count = static_cast<uint32_t>(destinations.size());
  if (count == 0) return nullptr;
  uint32_t at = last_position(choice.service, choice.state);
  for (uint32_t tried = 0; tried < count; ++tried) {
    at = at + 1 >= count ? 0 : at + 1;
    if (!choice.is_available(destinations[at])) continue;
    choice.state.position = at;
    choice.state.picked = destinations[at].slot;
    return &destinations[at];
  }
  return nullptr;
}

}  // namespace natlb
