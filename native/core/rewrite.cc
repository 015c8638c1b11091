// rewrite: addresses and ports of the leg, and the checksums over them (RFC 3022 4.2, RFC 1624).
#include "core/checksum.h"
#include "core/ip.h"
#include "core/sctp.h"
#include "core/stages.h"

namespace natlb {

namespace {

void put_address(uint8_t* ip, bool is_v4, bool target, const Address& address) noexcept {
  if (is_v4) {
    std::memcpy(ip + (target ? ipv4::kTarget : ipv4::kSource), address.bytes + 12, 4);
  } else {
    std::memcpy(ip + (target ? ipv6::kTarget : ipv6::kSource), address.bytes, 16);
  }
}

void adjust_ip(uint8_t* ip, bool is_v4, uint16_t address_delta) noexcept {
  if (is_v4) store16(ip + ipv4::kChecksum, adjust(load16(ip + ipv4::kChecksum), address_delta));
}

uint8_t* checksum_of(uint8_t* l4, uint8_t protocol) noexcept { return l4 + (protocol == kTcp ? tcp::kChecksum : udp::kChecksum); }

void adjust_l4(Packet& packet, uint16_t address_delta, uint32_t l4_delta) noexcept {
  uint8_t* at = checksum_of(packet.frame + packet.l4, packet.protocol);
  if (packet.offload.checksum == Checksum::partial) {
    store16(at, adjust_partial(load16(at), address_delta));
  } else if (packet.protocol == kUdp) {
    store16(at, adjust_udp(load16(at), l4_delta));
  } else {
    store16(at, adjust(load16(at), l4_delta));
  }
}

// As the header has it: of a quoted packet less may be there.
size_t ip_length(const uint8_t* ip, bool is_v4) noexcept {
  return is_v4 ? host16(ip + ipv4::kTotalLength) : kIPv6Header + host16(ip + ipv6::kPayloadLength);
}

// What one side of a flow is translated to, and what that adds to checksums.
struct Translation {
  const Address& address;
  uint16_t port;
  uint16_t address_delta;
  uint32_t l4_delta;
};

Translation translation(const Flow& flow, const Block& block, bool to_service) noexcept {
  const Address& own = to_service ? block.addresses[flow.virtual_address].address : block.destinations[flow.destination].address;
  const uint16_t before = to_service ? flow.destination_port : flow.virtual_port;
  const uint16_t after = to_service ? flow.virtual_port : flow.destination_port;
  const uint16_t addresses = to_service ? opposite(flow.address_delta) : flow.address_delta;
  return {own, after, addresses, uint32_t{addresses} + opposite(before) + after};
}

// The quoted packet went the other way, so the endpoint it shares with the leg stands on its other side.
void translate_quoted(Packet& packet, const Translation& to, bool target) noexcept {
  uint8_t* ip = packet.frame + packet.inner_l3;
  uint8_t* l4 = packet.frame + packet.inner_l4;
  put_address(ip, packet.is_v4, target, to.address);
  adjust_ip(ip, packet.is_v4, to.address_delta);
  const size_t port_at = target ? 2 : 0;
  if (packet.key.protocol == kSctp) {
    const size_t whole = ip_length(ip, packet.is_v4) - (packet.inner_l4 - packet.inner_l3);
    return put_sctp_port(l4, whole, packet.end - packet.inner_l4, port_at, to.port);
  }
  store16(l4 + port_at, to.port);
  uint8_t* checksum = checksum_of(l4, packet.key.protocol);
  if (checksum + 2 > packet.frame + packet.end) return;  // TCP's may be cut off
  store16(checksum, packet.key.protocol == kUdp ? adjust_udp(load16(checksum), to.l4_delta) : adjust(load16(checksum), to.l4_delta));
}

void sum_icmp(Packet& packet) noexcept {
  uint8_t* message = packet.frame + packet.l4;
  const size_t length = packet.end - packet.l4;
  store16(message + icmp::kChecksum, 0);
  const uint64_t start = packet.is_v4 ? 0 : pseudo_header_sum(packet.frame + packet.l3, false, kIcmpV6, length);
  store16(message + icmp::kChecksum, static_cast<uint16_t>(~fold(sum_bytes(message, length, start))));
}

}  // namespace

void translate(Packet& packet, const Flow& flow, Leg leg, const Block& block, bool back) noexcept {
  const bool forward = leg == Leg::forward;
  // The way back of the forward leg, or the reverse leg itself.
  const Translation to = translation(flow, block, forward == back);
  uint8_t* ip = packet.frame + packet.l3;
  put_address(ip, packet.is_v4, forward, to.address);
  adjust_ip(ip, packet.is_v4, to.address_delta);
  if (packet.fragment.place == Fragment::Place::later) return;  // ports and checksum are in the first
  const size_t port_at = forward ? 2 : 0;
  if (packet.protocol == kSctp) {
    const size_t length = packet.end - packet.l4;
    return put_sctp_port(packet.frame + packet.l4, length, length, port_at, to.port);
  }
  store16(packet.frame + packet.l4 + port_at, to.port);
  adjust_l4(packet, to.address_delta, to.l4_delta);
}

void translate_icmp(Packet& packet, const Flow& flow, Leg leg, const Block& block) noexcept {
  const bool forward = leg == Leg::forward;
  const Translation to = translation(flow, block, !forward);
  uint8_t* ip = packet.frame + packet.l3;
  // The error may come from a router between us and the destination, whose private address must not show either (RFC 5508 REQ-5).
  const Address before = forward ? target_of(ip, packet.is_v4) : source_of(ip, packet.is_v4);
  put_address(ip, packet.is_v4, forward, to.address);
  adjust_ip(ip, packet.is_v4, delta(before, to.address));
  translate_quoted(packet, to, !forward);
  sum_icmp(packet);
}

void complete_checksum(Packet& packet) noexcept {
  uint8_t* l4 = packet.frame + packet.offload.checksum_start;
  uint8_t* at = l4 + packet.offload.checksum_offset;
  const uint16_t sum = fold(sum_bytes(l4, packet.end - packet.offload.checksum_start));  // the field holds the pseudo-header's part
  const auto checksum = static_cast<uint16_t>(~sum);
  store16(at, checksum == 0 ? 0xffff : checksum);
  packet.offload = {};
}

void rewrite(Batch& batch, const Block& block) noexcept {
  for_each_pending(batch, [&](Packet& packet) {
    if (packet.outcome != Verdict::pending) return;  // an answer of our own
    if (packet.is_icmp_error) {
      translate_icmp(packet, *packet.flow, packet.leg, block);
      packet.outcome = Verdict::icmp_forwarded;
    } else {
      translate(packet, *packet.flow, packet.leg, block, false);
      packet.outcome = packet.leg == Leg::forward ? Verdict::forwarded : Verdict::returned;
    }
  });
}

}  // namespace natlb
