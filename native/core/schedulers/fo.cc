// Failover: everything to the heaviest available destination (ip_vs_fo.c).
#include "core/schedulers/heaviest.h"

namespace natlb {

const Destination* pick_failover(const Choice& choice) noexcept {
  return pick_heaviest(choice, [](const Destination&) { return true; });
}

}  // namespace natlb
