// Where services and destinations live as long as any flow refers to them, with their counters. A slot keeps its number across snapshots:
// a destination that is removed and comes back finds its flows and its history.
#pragma once

#include <cstdint>

#include "core/address.h"
#include "core/counter.h"

namespace natlb {

inline constexpr uint32_t kMaxServices = 16384;
inline constexpr uint32_t kMaxDestinations = 131072;

struct Traffic {
  Counter connections;
  Counter packets_in;  // towards the destination
  Counter packets_out;
  Counter bytes_in;  // of IP packet
  Counter bytes_out;
};

// What a scheduler remembers between two connections.
struct SchedulerState {
  uint32_t position = kNoPosition;  // in the service's list of destinations: the one picked last
  uint32_t current_weight = 0;      // of wrr

  static constexpr uint32_t kNoPosition = UINT32_MAX;
};

struct ServiceSlot {
  Endpoint endpoint;
  uint8_t protocol;
  uint8_t in_use;
  SchedulerState scheduler;
  Traffic past;  // of destinations whose slots were given up
};

struct alignas(64) DestinationSlot {
  Endpoint endpoint;
  uint32_t service;  // slot
  uint8_t in_use;
  Counter packets_in;
  Counter packets_out;
  Counter bytes_in;
  Counter bytes_out;
  // second line: touched when flows come, go or change state
  Counter connections;
  Counter active;
  Counter inactive;
  Counter flows;  // both; unlike their sum never wrong while a flow moves from one to the other, so the slot's life hangs on it
};
static_assert(sizeof(DestinationSlot) == 128, "what every packet touches is one line");

}  // namespace natlb
