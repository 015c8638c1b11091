// Who gets the next flow of a service. One row and one file (schedulers/) each; nothing else in natlb knows their names.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/packet.h"
#include "core/slots.h"

namespace natlb {

struct Destination {
  Address address;
  uint16_t port;    // network order; 0 = the port the client asked for
  uint32_t weight;  // 0: no new flows
  uint32_t slot;
  uint32_t last_weight = 0;  // the last above 0 that it had: mh keeps its places
  bool has_limit = false;    // it can be overloaded, as its slot tells
  bool is_down = false;      // its checks fail, and it stays here all the same
};

// Traffic to one address: ports from first to last, host order, both included.
struct Listener {
  Address address;
  uint8_t protocol;
  uint16_t first_port;
  uint16_t last_port;
  uint16_t slot;  // of the virtual address

  [[nodiscard]] bool is_single() const noexcept { return first_port == last_port; }
};

struct SchedulerRow;

// Scheduler flags, as IPVS numbers them (IP_VS_SVC_F_SCHED1 ...): of sh and of mh.
inline constexpr uint32_t kFallback = 1, kWithPort = 2;

enum class NoDestination : uint8_t { reset_or_icmp, reset, icmp, drop };
enum class Sloppy : uint8_t { never, takeover, always };

// A service as schedulers and the schedule stage see it; part of a snapshot, so it never changes.
struct Service {
  uint32_t slot = 0;
  const SchedulerRow* scheduler = nullptr;
  uint32_t scheduler_flags = 0;
  bool is_mark = false;  // named by a firewall mark
  bool is_v4 = true;
  bool one_packet = false;
  bool helps_ftp = false;
  bool resets = true;
  NoDestination no_destination = NoDestination::reset_or_icmp;
  Sloppy sloppy = Sloppy::never;
  uint8_t protocol = 0;            // of all its listeners; 0 = several
  uint8_t profile = 0;             // row of the snapshot's timeouts
  uint8_t persistence_bits = 0;    // of the 128 of an address that clients share one destination by
  uint32_t persistence_ticks = 0;  // 0 = none
  std::vector<Listener> listeners;
  std::vector<Destination> destinations;
  // What the scheduler has worked out ahead: the weights' maximum and greatest common divisor, and a table of places in `destinations`.
  uint32_t max_weight = 0;
  uint32_t weight_gcd = 0;
  std::vector<uint32_t> table;
  uint32_t list_digest = 0;  // of wrr: tells whether destinations or weights have changed
};

// One first packet that asks for a destination.
struct Choice {
  const Service& service;
  SchedulerState& state;
  const Key& key;
  const DestinationSlot* slots;
  const Load* loads;

  // Whether it may have new flows at all, as every scheduler of IPVS asks first.
  [[nodiscard]] bool is_available(const Destination& destination) const noexcept {
    if (destination.weight == 0) return false;
    // Few have limits, so few slots have to be looked into.
    return !destination.has_limit || !slots[destination.slot].overloaded.load(std::memory_order_relaxed);
  }
};

// Returns the destination for a new flow, or null when none is available.
using Pick = const Destination* (*)(const Choice& choice) noexcept;
// Works out Service::table; off the data path.
using Prepare = void (*)(Service& service);

struct SchedulerRow {
  std::string_view name;
  Pick pick;
  Prepare prepare = nullptr;
};

const Destination* pick_round_robin(const Choice& choice) noexcept;
const Destination* pick_weighted_round_robin(const Choice& choice) noexcept;
const Destination* pick_least_connections(const Choice& choice) noexcept;
const Destination* pick_weighted_least_connections(const Choice& choice) noexcept;
const Destination* pick_source_hash(const Choice& choice) noexcept;
const Destination* pick_destination_hash(const Choice& choice) noexcept;
const Destination* pick_maglev(const Choice& choice) noexcept;
const Destination* pick_shortest_delay(const Choice& choice) noexcept;
const Destination* pick_never_queue(const Choice& choice) noexcept;
const Destination* pick_failover(const Choice& choice) noexcept;
const Destination* pick_overflow(const Choice& choice) noexcept;
const Destination* pick_two_choices(const Choice& choice) noexcept;

void prepare_weighted_round_robin(Service& service);
void prepare_source_hash(Service& service);
void prepare_destination_hash(Service& service);
void prepare_maglev(Service& service);

inline constexpr SchedulerRow kSchedulers[] = {
    {"rr", pick_round_robin},
    {"wrr", pick_weighted_round_robin, prepare_weighted_round_robin},
    {"lc", pick_least_connections},
    {"wlc", pick_weighted_least_connections},
    {"sh", pick_source_hash, prepare_source_hash},
    {"dh", pick_destination_hash, prepare_destination_hash},
    {"mh", pick_maglev, prepare_maglev},
    {"sed", pick_shortest_delay},
    {"nq", pick_never_queue},
    {"fo", pick_failover},
    {"ovf", pick_overflow},
    {"twos", pick_two_choices},
};

// Null for a name that is not in the table.
constexpr const SchedulerRow* find_scheduler(std::string_view name) noexcept {
  for (const SchedulerRow& row : kSchedulers) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace natlb
