// The links of this host with their addresses, kept from the kernel's news.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/netlink.h"

namespace natlb {

struct LinkAddress {
  Address address;
  uint8_t length;  // of the prefix, 0-32 or 0-128
  uint8_t scope;   // RT_SCOPE_*
};

struct Link {
  uint32_t index;
  std::string name;
  MacAddress mac;
  uint32_t mtu;
  bool up;                             // administratively up and with carrier
  std::vector<LinkAddress> addresses;  // in the kernel's order
  uint32_t vlan = 0;                   // as in LinkNews
  uint32_t vlan_on = 0;
  bool macvlan = false;
};

// By what a link's frames travel: the link below all VLANs and macvlans, and the tags they have there.
struct Carrier {
  uint32_t root = 0;  // 0 = nothing: more than two VLANs upon each other
  VlanTags tags{};
};

class LinkTable {
 public:
  void reload(Netlink& netlink);
  // Each says whether anything is different now.
  bool apply(const LinkNews& news);
  bool apply(const AddressNews& news);

  [[nodiscard]] const std::map<uint32_t, Link>& by_index() const noexcept { return links_; }
  [[nodiscard]] const Link* find(const std::string& name) const noexcept;
  [[nodiscard]] Carrier carrier(uint32_t index) const noexcept;
  // Is it, or is it a VLAN or macvlan of, the link `base`?
  [[nodiscard]] bool is_on(uint32_t index, uint32_t base) const noexcept;

 private:
  std::map<uint32_t, Link> links_;
};

}  // namespace natlb
