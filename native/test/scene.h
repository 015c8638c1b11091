// The guide's network in memory, for tests, fuzzing and benchmarks: a TCP and a UDP service with three destinations each, over IPv4 and
// IPv6, a route to the clients, a flow table, and packets for all of it.
#pragma once

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/checksum.h"
#include "core/forward.h"
#include "engine/flow_memory.h"

namespace natlb::scene {

inline constexpr uint16_t kPublic = 0, kPrivate = 1;  // devices, and positions among the interfaces
inline constexpr MacAddress kPublicMac{{2, 0, 0, 0, 0, 1}}, kPrivateMac{{2, 0, 0, 0, 0, 2}}, kGatewayMac{{2, 0, 0, 0, 1, 1}},
    kServerMac{{2, 0, 0, 0, 2, 2}};
inline constexpr uint16_t kServicePort = 80, kDestinationPort = 8080;

inline Address address(const std::string& text) {
  uint8_t bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return Address::v4(bytes);
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) return Address::v6(bytes);
  throw std::invalid_argument("not an address: " + text);
}

inline Endpoint endpoint(const std::string& text, uint16_t port) { return {address(text), to_wire(port)}; }

inline std::vector<Route> routes() {
  return {{address("203.0.113.0"), 96 + 24, kPublic, {}},
          {address("10.11.12.0"), 96 + 24, kPrivate, {}},
          {address("0.0.0.0"), 96, kPublic, address("203.0.113.254")},
          {address("2001:db8::"), 64, kPublic, {}},
          {address("fd00:11::"), 64, kPrivate, {}},
          {Address{}, 0, kPublic, address("2001:db8::254")}};
}

inline std::vector<Neighbour> neighbours() {
  std::vector<Neighbour> known{{address("203.0.113.254"), kPublic, kGatewayMac}, {address("2001:db8::254"), kPublic, kGatewayMac}};
  for (const char* server : {"10.11.12.1", "10.11.12.2", "10.11.12.3", "fd00:11::1", "fd00:11::2", "fd00:11::3"}) {
    known.push_back({address(server), kPrivate, kServerMac});
  }
  return known;
}

inline std::vector<Interface> interfaces() {
  return {{1, kPublicMac, 1500, true, {address("203.0.113.10"), address("2001:db8::10")}},
          {2, kPrivateMac, 1500, true, {address("10.11.12.10"), address("fd00:11::10")}}};
}

class Scene {
 public:
  explicit Scene(uint32_t max_flows, bool helps_ftp = false)
      : helps_ftp_{helps_ftp},
        memory_{"", Block::bytes(max_flows)},
        block_{memory_.data(), max_flows},
        flows_{block_, HashSecret{{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}}, 0},
        forwarder_{flows_},
        routes_{interfaces(), routes(), neighbours()},
        snapshot_{parts()},
        view_{&snapshot_, &routes_, {kPublic, kPrivate}, {kPublic, kPrivate}} {}

  // One frame as a device would hand it over.
  static Packet packet(uint8_t* frame, size_t length, size_t capacity, uint16_t device) noexcept {
    Packet packet{};
    packet.frame = frame;
    packet.length = static_cast<uint32_t>(length);
    packet.capacity = static_cast<uint32_t>(capacity);
    packet.device_in = device;
    return packet;
  }

  void forward(Batch& batch, uint32_t now = 0) noexcept {
    forwarder_.forward(batch, view_, now);
    forwarder_.count(batch);
  }

  [[nodiscard]] FlowTable& flows() noexcept { return flows_; }
  [[nodiscard]] const Forwarder& forwarder() const noexcept { return forwarder_; }

 private:
  SnapshotParts parts() {
    SnapshotParts parts;
    parts.generation = 1;
    parts.services = services();
    parts.profiles.push_back({});
    for (size_t state = 0; state < kFlowStates; ++state) parts.profiles[0][state] = kFlowStateRows[state].seconds * kTicksPerSecond;
    return parts;
  }

  std::vector<Service> services() {
    std::vector<Service> made;
    for (const uint8_t protocol : {kTcp, kUdp}) {
      made.push_back(service(address("203.0.113.10"), protocol, {"10.11.12.1", "10.11.12.2", "10.11.12.3"}));
      made.push_back(service(address("2001:db8::10"), protocol, {"fd00:11::1", "fd00:11::2", "fd00:11::3"}));
    }
    return made;
  }

  Service service(const Address& at, uint8_t protocol, const std::array<const char*, 3>& servers) {
    Service made;
    made.slot = next_service_++;
    made.scheduler = find_scheduler("rr");
    made.protocol = protocol;
    made.helps_ftp = helps_ftp_ && protocol == kTcp;
    made.is_v4 = at.is_v4();
    const auto slot = static_cast<uint16_t>(made.slot);
    made.listeners.push_back({at, protocol, kServicePort, kServicePort, slot});
    block_.services[slot].in_use = 1;
    block_.addresses[slot].address = at;
    block_.addresses[slot].in_use = 1;
    for (const char* server : servers) made.destinations.push_back(destination(made, address(server)));
    return made;
  }

  Destination destination(const Service& service, const Address& at) {
    const uint32_t slot = next_destination_++;
    block_.destinations[slot].address = at;
    block_.destinations[slot].port = to_wire(kDestinationPort);
    block_.destinations[slot].service = service.slot;
    block_.destinations[slot].standing = Standing::serving;
    block_.destinations[slot].in_use = 1;
    return {at, to_wire(kDestinationPort), 1, slot};
  }

  bool helps_ftp_;
  FlowMemory memory_;
  Block block_;
  FlowTable flows_;
  Forwarder forwarder_;
  uint32_t next_service_ = 0, next_destination_ = 0;
  Routes routes_;
  Snapshot snapshot_;
  View view_;
};

// What a TCP or UDP frame over IPv4 or IPv6 is made of.
struct Wanted {
  Endpoint source, target;
  uint8_t protocol = kTcp;
  uint8_t tcp_flags = tcp::kAck;
  uint8_t ttl = 64;
  std::vector<uint8_t> payload = {};
  uint32_t sequence = 1, acknowledgement = 1;  // TCP
};

namespace detail {
inline void put16(std::vector<uint8_t>& bytes, uint16_t host) {
  bytes.insert(bytes.end(), {static_cast<uint8_t>(host >> 8), static_cast<uint8_t>(host)});
}
inline void put(std::vector<uint8_t>& bytes, const void* from, size_t length) {
  const auto* at = static_cast<const uint8_t*>(from);
  bytes.insert(bytes.end(), at, at + length);
}

inline std::vector<uint8_t> l4_of(const Wanted& wanted) {
  std::vector<uint8_t> bytes;
  put(bytes, &wanted.source.port, 2);
  put(bytes, &wanted.target.port, 2);
  if (wanted.protocol == kTcp) {
    for (const uint32_t number : {wanted.sequence, wanted.acknowledgement}) {
      put16(bytes, static_cast<uint16_t>(number >> 16));
      put16(bytes, static_cast<uint16_t>(number));
    }
    bytes.insert(bytes.end(), {0x50, wanted.tcp_flags, 0xff, 0xff, 0, 0, 0, 0});
  } else {
    put16(bytes, static_cast<uint16_t>(kUdpHeader + wanted.payload.size()));
    put16(bytes, 0);
  }
  put(bytes, wanted.payload.data(), wanted.payload.size());
  return bytes;
}

inline void ip_header(std::vector<uint8_t>& frame, const Wanted& wanted, size_t l4_length) {
  const bool is_v4 = wanted.source.address.is_v4();
  const size_t at = frame.size();
  if (is_v4) {
    frame.insert(frame.end(), {0x45, 0});
    put16(frame, static_cast<uint16_t>(kIPv4Header + l4_length));
    frame.insert(frame.end(), {0, 0, 0x40, 0, wanted.ttl, wanted.protocol, 0, 0});
  } else {
    frame.insert(frame.end(), {0x60, 0, 0, 0});
    put16(frame, static_cast<uint16_t>(l4_length));
    frame.insert(frame.end(), {wanted.protocol, wanted.ttl});
  }
  put(frame, wanted.source.address.wire(), is_v4 ? 4 : 16);
  put(frame, wanted.target.address.wire(), is_v4 ? 4 : 16);
  if (is_v4) store16(frame.data() + at + ipv4::kChecksum, static_cast<uint16_t>(~fold(sum_bytes(frame.data() + at, kIPv4Header))));
}
}  // namespace detail

// A complete Ethernet frame with right checksums, padded to 60 bytes.
inline std::vector<uint8_t> frame(const MacAddress& to, const Wanted& wanted) {
  const bool is_v4 = wanted.source.address.is_v4();
  const std::vector<uint8_t> l4 = detail::l4_of(wanted);
  std::vector<uint8_t> bytes;
  detail::put(bytes, to.bytes, 6);
  bytes.insert(bytes.end(), {2, 0, 0, 0, 9, 9});
  detail::put16(bytes, is_v4 ? kEtherTypeIPv4 : kEtherTypeIPv6);
  detail::ip_header(bytes, wanted, l4.size());
  const size_t l4_at = bytes.size();
  detail::put(bytes, l4.data(), l4.size());
  const uint64_t sum =
      sum_bytes(l4.data(), l4.size(), pseudo_header_sum(bytes.data() + kEthernetHeader, is_v4, wanted.protocol, l4.size()));
  const uint16_t checksum = static_cast<uint16_t>(~fold(sum));
  const bool is_udp = wanted.protocol == kUdp;
  store16(bytes.data() + l4_at + (is_udp ? udp::kChecksum : tcp::kChecksum), is_udp && checksum == 0 ? 0xffff : checksum);
  if (bytes.size() < 60) bytes.resize(60);
  return bytes;
}

inline std::vector<uint8_t> from_client(const Endpoint& client, uint8_t protocol, uint8_t tcp_flags) {
  const char* vip = client.address.is_v4() ? "203.0.113.10" : "2001:db8::10";
  return frame(kPublicMac, {client, endpoint(vip, kServicePort), protocol, tcp_flags});
}

inline std::vector<uint8_t> from_server(const Endpoint& server, const Endpoint& client, uint8_t protocol, uint8_t tcp_flags) {
  return frame(kPrivateMac, {server, client, protocol, tcp_flags});
}

}  // namespace natlb::scene
