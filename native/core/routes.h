// The kernel's interfaces, routes and neighbours as the data plane sees them: built off the data path by io/mirror, immutable, swapped in
// whole. Lookup is a longest-prefix match: one look into a hash table for each prefix length that is in use, then one for the neighbour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/address.h"
#include "core/vlan.h"

namespace natlb {

struct MacAddress {
  uint8_t bytes[6];

  friend bool operator==(const MacAddress&, const MacAddress&) = default;
};

struct Interface {
  uint32_t index;  // the kernel's ifindex
  MacAddress mac;
  uint32_t mtu;                    // bytes of IP packet
  bool up;                         // administratively up and with carrier
  std::vector<Address> addresses;  // what the host itself holds here, VIPs included
  uint32_t root = 0;               // ifindex of the interface whose device carries its frames: below all VLANs and macvlans; 0 = none does
  VlanTags tags{};                 // that its frames have there
  bool macvlan = false;            // another interface has these frames too: only those to this MAC are its own
};

// Where a packet goes next. `resolved` false: the neighbour's MAC is unknown and the kernel must be asked.
struct NextHop {
  uint32_t interface;  // position in Routes::interfaces, or kNoInterface when there is no route
  bool resolved;
  MacAddress source;
  MacAddress destination;
  uint32_t mtu;
  Address neighbour;  // the gateway, or the packet's own destination
};

inline constexpr uint32_t kNoInterface = UINT32_MAX;

struct Route {
  Address prefix;      // bits behind the prefix are zero
  uint8_t length;      // in the 128-bit space: an IPv4 /24 is 96 + 24
  uint32_t interface;  // kNoInterface: what matches is not to be forwarded (blackhole, unreachable, the host's own, broadcast)
  Address gateway;     // zero: on link
  uint32_t mtu = 0;    // of the route itself; 0 = the interface's
};

struct Neighbour {
  Address address;
  uint32_t interface;
  MacAddress mac;
};

class Routes {
 public:
  Routes() = default;
  // Takes what the kernel said, in any order. Of two routes with the same prefix the first wins (the caller sorts by metric).
  // `seed` keeps neighbours who choose their own addresses from meeting in one place of the hash table.
  Routes(std::vector<Interface> interfaces, std::vector<Route> routes, const std::vector<Neighbour>& neighbours, uint64_t seed = 0);

  [[nodiscard]] NextHop find(const Address& destination) const noexcept;

  // The same in two steps, for who keeps the first: a number that means something to these routes only, or kNoHop when there is no resolved
  // next hop to keep, or its number is too great.
  static constexpr uint16_t kNoHop = UINT16_MAX;
  [[nodiscard]] uint16_t reference(const Address& destination) const noexcept;
  [[nodiscard]] NextHop follow(uint16_t reference) const noexcept;
  // Of this object, unlike that of any other in the process; never 0.
  [[nodiscard]] uint32_t serial() const noexcept { return serial_; }

  // Is this an address of the host itself, on any interface?
  [[nodiscard]] bool is_local(const Address& address) const noexcept;
  [[nodiscard]] const std::vector<Interface>& interfaces() const noexcept { return interfaces_; }
  // Addresses of gateways, which are worth resolving before a packet asks: (interface position, address).
  [[nodiscard]] const std::vector<Neighbour>& gateways() const noexcept { return gateways_; }

 private:
  struct Hop {
    NextHop next;  // of a route by a gateway: final; on link: lacks the neighbour, which is the packet's own destination
    bool on_link;
  };
  // The routes of one family and prefix length: a hash table, open addressing, at most a quarter full.
  struct Slot {
    Address prefix;
    uint32_t hop;  // in hops_, or kFreeSlot
  };
  struct Length {
    Address mask;
    size_t begin;  // in slots_
    size_t last;   // number of slots less one
    int shift;     // leaves as many upper bits of the hash as number the slots
  };
  static constexpr uint32_t kFreeSlot = UINT32_MAX;
  static constexpr uint16_t kOnLink = 1U << 15;  // in a reference: the rest is a place in neighbours_, not in hops_

  void add_neighbours(const std::vector<Neighbour>& neighbours);
  void add_length(const Route* begin, const Route* end);
  [[nodiscard]] Hop hop_of(const Route& route);
  void add_gateway(const NextHop& next);
  [[nodiscard]] const Hop* match(const Address& destination) const noexcept;
  [[nodiscard]] size_t slot(const Length& length, uint64_t high, uint64_t low) const noexcept;
  [[nodiscard]] size_t neighbour(uint32_t interface, const Address& address) const noexcept;
  [[nodiscard]] NextHop toward(const NextHop& way, const Address& neighbour_address) const noexcept;

  static uint16_t numbered(size_t at, uint16_t kind) noexcept;
  static uint32_t next_serial() noexcept;

  uint32_t serial_ = next_serial();
  uint64_t seed_ = 0;
  std::vector<Interface> interfaces_;
  std::vector<Hop> hops_;
  std::vector<Slot> slots_;
  std::vector<Length> lengths_[2];     // IPv6, IPv4; longest first
  std::vector<Neighbour> neighbours_;  // a hash table like slots_; interface kNoInterface = free
  std::vector<Address> locals_;        // sorted
  std::vector<Neighbour> gateways_;
};

}  // namespace natlb
