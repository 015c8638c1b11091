// The two addresses of an IP header, of either family.
#pragma once

#include "core/address.h"
#include "core/wire.h"

namespace natlb {

inline Address source_of(const uint8_t* ip, bool is_v4) noexcept {
  return is_v4 ? Address::v4(ip + ipv4::kSource) : Address::v6(ip + ipv6::kSource);
}
inline Address target_of(const uint8_t* ip, bool is_v4) noexcept {
  return is_v4 ? Address::v4(ip + ipv4::kTarget) : Address::v6(ip + ipv6::kTarget);
}

}  // namespace natlb
