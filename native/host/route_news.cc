// News of routes are read no further than to their protocol: a router may hear of thousands a second that are not ours.
#include "host/route_news.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace natlb {

namespace {

constexpr size_t kBufferBytes = 64 * 1024;
constexpr int kGroups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE};

[[noreturn]] void fail(const char* doing) { throw std::system_error(errno, std::generic_category(), doing); }

int keep_protocol(const nlattr* attribute, void* protocol) {
  if (mnl_attr_get_type(attribute) == FRA_PROTOCOL && mnl_attr_get_payload_len(attribute) == 1) {
    *static_cast<int*>(protocol) = mnl_attr_get_u8(attribute);
  }
  return MNL_CB_OK;
}

// -1: it is about something else.
int protocol_of(const nlmsghdr* message) {
  const size_t length = mnl_nlmsg_get_payload_len(message);
  if (message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE) {
    return length < sizeof(rtmsg) ? -1 : static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message))->rtm_protocol;
  }
  int protocol = -1;
  if ((message->nlmsg_type == RTM_NEWRULE || message->nlmsg_type == RTM_DELRULE) && length >= sizeof(fib_rule_hdr)) {
    mnl_attr_parse(message, sizeof(fib_rule_hdr), keep_protocol, &protocol);
  }
  return protocol;
}

}  // namespace

void OwnRouteNews::Close::operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }

OwnRouteNews::OwnRouteNews(uint8_t protocol, int buffer_bytes)
    : protocol_{protocol}, socket_{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)}, buffer_(kBufferBytes) {
  if (!socket_ || mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("cannot open a netlink socket");
  if (buffer_bytes != 0) setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  for (int group : kGroups) {
    if (mnl_socket_setsockopt(socket_.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) fail("cannot listen to news of routes");
  }
}

int OwnRouteNews::fd() const noexcept { return mnl_socket_get_fd(socket_.get()); }

bool OwnRouteNews::drain() {
  bool ours = false;
  for (;;) {
    const ssize_t bytes = recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (bytes < 0 && errno == EAGAIN) return ours;
    if (bytes < 0 && errno == ENOBUFS) ours = true;  // the kernel had more to tell than it could keep
    if (bytes < 0 && errno != ENOBUFS && errno != EINTR) fail("cannot hear news of routes");
    int left = static_cast<int>(bytes);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      ours |= protocol_of(message) == protocol_;
    }
  }
}

}  // namespace natlb
