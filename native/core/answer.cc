// Packets of our own, made in the buffer of the packet they answer: RST (RFC 9293 3.10.7.1) and ICMP errors (RFC 1812 4.3.2, RFC 4443 2.4).
#include <algorithm>

#include "core/checksum.h"
#include "core/ip.h"
#include "core/sctp.h"
#include "core/stages.h"

namespace natlb {

namespace {

constexpr size_t kMaxError4 = 576, kMinMtu6 = 1280;  // RFC 1812 4.3.2.3, RFC 4443 2.4 (c)

size_t ip_header(const Packet& packet) noexcept { return packet.is_v4 ? kIPv4Header : kIPv6Header; }

// Writes an IP header without options at l3 and fixes the packet's length.
void write_ip(Packet& packet, const Address& source, const Address& target, uint8_t protocol, size_t payload) noexcept {
  uint8_t* ip = packet.frame + packet.l3;
  std::memset(ip, 0, ip_header(packet));
  if (packet.is_v4) {
    ip[0] = 0x45;
    store16(ip + ipv4::kTotalLength, to_wire(static_cast<uint16_t>(kIPv4Header + payload)));
    store16(ip + ipv4::kFragmentOffset, to_wire(ipv4::kDontFragment));
    ip[ipv4::kTtl] = kHostTtl;
    ip[ipv4::kProtocol] = protocol;
    std::memcpy(ip + ipv4::kSource, source.wire(), 4);
    std::memcpy(ip + ipv4::kTarget, target.wire(), 4);
    store16(ip + ipv4::kChecksum, static_cast<uint16_t>(~fold(sum_bytes(ip, kIPv4Header))));
  } else {
    ip[0] = 0x60;
    store16(ip + ipv6::kPayloadLength, to_wire(static_cast<uint16_t>(payload)));
    ip[ipv6::kNextHeader] = protocol;
    ip[ipv6::kHopLimit] = kHostTtl;
    std::memcpy(ip + ipv6::kSource, source.wire(), 16);
    std::memcpy(ip + ipv6::kTarget, target.wire(), 16);
  }
  packet.l4 = static_cast<uint16_t>(packet.l3 + ip_header(packet));
  packet.end = static_cast<uint32_t>(packet.l4 + payload);
  packet.length = packet.end;
  packet.protocol = protocol;
  packet.offload = {};
}

void sum_l4(Packet& packet, size_t checksum_at, bool with_pseudo_header) noexcept {
  uint8_t* l4 = packet.frame + packet.l4;
  const size_t length = packet.end - packet.l4;
  store16(l4 + checksum_at, 0);
  const uint64_t start = with_pseudo_header ? pseudo_header_sum(packet.frame + packet.l3, packet.is_v4, packet.protocol, length) : 0;
  store16(l4 + checksum_at, static_cast<uint16_t>(~fold(sum_bytes(l4, length, start))));
}

}  // namespace

void write_reset(Packet& packet, const Key& key, uint32_t sequence, uint32_t acknowledgement, uint8_t flags) noexcept {
  write_ip(packet, key.source, key.target, kTcp, kTcpHeader);
  uint8_t* reset = packet.frame + packet.l4;
  std::memset(reset, 0, kTcpHeader);
  store16(reset, key.source_port);
  store16(reset + 2, key.target_port);
  put_host32(reset + tcp::kSequence, sequence);
  put_host32(reset + tcp::kAcknowledgement, acknowledgement);
  reset[tcp::kDataOffset] = 5 << 4;
  reset[tcp::kFlags] = flags;
  sum_l4(packet, tcp::kChecksum, true);
}

void answer_reset(Packet& packet, Verdict outcome) noexcept {
  const uint8_t* l4 = packet.frame + packet.l4;
  const uint8_t flags = l4[tcp::kFlags];
  const size_t header = static_cast<size_t>(l4[tcp::kDataOffset] >> 4) * 4;
  const auto sequence_space =
      static_cast<uint32_t>(packet.end - packet.l4 - header) + ((flags & tcp::kSyn) != 0) + ((flags & tcp::kFin) != 0);
  const uint32_t theirs = host32(l4 + tcp::kSequence), acknowledged = host32(l4 + tcp::kAcknowledgement);
  const bool acknowledges = (flags & tcp::kAck) != 0;

  const Key back{packet.key.target, packet.key.source, packet.key.target_port, packet.key.source_port, kTcp};
  write_reset(packet, back, acknowledges ? acknowledged : 0, acknowledges ? 0 : theirs + sequence_space,
              acknowledges ? tcp::kRst : tcp::kRst | tcp::kAck);
  packet.outcome = outcome;
}

void answer_sctp(Packet& packet, Verdict outcome) noexcept {
  const SctpAnswer answer = answer_to_stranger(packet);
  if (answer.chunk == 0) {
    packet.verdict = Verdict::no_flow;
    return;
  }
  write_ip(packet, packet.key.target, packet.key.source, kSctp, sctp::kHeader + sctp::kChunkHeader);
  write_sctp(packet.frame + packet.l4, packet.key.target_port, packet.key.source_port, answer);
  packet.outcome = outcome;
}

void answer_icmp(Packet& packet, const IcmpAnswer& answer, const Address& source, Verdict outcome) noexcept {
  if (packet.offload.checksum == Checksum::partial) complete_checksum(packet);
  const size_t headers = ip_header(packet) + kIcmpHeader;
  const size_t limit = std::min(packet.is_v4 ? kMaxError4 : kMinMtu6, static_cast<size_t>(packet.capacity) - packet.l3);
  const size_t quoted = std::min<size_t>(packet.end - packet.l3, limit - headers);
  const Address target = source_of(packet.frame + packet.l3, packet.is_v4);
  std::memmove(packet.frame + packet.l3 + headers, packet.frame + packet.l3, quoted);
  write_ip(packet, source, target, packet.is_v4 ? kIcmp : kIcmpV6, kIcmpHeader + quoted);
  uint8_t* message = packet.frame + packet.l4;
  std::memset(message, 0, kIcmpHeader);
  message[icmp::kType] = packet.is_v4 ? answer.type4 : answer.type6;
  message[icmp::kCode] = packet.is_v4 ? answer.code4 : answer.code6;
  put_host32(message + icmp::kMtu6, answer.mtu);  // IPv4's stands in the lower half of the same word
  sum_l4(packet, icmp::kChecksum, !packet.is_v4);
  packet.outcome = outcome;
}

}  // namespace natlb
