// Which interface carries a VLAN's frames, from what the kernel says of its links.
#include "io/link_table.h"

#include <doctest/doctest.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>

#include "core/wire.h"

using namespace natlb;

namespace {

constexpr uint32_t kHundred = 0x81000064, kProvider = 0x88a80007;

LinkNews link(uint32_t index, const std::string& name, uint32_t vlan = 0, uint32_t on = 0) {
  return {false, index, name, {}, 1500, true, vlan, on};
}

LinkTable table(const std::vector<LinkNews>& links) {
  LinkTable table;
  for (const LinkNews& link : links) table.apply(link);
  return table;
}

struct Said {
  const char* kind = "vlan";
  uint16_t number = 100;
  uint16_t protocol = 0;  // 0: an older kernel, which does not say
  bool elsewhere = false;
};

// A link as the kernel tells of it.
LinkNews read(const Said& said) {
  alignas(nlmsghdr) std::array<char, 1024> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_NEWLINK;
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  header->ifi_index = 5;
  mnl_attr_put_strz(message, IFLA_IFNAME, "eth0.100");
  mnl_attr_put_u32(message, IFLA_LINK, 2);
  if (said.elsewhere) mnl_attr_put_u32(message, IFLA_LINK_NETNSID, 0);
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_strz(message, IFLA_INFO_KIND, said.kind);
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  mnl_attr_put_u16(message, IFLA_VLAN_ID, said.number);
  if (said.protocol != 0) mnl_attr_put_u16(message, IFLA_VLAN_PROTOCOL, to_wire(said.protocol));
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, info);
  return std::get<LinkNews>(read_news(message).value());
}

}  // namespace

TEST_CASE("links: a VLAN is read from the kernel's words") {
  CHECK(read({}).vlan == kHundred);
  CHECK(read({}).vlan_on == 2);
  CHECK(read({.protocol = 0x8100}).vlan == kHundred);
  CHECK(read({.number = 7, .protocol = 0x88a8}).vlan == kProvider);
  CHECK(read({.kind = "macvlan"}).vlan == 0);
  CHECK(read({.kind = "macvlan"}).macvlan);
  CHECK(read({.kind = "macvlan"}).vlan_on == 2);
  CHECK_FALSE(read({.kind = "macvlan", .elsewhere = true}).macvlan);
  CHECK(read({.elsewhere = true}).vlan == 0);
}

TEST_CASE("links: frames travel by the link below all VLANs, with the lowest one's tag outside") {
  const LinkTable links = table({link(2, "eth0"), link(3, "eth0.7", kProvider, 2), link(4, "eth0.7.100", kHundred, 3),
                                 link(5, "eth0.100", kHundred, 2), link(6, "eth0.7.100.100", kHundred, 4)});
  const auto carried = [&](uint32_t index, uint32_t root, const VlanTags& tags) {
    const Carrier carrier = links.carrier(index);
    return carrier.root == root && carrier.tags == tags;
  };
  CHECK(carried(2, 2, {}));
  CHECK(carried(5, 2, {kHundred, 0}));
  CHECK(carried(4, 2, {kProvider, kHundred}));
  CHECK(carried(6, 0, {}));  // three tags
  CHECK(carried(9, 0, {}));  // no such link
}

TEST_CASE("links: a macvlan's frames have the tags of the link below it") {
  LinkNews on_eth0 = link(7, "vrrp.51", 0, 2), on_vlan = link(8, "vrrp.52", 0, 5);
  on_eth0.macvlan = on_vlan.macvlan = true;
  const LinkTable links = table({link(2, "eth0"), link(5, "eth0.100", kHundred, 2), on_eth0, on_vlan});
  CHECK(links.carrier(7).root == 2);
  CHECK(links.carrier(8).root == 2);
  CHECK(links.carrier(8).tags == VlanTags{kHundred, 0});
  CHECK(links.is_on(8, 2));
  CHECK_FALSE(links.is_on(7, 5));
}

TEST_CASE("links: a VLAN is on every link below it") {
  const LinkTable links = table({link(2, "eth0"), link(3, "eth0.7", kProvider, 2), link(4, "eth0.7.100", kHundred, 3), link(5, "eth1")});
  CHECK(links.is_on(4, 4));
  CHECK(links.is_on(4, 3));
  CHECK(links.is_on(4, 2));
  CHECK_FALSE(links.is_on(4, 5));
  CHECK_FALSE(links.is_on(3, 4));
}

TEST_CASE("links: a VLAN whose link is gone has nothing to travel by") {
  LinkTable links = table({link(2, "eth0"), link(5, "eth0.100", kHundred, 2)});
  LinkNews gone = link(2, "eth0");
  gone.gone = true;
  links.apply(gone);
  CHECK(links.carrier(5).root == 0);
}

TEST_CASE("links: another number is a change") {
  LinkTable links = table({link(2, "eth0"), link(5, "eth0.100", kHundred, 2)});
  CHECK_FALSE(links.apply(link(5, "eth0.100", kHundred, 2)));
  CHECK(links.apply(link(5, "eth0.100", kHundred + 1, 2)));
}
