// Sockets for health checks with what Node cannot ask of a socket: a firewall mark, an interface, ICMP echo.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/address.h"

namespace natlb {

enum class ProbeSocketKind { stream, datagram, echo };

struct ProbeSocket {
  ProbeSocketKind kind;
  bool v6;
  std::optional<Address> address;  // to send from
  uint16_t port = 0;               // to send from; 0 = any
  uint32_t mark = 0;
  std::string interface;
};

// Opens and binds; the descriptor is the caller's. An echo socket is the kernel's "ping socket": it sends and receives ICMP echo messages
// of its own only.
int open_probe_socket(const ProbeSocket& wanted);

}  // namespace natlb
