// Weighted round robin, interleaved: in each round those whose weight reaches the current weight, which then falls by the weights' greatest
// common divisor, from the maximum to 1 (ip_vs_wrr.c).
#include <algorithm>

#include "core/scheduler.h"

namespace natlb {

namespace {

// The current weight is always 1 above a multiple of the divisor, so that the last round takes everybody.
uint32_t round_at(const Service& service, uint32_t weight) noexcept { return (weight - 1) / service.weight_gcd * service.weight_gcd + 1; }

// Destinations or weights have changed: IPVS begins again at the head of the list, in the round it was in. The first round of all is the
// last of a cycle, because IPVS is given its destinations one by one, and the first alone makes it so.
void settle(const Service& service, SchedulerState& state) noexcept {
  if (state.list == service.list_digest) return;
  const bool is_new = state.list == 0;
  state.list = service.list_digest;
  state.position = SchedulerState::kNoPosition;
  if (is_new && state.random != 0) state.position = static_cast<uint32_t>(state.random % service.destinations.size());
  const uint32_t highest = round_at(service, service.max_weight);
  if (state.current_weight == 0) {
    state.current_weight = 1;
  } else if (state.current_weight > highest) {
    state.current_weight = highest;
  } else if (service.weight_gcd > 1) {
    state.current_weight = state.current_weight / service.weight_gcd * service.weight_gcd + 1;
  }
}

const Destination* take(const Choice& choice, uint32_t from) noexcept {
  const auto& destinations = choice.service.destinations;
  for (uint32_t at = from; at < destinations.size(); ++at) {
    if (destinations[at].weight < choice.state.current_weight || !choice.is_available(destinations[at])) continue;
    choice.state.position = at;
    return &destinations[at];
  }
  return nullptr;
}

uint32_t heaviest_available(const Choice& choice) noexcept {
  uint32_t heaviest = 0;
  for (const Destination& destination : choice.service.destinations) {
    if (choice.is_available(destination)) heaviest = std::max(heaviest, destination.weight);
  }
  return heaviest;
}

// The next round in which anybody is due; IPVS tries all of those between.
void lower(const Service& service, SchedulerState& state, uint32_t heaviest) noexcept {
  const uint32_t next = state.current_weight > service.weight_gcd ? state.current_weight - service.weight_gcd : service.max_weight;
  state.current_weight = round_at(service, std::min(next, heaviest));
}

// All are overloaded, and IPVS has walked to the end of a cycle to find that out.
void begin_cycle(const Service& service, SchedulerState& state) noexcept {
  state.position = SchedulerState::kNoPosition;
  state.current_weight = round_at(service, service.max_weight);
}

}  // namespace

// Tells one list of destinations and weights from another (FNV-1a); never 0.
void prepare_weighted_round_robin(Service& service) {
  uint32_t digest = 0x811c9dc5;
  for (const Destination& destination : service.destinations) {
    for (const uint32_t word : {destination.slot, destination.weight}) digest = (digest ^ word) * 0x01000193;
  }
  service.list_digest = digest | 1;
}

const Destination* pick_weighted_round_robin(const Choice& choice) noexcept {
  const Service& service = choice.service;
  SchedulerState& state = choice.state;
  if (service.max_weight == 0) {
    state.current_weight = 0;
    return nullptr;
  }
  settle(service, state);
  if (const Destination* rest = take(choice, state.position + 1); rest != nullptr) return rest;
  const uint32_t heaviest = heaviest_available(choice);
  if (heaviest == 0) {
    if (state.position == SchedulerState::kNoPosition || state.current_weight > 1) begin_cycle(service, state);
    return nullptr;
  }
  lower(service, state, heaviest);
  return take(choice, 0);
}

}  // namespace natlb
