// Numbers and addresses as FTP writes them: six decimals with commas (RFC 959), or fields between delimiters (RFC 2428).
#pragma once

#include <optional>
#include <string_view>

#include "core/address.h"

namespace natlb::ftp {

// `10,11,12,1,195,80`: an IPv4 address and a port.
std::optional<Endpoint> read_six(std::string_view text) noexcept;

// `|1|10.11.12.1|50000|` or `|||50000|`, with any delimiter.
struct Extended {
  std::optional<Address> address;  // none: that of the control connection
  uint16_t port;                   // network order
};
std::optional<Extended> read_extended(std::string_view text) noexcept;

// `203,0,113,10`: the four numbers of an IPv4 address. Returns the length; `at` has room for 15 characters.
size_t write_four(char* at, const Address& address) noexcept;

}  // namespace natlb::ftp
