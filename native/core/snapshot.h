// Everything configured that a packet may need, immutable: built off the data path, swapped in whole.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/flow_state.h"
#include "core/routes.h"
#include "core/scheduler.h"

namespace natlb {

// In ticks, one for each state.
using Timeouts = std::array<uint32_t, kFlowStates>;

struct HalfOpenLimits {
  uint32_t service = 0;  // 0 = any number
  uint32_t source = 0;
};

struct SnapshotParts {
  uint64_t generation = 0;
  std::vector<Service> services;
  std::vector<Timeouts> profiles;  // at least one; services name theirs by position
  uint32_t takeover_ticks = 0;
  HalfOpenLimits half_open;
};

class Snapshot {
 public:
  explicit Snapshot(SnapshotParts parts);
  Snapshot(Snapshot&&) = default;  // what points into its vectors stays where it is
  Snapshot& operator=(Snapshot&&) = default;

  struct Match {
    const Service* service = nullptr;
    const Listener* listener = nullptr;
  };
  // Who listens there: services of firewall marks first, then single ports, then ranges (IPVS: ip_vs_service_find).
  [[nodiscard]] Match find_service(const Address& address, uint16_t port, uint8_t protocol) const noexcept;
  // Null when it is not in this snapshot.
  [[nodiscard]] const Service* service_in(uint32_t slot) const noexcept { return slot < by_slot_.size() ? by_slot_[slot] : nullptr; }
  struct Source {
    const Service* service = nullptr;
    const Destination* destination = nullptr;
  };
  // Whose answer it is that comes from there without a flow: of a service of one-packet scheduling.
  [[nodiscard]] Source find_one_packet(const Address& address, uint16_t port) const noexcept;
  [[nodiscard]] bool is_destination(const Address& address, uint16_t port, uint8_t protocol) const noexcept;

  [[nodiscard]] const std::vector<Service>& services() const noexcept { return parts_.services; }
  // `profile` may be of an older or newer snapshot for a moment.
  [[nodiscard]] const Timeouts& timeouts(uint8_t profile) const noexcept { return parts_.profiles[profile]; }
  // Some service reads FTP control connections.
  [[nodiscard]] bool helps_ftp() const noexcept { return helps_ftp_; }
  [[nodiscard]] uint32_t takeover_ticks() const noexcept { return parts_.takeover_ticks; }
  [[nodiscard]] const HalfOpenLimits& half_open() const noexcept { return parts_.half_open; }
  // 0 = nobody has configured anything yet.
  [[nodiscard]] uint64_t generation() const noexcept { return parts_.generation; }
  // Of this object, unlike that of any other in the process; never 0.
  [[nodiscard]] uint32_t serial() const noexcept { return serial_; }

 private:
  struct Place {
    Address address;
    uint16_t port;  // as in Destination
    uint8_t protocol;
    const Service* service;
    const Destination* destination;
  };
  struct Entry {
    const Service* service;
    const Listener* listener;
  };
  void add_places(const Service& service, const Destination& destination);
  [[nodiscard]] std::span<const Place> places(const Address& address, uint16_t port, uint8_t protocol) const noexcept;
  [[nodiscard]] Match find_range(const Address& address, uint16_t port, uint8_t protocol, bool mark) const noexcept;

  static uint32_t next_serial() noexcept;

  uint32_t serial_ = next_serial();
  SnapshotParts parts_;
  std::vector<Entry> singles_;  // sorted by address, protocol, port
  std::vector<Entry> ranges_;   // sorted by address, protocol; in the order of the services
  bool mark_ranges_ = false;
  bool helps_ftp_ = false;
  std::vector<const Service*> by_slot_;
  std::vector<Place> destinations_;  // sorted
};

// What one round of a worker goes by.
struct View {
  const Snapshot* snapshot;
  const Routes* routes;
  // For each device of the worker, its interface's position in routes; for each such position, the device to send by.
  std::vector<uint32_t> interface_of_device;
  std::vector<uint16_t> device_of_interface;
  // Tick until which flows of another router may still be on their way here: it has just taken over an address.
  uint32_t takeover_until = 0;
  // The interfaces that are VLANs, sorted by device and tags.
  struct Tagged {
    uint16_t device;
    VlanTags tags;
    uint32_t interface;
  };
  std::vector<Tagged> tagged{};
  // MACs that interfaces have beside their own.
  struct Macvlan {
    uint16_t device;
    VlanTags tags;
    MacAddress mac;
  };
  std::vector<Macvlan> macvlans{};

  static constexpr uint16_t kNoDevice = UINT16_MAX;

  // Sets the tables; `roots` says for each device the ifindex of its interface. Of several queues the first sends.
  void connect(std::span<const uint32_t> roots);
  // Of a frame that came in by `device`; kNoInterface when it has none there.
  [[nodiscard]] uint32_t interface_at(uint16_t device, const VlanTags& tags) const noexcept {
    return tags.count() == 0 ? interface_of_device[device] : interface_tagged(device, tags);
  }

  // Is a frame that came in there, to the MAC of none of the interfaces themselves, for one of their macvlans?
  [[nodiscard]] bool is_for_macvlan(uint16_t device, const VlanTags& tags, const uint8_t* mac) const noexcept;

 private:
  [[nodiscard]] uint32_t interface_tagged(uint16_t device, const VlanTags& tags) const noexcept;
};

}  // namespace natlb
