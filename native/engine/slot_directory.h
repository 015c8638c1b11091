// Gives services and destinations their slots, and takes slots back when neither the snapshot nor a flow uses them. Control thread only.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/block.h"
#include "core/snapshot.h"

namespace natlb {

// What control wants, before it has slots: dataplane/protocol.ts says what each means.
struct WantedDestination {
  Address address;
  uint16_t port = 0;  // network order
  uint32_t weight = 1;
  uint32_t upper_threshold = 0, lower_threshold = 0;
  bool is_down = false;
};
struct WantedListener {
  Address address;
  uint8_t protocol;
  uint16_t first_port, last_port;  // host order
};
// Times by state, in milliseconds; 0 = not given.
using WantedTimeouts = std::array<uint32_t, kFlowStates>;
struct WantedService {
  std::string name;
  bool is_mark = false;
  std::vector<WantedListener> listeners;
  std::string scheduler;
  uint32_t scheduler_flags = 0;
  bool one_packet = false;
  uint32_t persistence_ms = 0;     // 0 = none
  uint8_t persistence_prefix = 0;  // of the services' family
  bool helps_ftp = false;
  WantedTimeouts timeouts{};
  NoDestination no_destination = NoDestination::reset_or_icmp;
  bool resets = true;
  Sloppy sloppy = Sloppy::never;
  std::vector<WantedDestination> destinations;
};
struct WantedSnapshot {
  uint64_t generation = 0;
  std::vector<WantedService> services;
  WantedTimeouts timeouts{};
  uint32_t takeover_ms = 0;
  HalfOpenLimits half_open;
};

class SlotDirectory {
 public:
  // Knows again what the block already holds. `random` says where schedulers begin; 0 = with the first destination.
  SlotDirectory(Block& block, uint64_t random);

  // Throws std::invalid_argument for what cannot be (an unknown scheduler, a service given twice), std::length_error when slots run out.
  Snapshot build(const WantedSnapshot& wanted);
  // Frees what `current`, the one snapshot the worker still goes by, does not use and no flow refers to.
  void collect(const Snapshot& current);

  // Of a service with flows or in the snapshot; after a restart empty until the service is wanted again.
  [[nodiscard]] const std::string& name(uint32_t service) const { return names_[service]; }

  // Of all destinations the service ever had.
  struct Sum {
    uint64_t connections = 0, packets_in = 0, packets_out = 0, bytes_in = 0, bytes_out = 0;
  };
  [[nodiscard]] Sum sum(uint32_t service) const;
  [[nodiscard]] Sum total() const;

 private:
  using Bytes = std::array<uint8_t, 16>;
  using DestinationName = std::tuple<uint32_t, Bytes, uint16_t>;
  uint32_t service_slot(const ServiceName& name);
  uint16_t address_slot(const Address& address);
  uint32_t destination_slot(uint32_t service, const WantedDestination& wanted);
  Service build(const WantedService& wanted);
  void apply(const WantedSnapshot& wanted, SnapshotParts& parts);
  void stand(const Snapshot& current);
  void collect_addresses(const Snapshot& current);
  void give_up(uint32_t destination);

  Block& block_;
  uint64_t random_;
  std::vector<std::string> names_ = std::vector<std::string>(kMaxServices);
  std::map<ServiceName, uint32_t> services_;
  std::map<Bytes, uint32_t> addresses_;
  std::map<DestinationName, uint32_t> destinations_;
  std::vector<uint32_t> free_services_, free_addresses_, free_destinations_;
  Sum gone_;  // of services whose slots were freed
};

}  // namespace natlb
