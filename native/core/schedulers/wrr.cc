// Weighted round robin, interleaved: in each round those whose weight reaches the current weight, which then falls by the weights' greatest
// common divisor (ip_vs_wrr.c).
#include "core/scheduler.h"

namespace natlb {

namespace {

// Destinations changed since: begin a new cycle where the old one cannot go on.
void settle(const Service& service, SchedulerState& state) noexcept {
  if (state.position != SchedulerState::kNoPosition && state.position >= service.destinations.size()) {
    state.position = SchedulerState::kNoPosition;
  }
  if (state.current_weight > service.max_weight || state.current_weight == 0) state.current_weight = service.max_weight;
}

void lower(const Service& service, SchedulerState& state) noexcept {
  state.current_weight = state.current_weight > service.weight_gcd ? state.current_weight - service.weight_gcd : service.max_weight;
}

}  // namespace

const Destination* pick_weighted_round_robin(const Choice& choice) noexcept {
  const Service& service = choice.service;
  SchedulerState& state = choice.state;
  if (service.max_weight == 0) return nullptr;
  settle(service, state);
  const auto count = static_cast<uint32_t>(service.destinations.size());
  uint32_t at = state.position;
  // The heaviest destination always qualifies, so one whole walk after the current one ends the search.
  for (uint32_t tried = 0; tried < 2 * count; ++tried) {
    if (at == SchedulerState::kNoPosition) {
      at = 0;
    } else if (++at == count) {
      at = 0;
      lower(service, state);
    }
    if (service.destinations[at].weight < state.current_weight || !choice.is_available(service.destinations[at])) continue;
    state.position = at;
    return &service.destinations[at];
  }
  return nullptr;
}

}  // namespace natlb
