// The heaviest of the available destinations that are fit; the first of several.
#pragma once

#include "core/scheduler.h"

namespace natlb {

template <typename IsFit>
const Destination* pick_heaviest(const Choice& choice, IsFit&& is_fit) noexcept {
  const Destination* heaviest = nullptr;
  for (const Destination& destination : choice.service.destinations) {
    if (heaviest != nullptr && destination.weight <= heaviest->weight) continue;
    if (choice.is_available(destination) && is_fit(destination)) heaviest = &destination;
  }
  return heaviest;
}

}  // namespace natlb
