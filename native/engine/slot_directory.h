// Gives services and destinations their slots, and takes slots back when neither the snapshot nor a flow uses them. Control thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/block.h"
#include "core/snapshot.h"

namespace natlb {

// What control wants, before it has slots.
struct WantedDestination {
  Endpoint endpoint;
  uint32_t weight;
};
struct WantedService {
  Endpoint endpoint;
  uint8_t protocol;
  std::string scheduler;
  std::vector<WantedDestination> destinations;
};
struct WantedSnapshot {
  uint64_t generation = 0;
  std::vector<WantedService> services;
  uint32_t tcp_ms = 900'000, tcp_fin_ms = 120'000, udp_ms = 300'000;
};

class SlotDirectory {
 public:
  // Knows again what the block already holds.
  explicit SlotDirectory(Block& block);

  // Throws std::invalid_argument for an unknown scheduler or a service given twice, std::length_error when slots run out.
  Snapshot build(const WantedSnapshot& wanted);
  // Frees what `current`, the one snapshot the worker still goes by, does not use and no flow refers to.
  void collect(const Snapshot& current);

  // Of all destinations the service ever had.
  struct Sum {
    uint64_t connections = 0, packets_in = 0, packets_out = 0, bytes_in = 0, bytes_out = 0;
  };
  [[nodiscard]] Sum sum(uint32_t service) const;
  [[nodiscard]] Sum total() const;

 private:
  using ServiceName = std::tuple<std::array<uint8_t, 16>, uint16_t, uint8_t>;
  using DestinationName = std::tuple<uint32_t, std::array<uint8_t, 16>, uint16_t>;
  uint32_t service_slot(const WantedService& service);
  uint32_t destination_slot(uint32_t service, const Endpoint& endpoint);
  Service build(const WantedService& wanted);
  void give_up(uint32_t destination);

  Block& block_;
  std::map<ServiceName, uint32_t> services_;
  std::map<DestinationName, uint32_t> destinations_;
  std::vector<uint32_t> free_services_, free_destinations_;
  Sum gone_;  // of services whose slots were freed
};

}  // namespace natlb
