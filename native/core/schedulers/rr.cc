// Round robin: the next destination after the one picked last, skipping those that are not available (ip_vs_rr.c).
#include "core/scheduler.h"

namespace natlb {

const Destination* pick_round_robin(const Choice& choice) noexcept {
  const auto& destinations = choice.service.destinations;
  const auto count = static_cast<uint32_t>(destinations.size());
  uint32_t at = choice.state.position;
  if (at == SchedulerState::kNoPosition && count != 0 && choice.state.random != 0) at = static_cast<uint32_t>(choice.state.random % count);
  for (uint32_t tried = 0; tried < count; ++tried) {
    at = at >= count - 1 ? 0 : at + 1;  // also from kNoPosition, and from a position that a shorter list no longer has
    if (!choice.is_available(destinations[at])) continue;
    choice.state.position = at;
    return &destinations[at];
  }
  return nullptr;
}

}  // namespace natlb
