// VLAN tags of a frame (IEEE 802.1Q): one, or a provider's and a customer's. How they are named; frame.h of bpf/ reads them alike.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "core/wire.h"

namespace natlb {

// Each tag as protocol << 16 | number, host order; 0 = none. A priority tag (number 0) belongs to no VLAN and counts as none.
struct VlanTags {
  uint32_t outer = 0;
  uint32_t inner = 0;

  [[nodiscard]] size_t count() const noexcept { return static_cast<size_t>(outer != 0) + static_cast<size_t>(inner != 0); }
  friend auto operator<=>(const VlanTags&, const VlanTags&) = default;
};

inline constexpr size_t kVlanTag = 4;

constexpr uint32_t vlan_tag(uint16_t protocol, uint16_t control) noexcept {
  const uint32_t number = control & 0xfff;
  return number == 0 ? 0 : static_cast<uint32_t>(protocol) << 16 | number;
}

constexpr bool is_vlan(uint16_t ethertype) noexcept { return ethertype == kEtherTypeVlan || ethertype == kEtherTypeQinQ; }

struct Packet;

// What stands between a frame's MAC addresses and its payload.
struct LinkHeader {
  VlanTags tags;
  uint16_t ethertype = 0;  // host order; still a VLAN's behind more than two tags
  uint16_t l3 = 0;         // where the payload begins; 0 when the frame ends before
};
LinkHeader read_link_header(const uint8_t* frame, size_t length) noexcept;

// Gives the frame these tags in place of its own; the offsets follow. False when there is no room for them.
bool retag(Packet& packet, const VlanTags& tags) noexcept;

}  // namespace natlb
