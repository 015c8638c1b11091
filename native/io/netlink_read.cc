// What rtnetlink's messages say, as far as it concerns us: rtnetlink(7) and the kernel's headers of the same names.
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <string_view>

#include "core/vlan.h"
#include "io/netlink.h"

namespace natlb {

namespace {

// The attributes of a message or of a nest, by number. Of those with higher numbers none is read here.
struct Attributes {
  std::array<const nlattr*, 64> by_type{};

  static int keep(const nlattr* attribute, void* self) {
    auto& by_type = static_cast<Attributes*>(self)->by_type;
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type < by_type.size()) by_type[type] = attribute;
    return MNL_CB_OK;
  }
  const nlattr* operator[](size_t type) const { return by_type[type]; }
  uint32_t number(size_t type) const {
    const nlattr* found = by_type[type];
    return found != nullptr && mnl_attr_get_payload_len(found) >= sizeof(uint32_t) ? mnl_attr_get_u32(found) : 0;
  }
};

Attributes attributes(const nlmsghdr* message, size_t header) {
  Attributes all;
  mnl_attr_parse(message, static_cast<unsigned>(header), Attributes::keep, &all);
  return all;
}

Attributes nested(const nlattr* attribute) {
  Attributes all;
  mnl_attr_parse_nested(attribute, Attributes::keep, &all);
  return all;
}

bool is_ip(uint8_t family) { return family == AF_INET || family == AF_INET6; }

std::optional<Address> address_of(const void* bytes, size_t size) {
  if (size == 4) return Address::v4(bytes);
  if (size == 16) return Address::v6(bytes);
  return std::nullopt;
}

std::optional<Address> address_of(const nlattr* attribute) {
  return attribute == nullptr ? std::nullopt : address_of(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
}

MacAddress mac_of(const nlattr* attribute) {
  MacAddress mac{};
  if (attribute != nullptr && mnl_attr_get_payload_len(attribute) == sizeof mac)
    std::memcpy(&mac, mnl_attr_get_payload(attribute), sizeof mac);
  return mac;
}

// What a link stands on.
struct Below {
  uint32_t tag = 0;
  uint32_t on = 0;
  bool macvlan = false;
};

// One whose link is in another namespace stands on nothing here.
Below below(const Attributes& link) {
  if (link[IFLA_LINKINFO] == nullptr || link[IFLA_LINK] == nullptr || link[IFLA_LINK_NETNSID] != nullptr) return {};
  const Attributes info = nested(link[IFLA_LINKINFO]);
  if (info[IFLA_INFO_KIND] == nullptr || info[IFLA_INFO_DATA] == nullptr) return {};
  const std::string_view kind{mnl_attr_get_str(info[IFLA_INFO_KIND])};
  if (kind == "macvlan") return {0, link.number(IFLA_LINK), true};
  if (kind != "vlan") return {};
  const Attributes vlan = nested(info[IFLA_INFO_DATA]);
  if (vlan[IFLA_VLAN_ID] == nullptr) return {};
  const uint16_t protocol = vlan[IFLA_VLAN_PROTOCOL] == nullptr ? kEtherTypeVlan : to_host(mnl_attr_get_u16(vlan[IFLA_VLAN_PROTOCOL]));
  return {vlan_tag(protocol, mnl_attr_get_u16(vlan[IFLA_VLAN_ID])), link.number(IFLA_LINK), false};
}

std::optional<News> read_link(const nlmsghdr* message, bool gone) {
  const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  if (header->ifi_family != AF_UNSPEC) return std::nullopt;  // a bridge's view of a port, whose end is not the link's end
  const Attributes all = attributes(message, sizeof *header);
  constexpr unsigned kWorking = IFF_UP | IFF_RUNNING;
  const Below stands = below(all);
  const std::string name = all[IFLA_IFNAME] == nullptr ? "" : mnl_attr_get_str(all[IFLA_IFNAME]);
  return LinkNews{gone,
                  static_cast<uint32_t>(header->ifi_index),
                  name,
                  mac_of(all[IFLA_ADDRESS]),
                  all.number(IFLA_MTU),
                  (header->ifi_flags & kWorking) == kWorking,
                  stands.tag,
                  stands.on,
                  stands.macvlan};
}

std::optional<News> read_address(const nlmsghdr* message, bool gone) {
  const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  const Attributes all = attributes(message, sizeof *header);
  // On a point-to-point link IFA_ADDRESS is the other end.
  const auto address = address_of(all[IFA_LOCAL] != nullptr ? all[IFA_LOCAL] : all[IFA_ADDRESS]);
  if (!is_ip(header->ifa_family) || !address) return std::nullopt;
  return AddressNews{gone, header->ifa_index, *address, header->ifa_prefixlen, header->ifa_scope};
}

std::optional<News> read_neighbour(const nlmsghdr* message, bool gone) {
  const auto* header = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
  const Attributes all = attributes(message, sizeof *header);
  const auto address = address_of(all[NDA_DST]);
  if (!is_ip(header->ndm_family) || (header->ndm_flags & NTF_PROXY) != 0 || !address) return std::nullopt;
  const bool has_mac = all[NDA_LLADDR] != nullptr && mnl_attr_get_payload_len(all[NDA_LLADDR]) == sizeof(MacAddress);
  const uint16_t state = has_mac ? header->ndm_state : header->ndm_state & (NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP | NUD_PERMANENT);
  return NeighbourNews{gone, static_cast<uint32_t>(header->ndm_ifindex), *address, mac_of(all[NDA_LLADDR]), state};
}

Address gateway_of(const Attributes& all) {
  if (const auto gateway = address_of(all[RTA_GATEWAY])) return *gateway;
  if (all[RTA_VIA] == nullptr || mnl_attr_get_payload_len(all[RTA_VIA]) < sizeof(rtvia)) return {};
  const auto* via = static_cast<const rtvia*>(mnl_attr_get_payload(all[RTA_VIA]));  // a gateway of the other family
  return address_of(via->rtvia_addr, mnl_attr_get_payload_len(all[RTA_VIA]) - sizeof *via).value_or(Address{});
}

struct Way {
  uint32_t index = 0;
  Address gateway{};
};

std::optional<Way> first_living_hop(const nlattr* multipath) {
  const auto* hop = static_cast<const rtnexthop*>(mnl_attr_get_payload(multipath));
  int left = mnl_attr_get_payload_len(multipath);
  for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
    if ((hop->rtnh_flags & RTNH_F_DEAD) != 0) continue;
    Attributes all;
    mnl_attr_parse_payload(RTNH_DATA(hop), hop->rtnh_len - RTNH_LENGTH(0), Attributes::keep, &all);
    return Way{static_cast<uint32_t>(hop->rtnh_ifindex), gateway_of(all)};
  }
  return std::nullopt;
}

// Nothing: the kernel would pass this route over.
std::optional<Way> way_of(const rtmsg* header, const Attributes& all) {
  if (header->rtm_type != RTN_UNICAST) return Way{};  // the host's own, broadcast, blackhole, unreachable: not to be forwarded
  if (all[RTA_MULTIPATH] != nullptr) return first_living_hop(all[RTA_MULTIPATH]);
  if ((header->rtm_flags & RTNH_F_DEAD) != 0) return std::nullopt;
  return Way{all.number(RTA_OIF), gateway_of(all)};
}

uint32_t mtu_of(const nlattr* metrics) {
  if (metrics == nullptr) return 0;
  return nested(metrics).number(RTAX_MTU);
}

// Routes for one type of service or one source are left out: the data plane asks for the destination only.
bool is_plain(const rtmsg* header) {
  return is_ip(header->rtm_family) && header->rtm_tos == 0 && header->rtm_src_len == 0 && (header->rtm_flags & RTM_F_CLONED) == 0;
}

std::optional<News> read_route(const nlmsghdr* message, bool gone) {
  const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  const Attributes all = attributes(message, sizeof *header);
  const uint32_t table = all[RTA_TABLE] == nullptr ? header->rtm_table : all.number(RTA_TABLE);
  if (!is_plain(header) || (table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL)) return std::nullopt;
  const auto way = way_of(header, all);
  if (!way) return std::nullopt;
  static constexpr uint8_t kZero[16] = {};
  const bool v4 = header->rtm_family == AF_INET;
  const Address prefix = address_of(all[RTA_DST]).value_or(v4 ? Address::v4(kZero) : Address::v6(kZero));
  const auto length = static_cast<uint8_t>(v4 ? 96 + header->rtm_dst_len : header->rtm_dst_len);
  return RouteNews{gone,         table == RT_TABLE_LOCAL, prefix, length, all.number(RTA_PRIORITY), way->index,
                   way->gateway, mtu_of(all[RTA_METRICS])};
}

struct Reader {
  uint16_t came, went;
  size_t header;
  std::optional<News> (*read)(const nlmsghdr* message, bool gone);
};
constexpr Reader kReaders[] = {
    {RTM_NEWLINK, RTM_DELLINK, sizeof(ifinfomsg), read_link},
    {RTM_NEWADDR, RTM_DELADDR, sizeof(ifaddrmsg), read_address},
    {RTM_NEWROUTE, RTM_DELROUTE, sizeof(rtmsg), read_route},
    {RTM_NEWNEIGH, RTM_DELNEIGH, sizeof(ndmsg), read_neighbour},
};

}  // namespace

std::optional<News> read_news(const nlmsghdr* message) {
  for (const Reader& reader : kReaders) {
    if (message->nlmsg_type != reader.came && message->nlmsg_type != reader.went) continue;
    if (mnl_nlmsg_get_payload_len(message) < reader.header) return std::nullopt;
    return reader.read(message, message->nlmsg_type == reader.went);
  }
  return std::nullopt;
}

}  // namespace natlb
