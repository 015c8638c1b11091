// What of the traffic is to be steered to the data plane, as plain data.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/routes.h"

namespace natlb {

// A service's ports on one address, in host order, both included.
struct SteeredRange {
  Address address;
  uint8_t protocol;  // IPPROTO_*
  uint16_t first;
  uint16_t last;
};

// A destination. Port 0: it answers from any port, and only live flows tell its answers from its own traffic.
struct SteeredEndpoint {
  Endpoint endpoint;
  uint8_t protocol;
};

// An interface whose frames are looked at. Others' stay with the kernel.
struct SteeredInterface {
  uint32_t root;  // ifindex of the interface of the device, below all VLANs
  VlanTags tags;
  MacAddress mac;
  bool macvlan = false;  // another one has these frames too, with a MAC of its own

  friend bool operator==(const SteeredInterface&, const SteeredInterface&) = default;
};

struct Steered {
  std::vector<SteeredRange> services{};
  std::vector<SteeredEndpoint> destinations{};
  std::vector<Address> locals{};  // the host's own addresses
  std::vector<SteeredInterface> interfaces{};
  // Is there, or may there be, something in the live-flow filter?
  bool asks_live_flows = false;
  // Nothing is configured yet: what a process before put at tc ingress stays, since it knows more.
  bool keeps_guard = false;
};

// First and last port, in host order.
using PortRange = std::pair<uint16_t, uint16_t>;
struct AddressAndProtocol {
  Address address;
  uint8_t protocol;

  friend bool operator<(const AddressAndProtocol& a, const AddressAndProtocol& b) noexcept;
};
using PortRanges = std::map<AddressAndProtocol, std::vector<PortRange>>;

// The kernel's program goes through the ranges of one address and protocol one by one.
inline constexpr size_t kSteeredRanges = 16;

// The ranges of more than one port, those that touch joined. Throws std::system_error naming the address that has too many.
PortRanges port_ranges(const std::vector<SteeredRange>& services);

}  // namespace natlb
