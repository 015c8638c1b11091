// Weighted least connections: the available destination with the fewest flows for its weight, active ones above all (ip_vs_wlc.c).
#include "core/schedulers/least.h"

namespace natlb {

const Destination* pick_weighted_least_connections(const Choice& choice) noexcept { return pick_least(choice, overhead); }

}  // namespace natlb
