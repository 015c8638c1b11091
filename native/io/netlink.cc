// Sockets of NETLINK_ROUTE: asking, commanding and listening. What the messages say is read in netlink_read.cc.
#include "io/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "io/address_text.h"

namespace natlb {

namespace {

constexpr size_t kBufferBytes = 64 * 1024;  // the kernel answers a dump in pieces of 32 KiB at most
constexpr int kNewsBytes = 8 * 1024 * 1024;
constexpr int kDumpAttempts = 5;
constexpr size_t kRequestsPerCall = 128;

struct TopicRow {
  uint16_t question;
  size_t header;                    // the family is the first byte of each
  std::array<uint8_t, 2> families;  // one dump each; 0 = none
  std::array<int, 2> groups;        // of news; 0 = none
  const char* name;
};
constexpr TopicRow kTopics[] = {
    {RTM_GETLINK, sizeof(ifinfomsg), {AF_UNSPEC, 0}, {RTNLGRP_LINK, 0}, "links"},
    {RTM_GETADDR, sizeof(ifaddrmsg), {AF_INET, AF_INET6}, {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR}, "addresses"},
    {RTM_GETROUTE, sizeof(rtmsg), {AF_INET, AF_INET6}, {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE}, "routes"},
    {RTM_GETNEIGH, sizeof(ndmsg), {AF_INET, AF_INET6}, {RTNLGRP_NEIGH, 0}, "neighbours"},
};
const TopicRow& row(Topic topic) { return kTopics[static_cast<size_t>(topic)]; }

[[noreturn]] void fail(const std::string& doing, int error = errno) {
  throw std::system_error(error, std::generic_category(), "cannot " + doing);
}

std::unique_ptr<mnl_socket, CloseNetlink> open_netlink() {
  std::unique_ptr<mnl_socket, CloseNetlink> socket{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("open a netlink socket");
  return socket;
}

// Calls `on_message` for each message in a piece the kernel sent; stops when it returns false.
template <typename OnMessage>
void each_message(const std::vector<uint8_t>& buffer, size_t bytes, const OnMessage& on_message) {
  int left = static_cast<int>(bytes);
  for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
       message = mnl_nlmsg_next(message, &left)) {
    if (!on_message(message)) return;
  }
}

// Zero is success: the kernel acknowledges with an error message that carries none.
int error_of(const nlmsghdr* message) { return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error; }

void put_address(nlmsghdr* message, uint16_t type, const Address& address) {
  mnl_attr_put(message, type, address.is_v4() ? 4 : 16, address.wire());
}

nlmsghdr* put_question(std::vector<uint8_t>& buffer, Topic topic, uint8_t family) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = row(topic).question;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  *static_cast<uint8_t*>(mnl_nlmsg_put_extra_header(message, row(topic).header)) = family;
  if (topic == Topic::links) mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return message;
}

nlmsghdr* put_removal(std::vector<uint8_t>& buffer, uint32_t index, const Address& address, uint8_t length) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_DELADDR;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
  header->ifa_family = address.is_v4() ? AF_INET : AF_INET6;
  header->ifa_prefixlen = length;
  header->ifa_index = index;
  put_address(message, IFA_LOCAL, address);
  put_address(message, IFA_ADDRESS, address);
  return message;
}

void put_resolve(void* at, const NeighbourRequest& request) {
  nlmsghdr* message = mnl_nlmsg_put_header(at);
  message->nlmsg_type = RTM_NEWNEIGH;
  // NTF_USE would turn a permanent entry into an ordinary one, so an entry we have not heard of is left alone if it exists after all.
  message->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_CREATE | (request.known ? 0 : NLM_F_EXCL));
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)));
  header->ndm_family = request.address.is_v4() ? AF_INET : AF_INET6;
  header->ndm_ifindex = static_cast<int>(request.index);
  header->ndm_flags = NTF_USE;
  put_address(message, NDA_DST, request.address);
}

void throw_answers_away(int fd) {
  uint8_t nothing[1];
  while (recv(fd, nothing, sizeof nothing, MSG_DONTWAIT | MSG_TRUNC) > 0 || errno == ENOBUFS || errno == EINTR) {
  }
}

}  // namespace

void CloseNetlink::operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }

Netlink::Netlink() : socket_{open_netlink()}, resolver_{open_netlink()}, buffer_(kBufferBytes) {}

std::vector<LinkNews> Netlink::links() { return collect<LinkNews>(Topic::links); }
std::vector<AddressNews> Netlink::addresses() { return collect<AddressNews>(Topic::addresses); }
std::vector<RouteNews> Netlink::routes() { return collect<RouteNews>(Topic::routes); }
std::vector<NeighbourNews> Netlink::neighbours() { return collect<NeighbourNews>(Topic::neighbours); }

// Asks again when the state changed while it was told; the last answer stands, for news of the change follow.
template <typename Kind>
std::vector<Kind> Netlink::collect(Topic topic) {
  std::vector<Kind> all;
  const auto keep = [&all](const News& news) { all.push_back(std::get<Kind>(news)); };
  bool steady = false;
  for (int attempt = 0; attempt < kDumpAttempts && !steady; ++attempt) {
    all.clear();
    steady = dump(topic, row(topic).families[0], keep);
    if (row(topic).families[1] != 0) steady &= dump(topic, row(topic).families[1], keep);
  }
  return all;
}

// False: the state changed meanwhile.
bool Netlink::dump(Topic topic, uint8_t family, const OnNews& on_news) {
  const std::string doing = std::string("list ") + row(topic).name;
  nlmsghdr* question = put_question(buffer_, topic, family);
  question->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), question, question->nlmsg_len) < 0) fail(doing);
  bool steady = true, done = false;
  while (!done) {
    each_message(buffer_, receive(doing), [&](const nlmsghdr* message) {
      if (message->nlmsg_seq != sequence_) return true;
      if (message->nlmsg_type == NLMSG_ERROR && error_of(message) != 0) fail(doing, error_of(message));
      if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) steady = false;
      done = message->nlmsg_type == NLMSG_DONE;
      if (const auto news = read_news(message)) on_news(*news);
      return !done;
    });
  }
  return steady;
}

size_t Netlink::receive(const std::string& doing) {
  ssize_t bytes;
  do bytes = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
  while (bytes < 0 && errno == EINTR);
  if (bytes < 0) fail(doing);
  return static_cast<size_t>(bytes);
}

int Netlink::command(nlmsghdr* request, const std::string& doing) {
  request->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) fail(doing);
  std::optional<int> error;
  while (!error) {
    each_message(buffer_, receive(doing), [&](const nlmsghdr* message) {
      if (message->nlmsg_seq == sequence_ && message->nlmsg_type == NLMSG_ERROR) error = error_of(message);
      return !error;
    });
  }
  return *error;
}

void Netlink::remove_address(const std::string& link, const Address& address, uint8_t length) {
  const std::string doing = "remove " + text(address) + "/" + std::to_string(length) + " from " + link;
  const uint32_t index = if_nametoindex(link.c_str());
  if (index == 0) return;  // gone with its link
  const int error = command(put_removal(buffer_, index, address, length), doing);
  if (error != 0 && error != EADDRNOTAVAIL && error != ENODEV) fail(doing, error);
}

void Netlink::resolve(std::span<const NeighbourRequest> requests) {
  while (!requests.empty()) {
    const auto batch = requests.first(std::min(requests.size(), kRequestsPerCall));
    requests = requests.subspan(batch.size());
    size_t bytes = 0;
    for (const NeighbourRequest& request : batch) {
      put_resolve(buffer_.data() + bytes, request);
      bytes += MNL_ALIGN(reinterpret_cast<nlmsghdr*>(buffer_.data() + bytes)->nlmsg_len);
    }
    throw_answers_away(mnl_socket_get_fd(resolver_.get()));
    if (mnl_socket_sendto(resolver_.get(), buffer_.data(), bytes) < 0) fail("ask the kernel to resolve neighbours");
  }
}

NetlinkNews::NetlinkNews(std::span<const Topic> topics, int buffer_bytes) : socket_{open_netlink()}, buffer_(kBufferBytes) {
  const int bytes = buffer_bytes == 0 ? kNewsBytes : buffer_bytes;
  // Beyond the administrator's limit when we may; a smaller buffer only means dumping again more often.
  if (setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) {
    setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  for (const Topic topic : topics) {
    for (int group : row(topic).groups) {
      if (group != 0 && mnl_socket_setsockopt(socket_.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
        fail(std::string("listen to news of ") + row(topic).name);
      }
    }
  }
}

int NetlinkNews::fd() const noexcept { return mnl_socket_get_fd(socket_.get()); }

bool NetlinkNews::drain(const OnNews& on_news) {
  bool complete = true;
  for (;;) {
    const ssize_t bytes = recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (bytes < 0 && errno == EAGAIN) return complete;
    if (bytes < 0 && errno == ENOBUFS) complete = false;
    if (bytes < 0 && errno != ENOBUFS && errno != EINTR) fail("hear news of the kernel");
    if (bytes <= 0) continue;
    each_message(buffer_, static_cast<size_t>(bytes), [&](const nlmsghdr* message) {
      if (const auto news = read_news(message)) on_news(*news);
      return true;
    });
  }
}

}  // namespace natlb
