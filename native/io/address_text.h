// Addresses as people write them (RFC 4291 2.2, RFC 5952).
#pragma once

#include <arpa/inet.h>

#include <optional>
#include <string>

#include "core/address.h"

namespace natlb {

inline std::string text(const Address& address) {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.wire(), buffer, sizeof buffer);
}

inline std::optional<Address> parse_address(const std::string& text) {
  uint8_t bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return Address::v4(bytes);
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) return Address::v6(bytes);
  return std::nullopt;
}

}  // namespace natlb
