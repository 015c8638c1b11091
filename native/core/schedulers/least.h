// The available destination where one more flow costs least, for its weight; the first of several (ip_vs_wlc.c and its kin).
#pragma once

#include "core/scheduler.h"

namespace natlb {

// What IPVS takes a destination's flows for: an active one weighs as much as 257 others (ip_vs.h: ip_vs_dest_conn_overhead, as of 6.1.192).
inline uint64_t overhead(const Load& load) noexcept {
  const uint64_t active = Load::get(load.active);
  return active * 257 + Load::get(load.inactive);
}

// Active flows, the one to come included.
inline uint64_t expected_delay(const Load& load) noexcept { return uint64_t{Load::get(load.active)} + 1; }

// A destination with what its flows cost.
struct Candidate {
  const Destination* destination = nullptr;
  uint64_t cost = 0;

  // Strictly: of equals the first stays. Products instead of quotients, wide enough for any weight.
  [[nodiscard]] bool is_better_than(const Candidate& other) const noexcept {
    using Wide = unsigned __int128;
    return static_cast<Wide>(cost) * other.destination->weight < static_cast<Wide>(other.cost) * destination->weight;
  }
};

template <typename Cost>
const Destination* pick_least(const Choice& choice, Cost&& cost) noexcept {
  Candidate least;
  for (const Destination& destination : choice.service.destinations) {
    if (!choice.is_available(destination)) continue;
    const Candidate candidate{&destination, cost(choice.loads[destination.slot])};
    if (least.destination == nullptr || candidate.is_better_than(least)) least = candidate;
  }
  return least.destination;
}

}  // namespace natlb
