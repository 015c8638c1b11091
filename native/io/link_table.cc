// Keeps links and addresses as the kernel tells of them.
#include "io/link_table.h"

#include <algorithm>
#include <cstring>

namespace natlb {

namespace {

bool same(const Link& link, const LinkNews& news) {
  return link.name == news.name && std::memcmp(&link.mac, &news.mac, sizeof link.mac) == 0 && link.mtu == news.mtu && link.up == news.up &&
         link.vlan == news.vlan && link.vlan_on == news.vlan_on && link.macvlan == news.macvlan;
}

}  // namespace

void LinkTable::reload(Netlink& netlink) {
  links_.clear();
  for (const LinkNews& link : netlink.links()) apply(link);
  for (const AddressNews& address : netlink.addresses()) apply(address);
}

bool LinkTable::apply(const LinkNews& news) {
  if (news.gone) return links_.erase(news.index) != 0;
  Link& link = links_[news.index];
  if (link.index == news.index && same(link, news)) return false;
  link = {news.index, news.name, news.mac, news.mtu, news.up, std::move(link.addresses), news.vlan, news.vlan_on, news.macvlan};
  return true;
}

bool LinkTable::apply(const AddressNews& news) {
  const auto link = links_.find(news.index);
  if (link == links_.end()) return false;
  std::vector<LinkAddress>& held = link->second.addresses;
  const auto at = std::ranges::find_if(
      held, [&news](const LinkAddress& known) { return known.address == news.address && known.length == news.length; });
  if ((at == held.end()) == news.gone) return false;
  if (news.gone) {
    held.erase(at);
  } else {
    held.push_back({news.address, news.length, news.scope});
  }
  return true;
}

const Link* LinkTable::find(const std::string& name) const noexcept {
  for (const auto& [index, link] : links_) {
    if (link.name == name) return &link;
  }
  return nullptr;
}

// From the top down, so the tag found last stands first in the frame.
Carrier LinkTable::carrier(uint32_t index) const noexcept {
  VlanTags tags;
  for (auto link = links_.find(index); link != links_.end(); link = links_.find(link->second.vlan_on)) {
    if (link->second.macvlan) continue;
    if (link->second.vlan == 0) return {link->first, tags};
    if (tags.inner != 0) break;
    tags = {link->second.vlan, tags.outer};
  }
  return {};
}

bool LinkTable::is_on(uint32_t index, uint32_t base) const noexcept {
  for (auto link = links_.find(index); link != links_.end(); link = links_.find(link->second.vlan_on)) {
    if (link->first == base) return true;
    if (link->second.vlan == 0 && !link->second.macvlan) break;
  }
  return false;
}

}  // namespace natlb
