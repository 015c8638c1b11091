// Where services and destinations live as long as any flow refers to them, with their counters. A slot keeps its number across snapshots:
// a destination that is removed and comes back finds its flows and its history.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>

#include "core/address.h"
#include "core/counter.h"

namespace natlb {

inline constexpr uint32_t kMaxServices = 16384;
inline constexpr uint32_t kMaxVirtualAddresses = 16384;
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
  uint32_t picked = 0;              // of rr: the slot of that one, by which it is known in another list
  uint32_t list = 0;                // of wrr: the digest of the list that `position` belongs to; 0 = none yet
  uint32_t current_weight = 0;      // of wrr
  uint64_t random = 0;              // of twos, and where rr and wrr begin; 0 = they begin with the first

  static constexpr uint32_t kNoPosition = UINT32_MAX;
};

// A service is known again by its name, of which this is a digest.
struct ServiceName {
  uint64_t words[2];

  friend auto operator<=>(const ServiceName&, const ServiceName&) = default;
};

struct ServiceSlot {
  ServiceName name;
  uint8_t in_use;
  SchedulerState scheduler;
  uint32_t half_open;  // TCP flows of it that no client has completed yet
  Traffic past;        // of destinations whose slots were given up
};

struct VirtualAddressSlot {
  Address address;
  Counter flows;
  uint8_t in_use;
};

// Whether a destination may have flows. Written by control's thread, read by the worker.
enum class Standing : uint8_t {
  gone,      // not in the snapshot: it is down, or was removed
  quiesced,  // weight 0: flows that exist go on
  serving,
  down,  // weight 0, because its checks fail: connections go on if they can, and what knows no end goes elsewhere
};

// Nothing that may begin anew should be sent there: it is down, whether the snapshot still has it or not.
inline bool is_lost(Standing standing) noexcept { return standing == Standing::gone || standing == Standing::down; }

struct alignas(64) DestinationSlot {
  Address address;
  uint16_t port;  // network order; 0 = the port the client asked for
  uint8_t in_use;
  Shared<uint8_t> profile;  // row of the snapshot's timeouts
  uint32_t service;         // slot
  std::atomic<Standing> standing;
  Counter packets_in;
  Counter packets_out;
  Counter bytes_in;
  Counter bytes_out;
  // second line: touched when flows come, go or change state
  Counter connections;
  Counter persistent;  // templates
  Counter flows;       // of all kinds; never wrong while a flow moves from one state to another, so the slot's life hangs on it
  Shared<uint32_t> upper_threshold;  // 0 = none
  Shared<uint32_t> lower_threshold;
  std::atomic<bool> overloaded;
  uint32_t last_weight;  // above 0, unless it never had one since it came
};
static_assert(sizeof(DestinationSlot) == 128, "what every packet touches is one line");

// How many flows a destination has, templates aside; packed, because schedulers look at those of a whole service.
struct Load {
  std::atomic<uint32_t> active;
  std::atomic<uint32_t> inactive;

  [[nodiscard]] uint32_t total() const noexcept { return get(active) + get(inactive); }
  static uint32_t get(const std::atomic<uint32_t>& count) noexcept { return count.load(std::memory_order_relaxed); }
  static void add(std::atomic<uint32_t>& count, uint32_t amount) noexcept { count.store(get(count) + amount, std::memory_order_relaxed); }
};

}  // namespace natlb
