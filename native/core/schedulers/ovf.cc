// Overflow: the heaviest destination until it has more active flows than its weight says, then the next (ip_vs_ovf.c).
#include "core/schedulers/heaviest.h"

namespace natlb {

const Destination* pick_overflow(const Choice& choice) noexcept {
  return pick_heaviest(
      choice, [&](const Destination& destination) { return Load::get(choice.loads[destination.slot].active) <= destination.weight; });
}

}  // namespace natlb
