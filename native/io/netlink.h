// The kernel's links, addresses, routes and neighbours by rtnetlink (rtnetlink(7)): questions, requests, and news of changes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/address.h"
#include "core/routes.h"

struct mnl_socket;
struct nlmsghdr;

namespace natlb {

struct LinkNews {
  bool gone;
  uint32_t index;
  std::string name;
  MacAddress mac;  // zero when the link has none of six bytes
  uint32_t mtu;
  bool up;               // administratively up and with carrier
  uint32_t vlan = 0;     // its tag as in core/vlan.h; 0 = no VLAN of a link of this namespace
  uint32_t vlan_on = 0;  // the link it is a VLAN of
  bool macvlan = false;  // it shares the frames of vlan_on, with a MAC of its own
};

struct AddressNews {
  bool gone;
  uint32_t index;  // of the link
  Address address;
  uint8_t length;  // of the prefix, 0-32 or 0-128
  uint8_t scope;   // RT_SCOPE_*
};

// A route of the tables main and local. A multipath route comes as its first living hop.
struct RouteNews {
  bool gone;
  bool local_table;
  Address prefix;
  uint8_t length;   // in the 128-bit space
  uint32_t metric;  // less is better
  uint32_t index;   // of the link; 0 = matches, but leads nowhere outside
  Address gateway;  // zero: on link
  uint32_t mtu;     // 0 = the link's

  friend bool operator==(const RouteNews&, const RouteNews&) = default;
};

struct NeighbourNews {
  bool gone;
  uint32_t index;
  Address address;
  MacAddress mac;
  uint16_t state;  // NUD_*
};

using News = std::variant<LinkNews, AddressNews, RouteNews, NeighbourNews>;
using OnNews = std::function<void(const News&)>;

// What of the kernel's state; each has a dump and news of its own.
enum class Topic : uint8_t { links, addresses, routes, neighbours };

struct NeighbourRequest {
  uint32_t index;
  Address address;
  bool known;  // the kernel has said that it has an entry, and not a permanent one
};

struct CloseNetlink {
  void operator()(mnl_socket* socket) const noexcept;
};

// A socket to ask and to command. Every function may throw std::system_error, which says what was being done.
class Netlink {
 public:
  Netlink();
  std::vector<LinkNews> links();
  std::vector<AddressNews> addresses();
  std::vector<RouteNews> routes();
  std::vector<NeighbourNews> neighbours();
  // It may be gone already, which is what was asked for.
  void remove_address(const std::string& link, const Address& address, uint8_t length);
  // Asks the kernel to find out, or to confirm, the MAC addresses. Answers come as news; refusals are not reported.
  void resolve(std::span<const NeighbourRequest> requests);

 private:
  template <typename Kind>
  std::vector<Kind> collect(Topic topic);
  bool dump(Topic topic, uint8_t family, const OnNews& on_news);
  size_t receive(const std::string& doing);
  // The kernel's answer: 0 or an errno.
  int command(nlmsghdr* request, const std::string& doing);

  std::unique_ptr<mnl_socket, CloseNetlink> socket_;
  std::unique_ptr<mnl_socket, CloseNetlink> resolver_;  // its answers are thrown away
  uint32_t sequence_ = 0;
  std::vector<uint8_t> buffer_;
};

// A socket that hears of changes. Listen first, dump then: what changes in between is heard.
class NetlinkNews {
 public:
  // `buffer_bytes` is how much news the kernel keeps until it is heard; 0 = plenty.
  explicit NetlinkNews(std::span<const Topic> topics, int buffer_bytes = 0);
  [[nodiscard]] int fd() const noexcept;  // readable when drain would find something; it never waits
  // Tells everything that has come. False: the kernel had more to tell than it could keep, so everything must be dumped again.
  [[nodiscard]] bool drain(const OnNews& on_news);

 private:
  std::unique_ptr<mnl_socket, CloseNetlink> socket_;
  std::vector<uint8_t> buffer_;
};

// What a message of the kernel says; nothing when it is about something else.
std::optional<News> read_news(const nlmsghdr* message);

}  // namespace natlb
