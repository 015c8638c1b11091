// The kernel's interfaces, routes and neighbours as the data plane sees them: built off the data path by io/mirror, immutable, swapped in
// whole. Lookup is a longest-prefix match over sorted arrays, one binary search for each prefix length that is in use.
#pragma once

#include <cstdint>
#include <vector>

#include "core/address.h"

namespace natlb {

struct MacAddress {
  uint8_t bytes[6];
};

struct Interface {
  uint32_t index;  // the kernel's ifindex
  MacAddress mac;
  uint32_t mtu;  // bytes of IP packet
  bool up;       // administratively up and with carrier
  std::vector<Address> addresses;  // what the host itself holds here, VIPs included
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
  Address prefix;  // bits behind the prefix are zero
  uint8_t length;  // in the 128-bit space: an IPv4 /24 is 96 + 24
  uint32_t interface;
  Address gateway;  // zero: on link
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
  Routes(std::vector<Interface> interfaces, std::vector<Route> routes, std::vector<Neighbour> neighbours);

  [[nodiscard]] NextHop find(const Address& destination) const noexcept;
  // Is this an address of the host itself, on any interface?
  [[nodiscard]] bool is_local(const Address& address) const noexcept;
  [[nodiscard]] const std::vector<Interface>& interfaces() const noexcept { return interfaces_; }
  // Addresses of gateways, which are worth resolving before a packet asks: (interface position, address).
  [[nodiscard]] const std::vector<Neighbour>& gateways() const noexcept { return gateways_; }

 private:
  struct Hop {
    Address prefix;
    NextHop next;  // for a gateway decided when built; for on-link routes the neighbour is found on lookup
    bool on_link;
  };
  struct Length {
    uint8_t length;
    uint32_t begin, end;  // in hops_
  };
  [[nodiscard]] const Neighbour* neighbour(uint32_t interface, const Address& address) const noexcept;
  NextHop toward(uint32_t interface, const Address& neighbour_address) const noexcept;

  std::vector<Interface> interfaces_;
  std::vector<Hop> hops_;        // by length descending, then by prefix
  std::vector<Length> lengths_;  // longest first
  std::vector<Neighbour> neighbours_;  // sorted by address
  std::vector<Address> locals_;        // sorted
  std::vector<Neighbour> gateways_;
};

}  // namespace natlb
