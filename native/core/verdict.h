// What finally happened to a packet: exactly one verdict each. This table generates the enum, the text, the counters and the metric labels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace natlb {

// X(name, fate, what it means). Fate: sent = left translated, answered = we replied in its place, dropped.
#define NATLB_VERDICTS(X)                                                                                            \
  X(pending, dropped, "still under way; never the verdict of a finished packet")                                     \
  X(forwarded, sent, "translated and sent to a destination")                                                         \
  X(returned, sent, "translated back and sent to the client")                                                        \
  X(icmp_forwarded, sent, "ICMP error about a flow, translated inside and out")                                      \
  X(answered_reset, answered, "TCP without a flow to a service: answered with RST as the host would")                \
  X(answered_abort, answered, "SCTP without a flow to a service: ABORT or SHUTDOWN COMPLETE sent as the host would") \
  X(answered_no_destination, answered, "service without an available destination: RST or port unreachable sent")     \
  X(answered_ttl_exceeded, answered, "TTL or hop limit used up: ICMP time exceeded sent")                            \
  X(answered_too_big, answered, "larger than the MTU of the way out: ICMP too big sent")                             \
  X(truncated, dropped, "shorter than its headers say")                                                              \
  X(malformed, dropped, "a header contradicts itself")                                                               \
  X(bad_header_checksum, dropped, "IPv4 header checksum is wrong")                                                   \
  X(bad_tcp_checksum, dropped, "TCP checksum is wrong on a connection whose text is read")                           \
  X(bad_icmp_checksum, dropped, "ICMP checksum is wrong")                                                            \
  X(other_host, dropped, "the frame was addressed to another host's MAC")                                            \
  X(not_ip, dropped, "neither IPv4 nor IPv6")                                                                        \
  X(vlan, dropped, "VLAN tags that no interface of this router has")                                                 \
  X(protocol_unsupported, dropped, "an L4 protocol that is not balanced")                                            \
  X(fragment_waiting, dropped, "waits for its first fragment; never the verdict of a finished packet")               \
  X(fragment_timeout, dropped, "the first fragment of its datagram did not come in time")                            \
  X(fragment_no_room, dropped, "came before its first fragment, and too many others were waiting")                   \
  X(fragment_no_flow, dropped, "follows a fragment that got no flow")                                                \
  X(fragment_duplicate, dropped, "a fragment that was there before")                                                 \
  X(fragment_overlap, dropped, "of a datagram with fragments that overlap or disagree about its end")                \
  X(fragment_excess, dropped, "of a datagram in more fragments than honest senders make")                            \
  X(fragment_tiny, dropped, "a first fragment without its whole TCP or UDP header, or one that begins in it")        \
  X(fragment_malformed, dropped, "a fragment empty, beyond 65535, or no multiple of eight though others follow")     \
  X(fragment_of_icmp, dropped, "a fragment of an ICMP message")                                                      \
  X(fragment_of_sctp, dropped, "a fragment of an SCTP packet")                                                       \
  X(fragment_of_ftp, dropped, "a fragment on an FTP control connection, whose text is read")                         \
  X(source_routed, dropped, "IPv4 source route option or IPv6 routing header")                                       \
  X(martian, dropped, "a source that cannot be: multicast, loopback, unspecified, link-local or the router's own")   \
  X(no_destination, dropped, "service without an available destination that is to be silent about it")               \
  X(taken_over, dropped, "TCP without a flow, so shortly after a takeover that its flow may still arrive")           \
  X(no_service, dropped, "not for a service and not of a flow")                                                      \
  X(no_flow, dropped, "from a destination, but of no flow")                                                          \
  X(icmp_no_flow, dropped, "ICMP error about something that is no flow of ours")                                     \
  X(icmp_unbelievable, dropped, "ICMP error that quotes what its connection cannot have said, or claims a tiny MTU") \
  X(icmp_unsupported, dropped, "ICMP message that is not an error about a flow")                                     \
  X(icmp_rate_limited, dropped, "an ICMP answer was due, but too many were sent lately")                             \
  X(too_big_quiet, dropped, "larger than the MTU of the way out, neither to be cut nor to be answered")              \
  X(ttl_exceeded_quiet, dropped, "TTL used up on a packet that must not be answered")                                \
  X(source_floods, dropped, "a client network with too many half-open flows already")                                \
  X(service_flooded, dropped, "a service with too many half-open flows, none of which could be given up")            \
  X(flow_table_full, dropped, "no room for another flow")                                                            \
  X(tuple_in_use, dropped, "the destination already has a flow with this client address and port")                   \
  X(service_inactive, dropped, "for a service whose address this router does not hold")                              \
  X(no_route, dropped, "no route to the next hop")                                                                   \
  X(no_neighbour, dropped, "the next hop's link-layer address is not known yet")                                     \
  X(no_device, dropped, "the route leaves by an interface without a device")                                         \
  X(device_down, dropped, "the device refused the packet")                                                           \
  X(transmit_full, dropped, "the transmit ring of the device is full")

enum class Verdict : uint8_t {
#define NATLB_VERDICT(name, fate, help) name,
  NATLB_VERDICTS(NATLB_VERDICT)
#undef NATLB_VERDICT
      count
};

enum class Fate : uint8_t { sent, answered, dropped };

struct VerdictRow {
  std::string_view name;
  Fate fate;
  std::string_view help;
};

inline constexpr size_t kVerdicts = static_cast<size_t>(Verdict::count);

inline constexpr std::array<VerdictRow, kVerdicts> kVerdictRows{{
#define NATLB_VERDICT(name, fate, help) VerdictRow{#name, Fate::fate, help},
    NATLB_VERDICTS(NATLB_VERDICT)
#undef NATLB_VERDICT
}};

constexpr const VerdictRow& row(Verdict verdict) noexcept { return kVerdictRows[static_cast<size_t>(verdict)]; }

}  // namespace natlb
