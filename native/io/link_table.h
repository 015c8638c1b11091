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
};

class LinkTable {
 public:
  void reload(Netlink& netlink);
  // Each says whether anything is different now.
  bool apply(const LinkNews& news);
  bool apply(const AddressNews& news);

  [[nodiscard]] const std::map<uint32_t, Link>& by_index() const noexcept { return links_; }
  [[nodiscard]] const Link* find(const std::string& name) const noexcept;

 private:
  std::map<uint32_t, Link> links_;
};

}  // namespace natlb
