// Least connections: the available destination with the fewest flows, active ones above all, whatever its weight (ip_vs_lc.c).
#include "core/schedulers/least.h"

namespace natlb {

const Destination* pick_least_connections(const Choice& choice) noexcept {
  const Destination* least = nullptr;
  uint64_t least_overhead = 0;
  for (const Destination& destination : choice.service.destinations) {
    if (!choice.is_available(destination)) continue;
    const uint64_t own = overhead(choice.loads[destination.slot]);
    if (least != nullptr && own >= least_overhead) continue;
    least = &destination;
    least_overhead = own;
  }
  return least;
}

}  // namespace natlb
