// Thin over socket(7), ip(7), ipv6(7) and the kernel's ping sockets (IPPROTO_ICMP as SOCK_DGRAM).
#include "host/probe_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "io/owned.h"

namespace natlb {

namespace {

int type_of(ProbeSocketKind kind) { return kind == ProbeSocketKind::stream ? SOCK_STREAM : SOCK_DGRAM; }

int protocol_of(const ProbeSocket& wanted) {
  if (wanted.kind != ProbeSocketKind::echo) return 0;
  return wanted.v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
}

void set(int fd, int option, const void* value, socklen_t length, const char* doing) {
  check(setsockopt(fd, SOL_SOCKET, option, value, length), doing);
}

void bind_v4(int fd, const ProbeSocket& wanted) {
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_port = htons(wanted.port);
  if (wanted.address) std::memcpy(&from.sin_addr, wanted.address->wire(), sizeof from.sin_addr);
  check(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from), "bind a socket for a check");
}

void bind_v6(int fd, const ProbeSocket& wanted) {
  sockaddr_in6 from{};
  from.sin6_family = AF_INET6;
  from.sin6_port = htons(wanted.port);
  if (wanted.address) std::memcpy(&from.sin6_addr, wanted.address->wire(), sizeof from.sin6_addr);
  check(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from), "bind a socket for a check");
}

// ICMP errors that may pass by themselves (no such host or network) are told too, not only that the port is closed.
void hear_every_icmp_error(int fd, const ProbeSocket& wanted) {
  const int on = 1;
  const int level = wanted.v6 ? IPPROTO_IPV6 : IPPROTO_IP, option = wanted.v6 ? IPV6_RECVERR : IP_RECVERR;
  check(setsockopt(fd, level, option, &on, sizeof on), "ask for ICMP errors");
}

void configure(int fd, const ProbeSocket& wanted) {
  const int on = 1;
  set(fd, SO_REUSEADDR, &on, sizeof on, "share the port of a check");
  const std::string& link = wanted.interface;
  if (!link.empty()) set(fd, SO_BINDTODEVICE, link.data(), static_cast<socklen_t>(link.size()), "bind a check to its interface");
  if (wanted.mark != 0) set(fd, SO_MARK, &wanted.mark, sizeof wanted.mark, "mark the packets of a check");
  if (wanted.kind != ProbeSocketKind::stream) hear_every_icmp_error(fd, wanted);
  if (wanted.address || wanted.port != 0) wanted.v6 ? bind_v6(fd, wanted) : bind_v4(fd, wanted);
}

}  // namespace

int open_probe_socket(const ProbeSocket& wanted) {
  const int domain = wanted.v6 ? AF_INET6 : AF_INET;
  const int type = type_of(wanted.kind) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const int fd = check(::socket(domain, type, protocol_of(wanted)), "open a socket for a check");
  try {
    configure(fd, wanted);
  } catch (...) {
    ::close(fd);
    throw;
  }
  return fd;
}

}  // namespace natlb
