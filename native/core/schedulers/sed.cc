// Shortest expected delay: where the new flow makes the fewest active ones for the weight (ip_vs_sed.c).
#include "core/schedulers/least.h"

namespace natlb {

const Destination* pick_shortest_delay(const Choice& choice) noexcept { return pick_least(choice, expected_delay); }

}  // namespace natlb
