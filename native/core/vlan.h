// VLAN tags of a frame (IEEE 802.1Q): one, or a provider's and a customer's. How they are named, read and written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/wire.h"

namespace natlb {

// Each tag as protocol << 16 | number, host order; 0 = none. A priority tag (number 0) belongs to no VLAN and counts as none.
struct VlanTags {
  uint32_t outer = 0;
  uint32_t inner = 0;

  [[nodiscard]] size_t count() const noexcept { return (outer != 0) + (inner != 0); }
  friend bool operator==(const VlanTags&, const VlanTags&) = default;
  friend auto operator<=>(const VlanTags&, const VlanTags&) = default;
};

inline constexpr size_t kVlanTag = 4;

constexpr uint32_t vlan_tag(uint16_t protocol, uint16_t control) noexcept {
  const uint32_t number = control & 0xfff;
  return number == 0 ? 0 : static_cast<uint32_t>(protocol) << 16 | number;
}

constexpr bool is_vlan(uint16_t ethertype) noexcept { return ethertype == kEtherTypeVlan || ethertype == kEtherTypeQinQ; }

}  // namespace natlb
