// Round robin: the next destination after the one picked last, skipping those with weight 0 (ip_vs_rr.c).
#include "core/scheduler.h"

namespace natlb {

const Destination* pick_round_robin(const Service& service, SchedulerState& state) noexcept {
  const auto count = static_cast<uint32_t>(service.destinations.size());
  uint32_t at = state.position;
  for (uint32_t tried = 0; tried < count; ++tried) {
    at = at >= count - 1 ? 0 : at + 1;  // also from kNoPosition, and from a position that a shorter list no longer has
    if (service.destinations[at].weight == 0) continue;
    state.position = at;
    return &service.destinations[at];
  }
  return nullptr;
}

}  // namespace natlb
