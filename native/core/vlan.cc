// Reads and replaces VLAN tags.
#include "core/vlan.h"

#include <cstring>
#include <type_traits>

#include "core/packet.h"

namespace natlb {

namespace {

constexpr size_t kMacs = 12;

uint8_t* put_tag(uint8_t* at, uint32_t tag) noexcept {
  if (tag == 0) return at;
  store16(at, to_wire(static_cast<uint16_t>(tag >> 16)));
  store16(at + 2, to_wire(static_cast<uint16_t>(tag)));
  return at + kVlanTag;
}

// Everything that is counted from the first byte of the frame.
void shift_offsets(Packet& packet, ptrdiff_t by) noexcept {
  const auto shift = [by](auto& offset) { offset = static_cast<std::remove_reference_t<decltype(offset)>>(offset + by); };
  shift(packet.l3);
  shift(packet.l4);
  shift(packet.end);
  shift(packet.length);
  if (packet.is_icmp_error) {
    shift(packet.inner_l3);
    shift(packet.inner_l4);
  }
  if (packet.fragment.place != Fragment::Place::whole) shift(packet.fragment.data);
  if (packet.offload.checksum == Checksum::partial) shift(packet.offload.checksum_start);
  if (packet.offload.header_length != 0) shift(packet.offload.header_length);
}

}  // namespace

LinkHeader read_link_header(const uint8_t* frame, size_t length) noexcept {
  LinkHeader header;
  size_t at = kMacs;
  for (int tags = 0; at + 2 <= length; ++tags) {
    header.ethertype = host16(frame + at);
    if (!is_vlan(header.ethertype) || tags == 2) {
      header.l3 = static_cast<uint16_t>(at + 2);
      return header;
    }
    if (at + kVlanTag > length) break;
    const uint32_t tag = vlan_tag(header.ethertype, host16(frame + at + 2));
    if (tag != 0) (header.tags.outer == 0 ? header.tags.outer : header.tags.inner) = tag;
    at += kVlanTag;
  }
  return header;
}

// A header that becomes shorter moves; before one that becomes longer there may be nothing, so the packet moves.
bool retag(Packet& packet, const VlanTags& tags) noexcept {
  const size_t before = packet.l3, after = kEthernetHeader + tags.count() * kVlanTag;
  const uint16_t ethertype = load16(packet.frame + before - 2);
  if (after > before) {
    if (packet.length + (after - before) > packet.capacity) return false;
    std::memmove(packet.frame + after, packet.frame + before, packet.length - before);
  } else if (after < before) {
    std::memmove(packet.frame + (before - after), packet.frame, kMacs);
    packet.frame += before - after;
    packet.capacity -= static_cast<uint32_t>(before - after);
  }
  if (after != before) shift_offsets(packet, static_cast<ptrdiff_t>(after) - static_cast<ptrdiff_t>(before));
  store16(put_tag(put_tag(packet.frame + kMacs, tags.outer), tags.inner), ethertype);
  return true;
}

}  // namespace natlb
