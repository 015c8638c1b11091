// Who gets the next flow of a service. One row and one file (schedulers/) each; nothing else in natlb knows their names.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/slots.h"

namespace natlb {

struct Destination {
  Endpoint endpoint;
  uint32_t weight;  // 0: no new flows
  uint32_t slot;
  // What translating the service's endpoint into this one adds to a checksum (flow.h).
  uint16_t address_delta;
  uint16_t l4_delta;
};

struct SchedulerRow;

// A service as schedulers and the schedule stage see it; part of a snapshot, so it never changes.
struct Service {
  Endpoint endpoint;
  uint8_t protocol;
  uint32_t slot;
  const SchedulerRow* scheduler;
  std::vector<Destination> destinations;
  // Of the positive weights, for wrr.
  uint32_t max_weight = 0;
  uint32_t weight_gcd = 0;
};

// Returns the destination for a new flow, or null when none has a positive weight.
using Pick = const Destination* (*)(const Service& service, SchedulerState& state) noexcept;

struct SchedulerRow {
  std::string_view name;
  Pick pick;
};

const Destination* pick_round_robin(const Service& service, SchedulerState& state) noexcept;
const Destination* pick_weighted_round_robin(const Service& service, SchedulerState& state) noexcept;

inline constexpr SchedulerRow kSchedulers[] = {
    {"rr", pick_round_robin},
    {"wrr", pick_weighted_round_robin},
};

// Null for a name that is not in the table.
constexpr const SchedulerRow* find_scheduler(std::string_view name) noexcept {
  for (const SchedulerRow& row : kSchedulers) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace natlb
