// parse: from bytes to a Key. Read RFC 791, RFC 8200 4 and RFC 792 first.
#include "core/checksum.h"
#include "core/ip.h"
#include "core/sctp.h"
#include "core/stages.h"
#include "core/wire.h"

namespace natlb {

namespace {

// What an IP header says: where its payload is and what it is. Small enough for two registers; what it says of fragments is written
// elsewhere, and only if it says something.
struct Ip {
  Verdict wrong = Verdict::pending;  // not pending: why the header cannot be used
  uint8_t protocol = 0;
  uint32_t l4 = 0;   // from the first byte of the header
  uint32_t end = 0;  // likewise, behind the packet as the header has it
};

bool has_source_route(const uint8_t* options, size_t length) noexcept {
  constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1, kLooseRoute = 131, kStrictRoute = 137;
  for (size_t at = 0; at < length;) {
    const uint8_t option = options[at];
    if (option == kEndOfOptions) return false;
    if (option == kLooseRoute || option == kStrictRoute) return true;
    if (option == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= length || options[at + 1] < 2) return false;  // nonsense, but not ours to judge
    at += options[at + 1];
  }
  return false;
}

Ip wrong(Verdict verdict) noexcept {
  Ip ip;
  ip.wrong = verdict;
  return ip;
}

Fragment fragment_of(uint32_t begin, bool more, uint32_t id, size_t data) noexcept {
  return {begin == 0 ? Fragment::Place::first : Fragment::Place::later, more, static_cast<uint16_t>(data), begin, 0, id};
}

// `available` bytes are there; a quoted packet (inside ICMP) may be cut off behind its headers. `fragment` is one's of a whole packet; its
// data counts from the first byte of the header, and its end is not set yet.
inline Ip parse_v4(const uint8_t* at, uint32_t available, bool quoted, Fragment& fragment) noexcept {
  if (available < kIPv4Header) return wrong(Verdict::truncated);
  const uint32_t header = (at[0] & 0x0fU) * 4;
  const uint32_t total = host16(at + ipv4::kTotalLength);
  if (at[0] >> 4 != 4 || header < kIPv4Header || total < header) return wrong(Verdict::malformed);
  if (available < header || (total > available && !quoted)) return wrong(Verdict::truncated);
  if (!proves_right(at, header)) return wrong(Verdict::bad_header_checksum);
  if (header > kIPv4Header && has_source_route(at + kIPv4Header, header - kIPv4Header)) return wrong(Verdict::source_routed);
  Ip ip;
  const uint16_t field = host16(at + ipv4::kFragmentOffset);
  if ((field & (ipv4::kMoreFragments | ipv4::kOffsetMask)) != 0)
    fragment = fragment_of((field & ipv4::kOffsetMask) * 8U, (field & ipv4::kMoreFragments) != 0, load16(at + ipv4::kId), header);
  ip.protocol = at[ipv4::kProtocol];
  ip.l4 = header;
  ip.end = total < available ? total : available;
  return ip;
}

// False: the packet is a fragment already.
bool read_fragment_header(const uint8_t* header, Ip& ip, Fragment& fragment) noexcept {
  const uint16_t field = host16(header + 2);
  const bool more = (field & 1) != 0;
  ip.protocol = header[0];
  ip.l4 += 8;
  if ((field & 0xfff8) == 0 && !more) return true;  // an atomic fragment is a whole packet (RFC 6946)
  if (fragment.place != Fragment::Place::whole) return false;
  fragment = fragment_of(field & 0xfff8, more, load32(header + 4), ip.l4);
  return true;
}

// Walks the extension headers to the L4 header; at most a handful, so that a packet made of nothing else costs little.
Verdict walk_extensions(const uint8_t* at, Ip& ip, Fragment& fragment) noexcept {
  for (int walked = 0; walked < 8; ++walked) {
    switch (ip.protocol) {
      case kHopByHop:
      case kDestinationOptions:
        if (ip.l4 + 8 > ip.end) return Verdict::truncated;
        ip.protocol = at[ip.l4];
        ip.l4 += (at[ip.l4 + 1] + 1U) * 8;
        break;
      case kFragment:
        if (ip.l4 + 8 > ip.end) return Verdict::truncated;
        if (!read_fragment_header(at + ip.l4, ip, fragment)) return Verdict::malformed;
        if (fragment.place == Fragment::Place::later) return Verdict::pending;  // what follows is from the midst of something
        break;
      case kRouting:
        return Verdict::source_routed;
      default:
        return ip.l4 > ip.end ? Verdict::truncated : Verdict::pending;
    }
  }
  return Verdict::malformed;
}

Ip parse_v6(const uint8_t* at, uint32_t available, bool quoted, Fragment& fragment) noexcept {
  if (available < kIPv6Header) return wrong(Verdict::truncated);
  const uint32_t total = uint32_t{kIPv6Header} + host16(at + ipv6::kPayloadLength);
  if (at[0] >> 4 != 6) return wrong(Verdict::malformed);
  if (total > available && !quoted) return wrong(Verdict::truncated);
  Ip ip;
  ip.protocol = at[ipv6::kNextHeader];
  ip.l4 = kIPv6Header;
  ip.end = total < available ? total : available;
  // An IPv4-mapped address has no business on the wire, and would be taken for an IPv4 client (RFC 6890).
  if (source_of(at, false).is_v4() || target_of(at, false).is_v4()) return wrong(Verdict::martian);
  ip.wrong = walk_extensions(at, ip, fragment);
  return ip;
}

// Sources that no packet may have (RFC 1812 5.3.7, RFC 6890) or that no router forwards, being link-local (RFC 3927 2.7, RFC 4291 2.5.6),
// and a packet from its own target (LAND).
bool is_martian(const Address& from, const Address& to, bool is_v4) noexcept {
  if (from == to) return true;
  const uint8_t* source = from.bytes;
  if (is_v4) return source[12] == 0 || source[12] == 127 || source[12] >= 224 || (source[12] == 169 && source[13] == 254);
  const bool low_only = from.high() == 0 && load32(source + 8) == 0 && source[12] == 0 && source[13] == 0 && source[14] == 0;
  const bool link_local = source[0] == 0xfe && (source[1] & 0xc0) == 0x80;
  return source[0] == 0xff || link_local || (low_only && source[15] <= 1);  // multicast, fe80::/10, ::, ::1
}

bool is_error(bool is_v4, uint8_t type) noexcept {
  if (!is_v4) return type >= icmp::kUnreachable6 && type <= icmp::kParameterProblem6;
  return type == icmp::kUnreachable4 || type == icmp::kSourceQuench4 || type == icmp::kTimeExceeded4 || type == icmp::kParameterProblem4;
}

Verdict parse_icmp(Packet& packet) noexcept {
  const uint8_t* ip = packet.frame + packet.l3;
  const uint8_t* message = packet.frame + packet.l4;
  const size_t length = packet.end - packet.l4;
  if (length < kIcmpHeader) return Verdict::truncated;
  if (!is_error(packet.is_v4, message[icmp::kType])) return Verdict::icmp_unsupported;
  const uint64_t start = packet.is_v4 ? 0 : pseudo_header_sum(ip, false, kIcmpV6, length);
  if (fold(sum_bytes(message, length, start)) != 0xffff) return Verdict::bad_icmp_checksum;
  const uint8_t* quoted = message + kIcmpHeader;
  const auto available = static_cast<uint32_t>(length - kIcmpHeader);
  Fragment fragment;
  const Ip inner = packet.is_v4 ? parse_v4(quoted, available, true, fragment) : parse_v6(quoted, available, true, fragment);
  if (fragment.place == Fragment::Place::later) return Verdict::icmp_no_flow;  // without ports it is nobody's
  if (inner.wrong != Verdict::pending) return inner.wrong == Verdict::truncated ? Verdict::truncated : Verdict::malformed;
  // An error goes to who sent what it quotes; one for somebody else is made up to be translated and sent on to him.
  const Address source = source_of(quoted, packet.is_v4);
  if (!(source == packet.key.target)) return Verdict::icmp_no_flow;
  if (inner.protocol != kTcp && inner.protocol != kUdp && inner.protocol != kSctp) return Verdict::icmp_no_flow;
  if (inner.l4 + kUdpHeader > inner.end) return Verdict::truncated;  // RFC 792: at least eight bytes
  packet.is_icmp_error = true;
  packet.offload = {};  // it has just proved right: nothing is left for anybody to finish
  packet.inner_l3 = static_cast<uint16_t>(packet.l4 + kIcmpHeader);
  packet.inner_l4 = static_cast<uint16_t>(packet.inner_l3 + inner.l4);
  const uint8_t* ports = quoted + inner.l4;
  packet.key = {target_of(quoted, packet.is_v4), source, load16(ports + 2), load16(ports), inner.protocol};
  return Verdict::pending;
}

size_t checksum_offset(uint8_t protocol) noexcept { return protocol == kTcp ? tcp::kChecksum : udp::kChecksum; }

// A device that cannot tell hands over what a local sender wrote, which may be the pseudo-header's sum alone. A finished checksum has that
// value too once in 65536 packets; then it also proves right.
void find_out_checksum(Packet& packet) noexcept {
  const uint8_t* l4 = packet.frame + packet.l4;
  const size_t length = packet.end - packet.l4;
  const uint16_t field = load16(l4 + checksum_offset(packet.protocol));
  const uint64_t pseudo = pseudo_header_sum(packet.frame + packet.l3, packet.is_v4, packet.protocol, length);
  packet.offload.checksum = Checksum::complete;
  if (field != fold(pseudo) || fold(sum_bytes(l4, length, pseudo)) == 0xffff) return;
  packet.offload.checksum = Checksum::partial;
  packet.offload.checksum_start = packet.l4;
  packet.offload.checksum_offset = static_cast<uint16_t>(checksum_offset(packet.protocol));
}

// A guest says of its frames what it likes; nothing may be summed from, or written to, a place it made up.
bool is_elsewhere(const Packet& packet) noexcept {
  return packet.offload.checksum_start != packet.l4 || packet.offload.checksum_offset != checksum_offset(packet.protocol);
}

// The addresses stand in the key already.
inline Verdict parse_l4(Packet& packet) noexcept {
  const uint8_t* l4 = packet.frame + packet.l4;
  const size_t length = packet.end - packet.l4;
  if (packet.protocol == (packet.is_v4 ? kIcmp : kIcmpV6)) return parse_icmp(packet);
  if (packet.protocol == kTcp) {
    if (length < kTcpHeader) return Verdict::truncated;
    const size_t header = static_cast<size_t>(l4[tcp::kDataOffset] >> 4) * 4;
    if (header < kTcpHeader) return Verdict::malformed;
    if (header > length) return Verdict::truncated;
    packet.tcp_flags = l4[tcp::kFlags];
    packet.sequence = host32(l4 + tcp::kSequence);
    packet.acknowledgement = host32(l4 + tcp::kAcknowledgement);
  } else if (packet.protocol == kUdp) {
    if (length < kUdpHeader) return Verdict::truncated;
    const size_t stated = host16(l4 + udp::kLength);
    if (stated < kUdpHeader) return Verdict::malformed;
    if (stated > length && packet.fragment.place == Fragment::Place::whole) return Verdict::truncated;
  } else if (packet.protocol == kSctp) {
    if (const Verdict wrong = parse_sctp(packet); wrong != Verdict::pending) return wrong;
  } else {
    return Verdict::protocol_unsupported;
  }
  packet.key.source_port = load16(l4);
  packet.key.target_port = load16(l4 + 2);
  packet.key.protocol = packet.protocol;
  if (packet.offload.checksum == Checksum::complete) return Verdict::pending;
  if (packet.offload.checksum == Checksum::unknown) find_out_checksum(packet);
  return packet.offload.checksum == Checksum::partial && is_elsewhere(packet) ? Verdict::malformed : Verdict::pending;
}

// Later fragments have no L4 header, and the first must have all of it (RFC 1858, RFC 3128, RFC 7112). The message of an ICMP error cannot
// be proved or summed in parts; nobody who keeps to RFC 1812 4.3.2.3 or RFC 4443 2.4 (c) sends one that needs them. What a port adds to
// SCTP's CRC depends on how much follows it, which the first fragment does not say; and SCTP itself makes packets small enough (RFC
// 9260 6.9).
Verdict parse_fragment(Packet& packet) noexcept {
  Fragment& fragment = packet.fragment;
  fragment.data += packet.l3;
  fragment.end = fragment.begin + (packet.end - fragment.data);
  if (packet.offload.checksum == Checksum::partial || packet.offload.gso_type != 0) return Verdict::malformed;
  packet.offload.checksum = Checksum::complete;  // who cuts has finished it before
  if (packet.protocol == (packet.is_v4 ? kIcmp : kIcmpV6)) return Verdict::fragment_of_icmp;
  if (packet.protocol == kSctp) return Verdict::fragment_of_sctp;
  if (fragment.place == Fragment::Place::first) {
    const Verdict verdict = parse_l4(packet);
    return verdict == Verdict::truncated ? Verdict::fragment_tiny : verdict;
  }
  if (packet.protocol == kTcp && fragment.begin < kTcpHeader) return Verdict::fragment_tiny;
  // What an IPv6 one says of its protocol counts in the first alone (RFC 8200 4.5).
  return !packet.is_v4 || packet.protocol == kTcp || packet.protocol == kUdp ? Verdict::pending : Verdict::protocol_unsupported;
}

// Its own MAC address, or that of a macvlan on it.
inline bool is_for(uint32_t interface, const VlanTags& tags, const Packet& packet, const View& view) noexcept {
  const MacAddress& mac = view.routes->interfaces()[interface].mac;
  return std::memcmp(packet.frame, mac.bytes, sizeof mac.bytes) == 0 || view.is_for_macvlan(packet.device_in, tags, packet.frame);
}

// From the IP header on; `type` is what the link header says it is.
inline Verdict parse_ip(Packet& packet, uint16_t type) noexcept {
  if (type != kEtherTypeIPv4 && type != kEtherTypeIPv6) return Verdict::not_ip;
  packet.is_v4 = type == kEtherTypeIPv4;
  const uint8_t* at = packet.frame + packet.l3;
  const uint32_t available = packet.length - packet.l3;
  const Ip ip = packet.is_v4 ? parse_v4(at, available, false, packet.fragment) : parse_v6(at, available, false, packet.fragment);
  if (ip.wrong != Verdict::pending) return ip.wrong;
  packet.key.source = source_of(at, packet.is_v4);
  packet.key.target = target_of(at, packet.is_v4);
  if (is_martian(packet.key.source, packet.key.target, packet.is_v4)) return Verdict::martian;
  packet.protocol = ip.protocol;
  packet.l4 = static_cast<uint16_t>(packet.l3 + ip.l4);
  packet.end = packet.l3 + ip.end;
  packet.length = packet.end;  // padding, and whatever else stands behind the packet, stays behind: it may be longer than the way out takes
  return packet.fragment.place == Fragment::Place::whole ? parse_l4(packet) : parse_fragment(packet);
}

Verdict parse_tagged(Packet& packet, const View& view) noexcept {
  const auto [tags, type, l3] = read_link_header(packet.frame, packet.length);
  if (l3 == 0) return Verdict::truncated;
  const uint32_t interface = view.interface_at(packet.device_in, tags);
  if (interface == kNoInterface) return tags.count() == 0 ? Verdict::no_device : Verdict::vlan;
  if (!is_for(interface, tags, packet, view)) return Verdict::other_host;
  if (is_vlan(type)) return Verdict::vlan;
  packet.l3 = l3;
  return parse_ip(packet, type);
}

// Nearly always there is no tag.
inline Verdict parse_frame(Packet& packet, const View& view) noexcept {
  if (packet.length < kEthernetHeader) return Verdict::truncated;
  const uint16_t type = host16(packet.frame + 12);
  if (is_vlan(type)) return parse_tagged(packet, view);
  const uint32_t interface = view.interface_of_device[packet.device_in];
  if (interface == kNoInterface) return Verdict::no_device;
  if (!is_for(interface, {}, packet, view)) return Verdict::other_host;
  packet.l3 = kEthernetHeader;
  return parse_ip(packet, type);
}

}  // namespace

void parse(Batch& batch, const View& view, const FlowTable& flows) noexcept {
  for (const Packet& packet : batch) __builtin_prefetch(packet.frame, 1);
  batch.has_fragments = false;
  for (Packet& packet : batch) {
    packet.is_icmp_error = false;
    packet.tcp_flags = 0;
    packet.flow = nullptr;
    packet.leg = Leg::none;
    packet.fragment.place = Fragment::Place::whole;
    packet.fragment_to = 0;
    packet.verdict = parse_frame(packet, view);
    batch.has_fragments |= packet.fragment.place != Fragment::Place::whole;
    if (packet.verdict != Verdict::pending) continue;
    packet.hash = flows.hash_of(packet.key);
    flows.prefetch(packet.hash);
  }
}

}  // namespace natlb
