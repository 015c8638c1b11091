// Never queue: the first available destination without active flows, else as by shortest expected delay (ip_vs_nq.c).
#include "core/schedulers/least.h"

namespace natlb {

const Destination* pick_never_queue(const Choice& choice) noexcept {
  for (const Destination& destination : choice.service.destinations) {
    if (choice.is_available(destination) && Load::get(choice.loads[destination.slot].active) == 0) return &destination;
  }
  return pick_least(choice, expected_delay);
}

}  // namespace natlb
