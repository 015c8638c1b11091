// What is ours: one row for each kind of frame, through the real programs in the kernel.
#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <cstring>

#include "device_frames.h"

using namespace natlb;
using namespace lab;

namespace {

constexpr char kService[] = "203.0.113.10", kDestination[] = "10.11.12.1", kClient[] = "192.0.2.1", kRouter[] = "10.11.12.9";
constexpr char kService6[] = "2001:db8::10", kDestination6[] = "fd00::1", kClient6[] = "2001:db8:1::1", kRouter6[] = "fd00::9";

struct Row {
  std::string what;
  Bytes frame;
  bool ours;
};

std::vector<Row> ipv4_rows() {
  const Bytes from_service = ip4(kService, kClient, kTcp, l4(80, 5000));
  const Bytes to_destination = ip4(kClient, kDestination, kTcp, l4(5000, 8080));
  const Bytes request = ip4(kClient, kService, kTcp, l4(5000, 80));
  return {
      {"TCP to a service", frame4(request), true},
      {"UDP to a service", frame4(ip4(kClient, kService, kUdp, l4(5000, 53))), true},
      {"another port of the service's address", frame4(ip4(kClient, kService, kTcp, l4(5000, 22))), false},
      {"the service's port over the other protocol", frame4(ip4(kClient, kService, kUdp, l4(5000, 80))), false},
      {"the service's port on another address", frame4(ip4(kClient, kDestination, kTcp, l4(5000, 80))), false},
      {"TCP to a service behind IP options", frame4(ip4(kClient, kService, kTcp, l4(5000, 80), 0, Bytes(8, 1))), true},
      {"don't-fragment is no fragment", frame4(ip4(kClient, kService, kTcp, l4(5000, 22), 0x4000)), false},
      {"a destination answers a client", frame4(ip4(kDestination, kClient, kTcp, l4(8080, 5000))), true},
      {"a destination answers the router's own probe", frame4(ip4(kDestination, kRouter, kTcp, l4(8080, 5000))), false},
      {"a destination's own traffic", frame4(ip4(kDestination, kClient, kTcp, l4(40000, 443))), false},
      {"a destination over the other protocol", frame4(ip4(kDestination, kClient, kUdp, l4(8080, 5000))), false},
      {"ping of the service's address", frame4(ip4(kClient, kService, IPPROTO_ICMP, icmp_message(8))), false},
      {"unreachable about what a service sent", frame4(ip4(kClient, kService, IPPROTO_ICMP, icmp_message(3, from_service))), true},
      {"time exceeded from a router on the way", frame4(ip4("192.0.2.77", kService, IPPROTO_ICMP, icmp_message(11, from_service))), true},
      {"unreachable about what went to a destination", frame4(ip4(kDestination, kClient, IPPROTO_ICMP, icmp_message(3, to_destination))),
       true},
      {"unreachable about the router's own probe",
       frame4(ip4(kDestination, kRouter, IPPROTO_ICMP, icmp_message(3, ip4(kRouter, kDestination, kTcp, l4(5000, 8080))))), false},
      {"unreachable about something else",
       frame4(ip4(kClient, kService, IPPROTO_ICMP, icmp_message(3, ip4(kService, kClient, kTcp, l4(22, 5000))))), false},
      {"unreachable about a later fragment of a service",
       frame4(ip4(kClient, kService, IPPROTO_ICMP, icmp_message(3, ip4(kService, kClient, kUdp, l4(1, 1), 100)))), true},
      {"redirect is not an error", frame4(ip4(kClient, kService, IPPROTO_ICMP, icmp_message(5, from_service))), false},
      {"an error that quotes no ports",
       frame4(ip4(kClient, kService, IPPROTO_ICMP, icmp_message(3, Bytes(from_service.begin(), from_service.begin() + 20)))), false},
      {"first fragment to a service", frame4(ip4(kClient, kService, kUdp, l4(5000, 53), 0x2000)), true},
      {"later fragment to a service", frame4(ip4(kClient, kService, kUdp, Bytes(32, 9), 0x0010)), true},
      {"fragment from a destination", frame4(ip4(kDestination, kClient, kTcp, Bytes(32, 9), 0x0010)), true},
      {"fragment from a destination to the router", frame4(ip4(kDestination, kRouter, kTcp, Bytes(32, 9), 0x0010)), false},
      {"fragment of a ping", frame4(ip4(kClient, kService, IPPROTO_ICMP, Bytes(32, 9), 0x0010)), false},
      {"fragment of others", frame4(ip4(kClient, kRouter, kUdp, Bytes(32, 9), 0x0010)), false},
      {"another host's MAC", ethernet(0x0800, {2, 0, 0, 0, 0, 0x77}) + request, false},
      {"broadcast", ethernet(0x0800, Bytes(6, 0xff)) + request, false},
      {"a virtual router's MAC", ethernet(0x0800, {0, 0, 0x5e, 0, 1, 51}) + request, true},
      {"VLAN tag", ethernet(0x8100) + big_endian(5) + big_endian(0x0800) + request, false},
      {"IP header cut off", frame4(Bytes(request.begin(), request.begin() + 12)), false},
      {"ports cut off", frame4(Bytes(request.begin(), request.begin() + 22)), false},
      {"version does not fit", ethernet(0x86dd) + request, false},
      {"GRE", frame4(ip4(kClient, kService, IPPROTO_GRE, l4(5000, 80))), false},
  };
}

std::vector<Row> ipv6_rows() {
  const Bytes ports = l4(5000, 80);
  const Bytes from_service = ip6(kService6, kClient6, kTcp, l4(80, 5000));
  const auto to_service = [](uint8_t protocol, const Bytes& payload) { return frame6(ip6(kClient6, kService6, protocol, payload)); };
  return {
      {"TCP to a service, IPv6", to_service(kTcp, ports), true},
      {"another port, IPv6", to_service(kTcp, l4(5000, 22)), false},
      {"a destination answers a client, IPv6", frame6(ip6(kDestination6, kClient6, kTcp, l4(8080, 5000))), true},
      {"a destination answers the router's own probe, IPv6", frame6(ip6(kDestination6, kRouter6, kTcp, l4(8080, 5000))), false},
      {"behind hop-by-hop options", to_service(0, extension(kTcp) + ports), true},
      {"behind hop-by-hop and long destination options", to_service(0, extension(60) + extension(kTcp, 3) + ports), true},
      {"behind four extension headers", to_service(0, extension(60) + extension(60) + extension(60) + extension(kTcp) + ports), true},
      {"behind five extension headers",
       to_service(0, extension(60) + extension(60) + extension(60) + extension(60) + extension(kTcp) + ports), false},
      {"behind a routing header", to_service(43, extension(kTcp) + ports), false},
      {"atomic fragment", to_service(44, fragment6(kTcp, 0) + ports), true},
      {"atomic fragment to another port", to_service(44, fragment6(kTcp, 0) + l4(5000, 22)), false},
      {"first fragment, IPv6", to_service(44, fragment6(kTcp, 1) + ports), true},
      {"later fragment, IPv6", to_service(44, fragment6(kTcp, 0x100) + Bytes(32, 9)), true},
      {"fragment of a ping, IPv6", to_service(44, fragment6(IPPROTO_ICMPV6, 1) + icmp_message(128)), false},
      {"too big about what a service sent", to_service(IPPROTO_ICMPV6, icmp_message(2, from_service)), true},
      {"parameter problem", to_service(IPPROTO_ICMPV6, icmp_message(4, from_service)), true},
      {"neighbour solicitation", to_service(IPPROTO_ICMPV6, icmp_message(135, Bytes(16, 0))), false},
      {"ping, IPv6", to_service(IPPROTO_ICMPV6, icmp_message(128)), false},
      {"ICMP of IPv4 inside IPv6", to_service(IPPROTO_ICMP, icmp_message(3, from_service)), false},
  };
}

SteeredRange port(const std::string& address, uint16_t port, uint8_t protocol) { return lab::ports(address, port, port, protocol); }

// With what `is_ours` needs.
Steered with(std::vector<SteeredRange> services, std::vector<SteeredEndpoint> destinations = {}) {
  services.push_back(port(lab::kServerAddress, lab::kPort, kUdp));
  return {.services = std::move(services), .destinations = std::move(destinations), .interfaces = {lab::interface("nd-r0")}};
}

Steered published_rows() {
  Steered steered = with({port(kService, 80, kTcp), port(kService, 53, kUdp), port(kService6, 80, kTcp)},
                         {lab::endpoint(kDestination, 8080, kTcp), lab::endpoint(kDestination6, 8080, kTcp)});
  steered.locals = {lab::address(kService), lab::address(kService6), lab::address(kRouter), lab::address(kRouter6)};
  return steered;
}

// Whether the device saw the frame, decided without waiting: a second frame that is ours for certain arrives behind it.
bool is_ours(lab::Scene& scene, const Bytes& frame) {
  const Bytes last = lab::udp_frame(77);
  scene.send(frame);
  scene.send(last);
  size_t count = 0;
  for (bool done = false; !done;) {
    REQUIRE(lab::wait(scene.in()));
    Batch batch;
    scene.in().receive(batch);
    for (const Packet& packet : batch)
      done = done || (packet.length == last.size() && std::memcmp(packet.frame, last.data(), last.size()) == 0);
    count += batch.count;
    scene.in().release(batch);
    scene.in().flush();
  }
  return count == 2;
}

}  // namespace

TEST_CASE("the kernel hands over what is ours and keeps the rest") {
  if (lab::mode() == "memory") return;
  const auto scene = lab::make_scene();
  scene->steering().publish(published_rows());
  for (const auto& rows : {ipv4_rows(), ipv6_rows()}) {
    for (const Row& row : rows) CHECK_MESSAGE(is_ours(*scene, row.frame) == row.ours, row.what);
  }
}

TEST_CASE("a service on many ports is ours on all of them, and on no other") {
  if (lab::mode() == "memory") return;
  const auto scene = lab::make_scene();
  const auto to = [](uint16_t port, uint8_t protocol = kTcp) { return frame4(ip4(kClient, kService, protocol, l4(5000, port))); };
  scene->steering().publish(with({lab::ports(kService, 1000, 1999, kTcp), lab::ports(kService, 3000, 3001, kTcp), port(kService, 80, kTcp),
                                  lab::ports(kService6, 0, 65535, kSctp)}));
  for (const uint16_t inside : {80, 1000, 1500, 1999, 3000, 3001}) CHECK_MESSAGE(is_ours(*scene, to(inside)), inside);
  for (const uint16_t outside : {0, 81, 999, 2000, 2999, 3002, 65535}) CHECK_MESSAGE(!is_ours(*scene, to(outside)), outside);
  CHECK_FALSE(is_ours(*scene, to(1500, kUdp)));
  for (const uint16_t any : {0, 1, 65535}) CHECK(is_ours(*scene, frame6(ip6(kClient6, kService6, kSctp, l4(5000, any)))));
  CHECK_FALSE(is_ours(*scene, frame6(ip6(kClient6, kService6, kTcp, l4(5000, 80)))));
  CHECK(is_ours(*scene, frame6(ip6(kClient6, kService6, IPPROTO_ICMPV6, icmp_message(2, ip6(kService6, kClient6, kSctp, l4(9, 5000)))))));
}

TEST_CASE("ranges that are published anew replace what was, and one too many changes nothing") {
  if (lab::mode() == "memory") return;
  const auto scene = lab::make_scene();
  const auto to = [](uint16_t port) { return frame4(ip4(kClient, kService, kTcp, l4(5000, port))); };
  scene->steering().publish(with({lab::ports(kService, 1000, 1999, kTcp)}));
  scene->steering().publish(with({lab::ports(kService, 1500, 2500, kTcp)}));
  CHECK_FALSE(is_ours(*scene, to(1000)));
  CHECK(is_ours(*scene, to(2500)));
  std::vector<SteeredRange> many;
  for (uint16_t i = 0; i < 17; ++i) many.push_back(lab::ports(kService, i * 10, i * 10 + 5, kTcp));
  CHECK_THROWS_WITH_AS(scene->steering().publish(with(many)), doctest::Contains("ports to 203.0.113.10: at most 16"), std::system_error);
  CHECK(is_ours(*scene, to(2500)));
  CHECK_FALSE(is_ours(*scene, to(1)));
  many.pop_back();
  scene->steering().publish(with(many));
  CHECK(is_ours(*scene, to(155)));
  scene->steering().publish(with({}));
  CHECK_FALSE(is_ours(*scene, to(155)));
}

TEST_CASE("VLANs are interfaces of their own, and their frames come with their tags") {
  if (lab::mode() == "memory") return;
  const auto scene = lab::make_scene();
  const Bytes request = ip4(kClient, kService, kTcp, l4(5000, 80));
  const auto tagged = [&](const std::vector<std::pair<uint16_t, uint16_t>>& tags, const Bytes& to = {}) {
    Bytes frame = ethernet(tags[0].first, to);
    for (size_t i = 0; i < tags.size(); ++i) {
      frame = frame + big_endian(tags[i].second) + big_endian(i + 1 < tags.size() ? tags[i + 1].first : 0x0800);
    }
    return frame + request;
  };
  constexpr uint32_t kCustomer = 0x81000000, kProvider = 0x88a80000;
  Steered steered = with({port(kService, 80, kTcp)});
  steered.interfaces.push_back(lab::interface("nd-r0", {kCustomer | 100, 0}));
  steered.interfaces.push_back(lab::interface("nd-r0", {kProvider | 7, kCustomer | 100}));
  SteeredInterface own_mac = lab::interface("nd-r0", {kCustomer | 200, 0});
  own_mac.mac = {{2, 0, 0, 0, 0, 0x77}};
  steered.interfaces.push_back(own_mac);
  scene->steering().publish(steered);
  CHECK(is_ours(*scene, frame4(request)));
  CHECK(is_ours(*scene, tagged({{0x8100, 100}})));
  CHECK(is_ours(*scene, tagged({{0x8100, 0xe000 | 100}})));  // priority 7
  CHECK(is_ours(*scene, tagged({{0x8100, 0xe000}})));        // priority only: no VLAN
  CHECK(is_ours(*scene, tagged({{0x88a8, 7}, {0x8100, 100}})));
  CHECK(is_ours(*scene, tagged({{0x8100, 200}}, {2, 0, 0, 0, 0, 0x77})));
  CHECK(is_ours(*scene, tagged({{0x8100, 200}}, {0, 0, 0x5e, 0, 1, 51})));
  CHECK_FALSE(is_ours(*scene, tagged({{0x8100, 200}})));
  CHECK_FALSE(is_ours(*scene, tagged({{0x8100, 101}})));
  CHECK_FALSE(is_ours(*scene, tagged({{0x88a8, 100}})));
  CHECK_FALSE(is_ours(*scene, tagged({{0x88a8, 7}})));
  CHECK_FALSE(is_ours(*scene, tagged({{0x8100, 100}, {0x88a8, 7}})));
  CHECK_FALSE(is_ours(*scene, tagged({{0x8100, 100}, {0x8100, 100}, {0x8100, 100}})));

  const Bytes sent = tagged({{0x88a8, 7}, {0x8100, 100}}) + Bytes(40, 0x5a);
  scene->send(sent);
  REQUIRE(lab::wait(scene->in()));
  Batch batch;
  scene->in().receive(batch);
  REQUIRE(batch.count == 1);
  CHECK(Bytes(batch.packets[0].frame, batch.packets[0].frame + batch.packets[0].length) == sent);
  scene->in().release(batch);
}

TEST_CASE("an interface that is not ours keeps its traffic, whatever runs over it") {
  if (lab::mode() == "memory") return;
  const auto scene = lab::make_scene();
  Steered steered = with({port(kService, 80, kTcp)});
  const Bytes request = ip4(kClient, kService, kTcp, l4(5000, 80));
  const Bytes tagged = ethernet(0x8100) + big_endian(100) + big_endian(0x0800) + request;
  steered.interfaces = {lab::interface("nd-r0", {0x81000064, 0})};
  scene->steering().publish(steered);
  scene->send(frame4(request));
  scene->send(lab::udp_frame(77));
  scene->send(tagged);
  REQUIRE(lab::wait(scene->in()));
  Batch batch;
  scene->in().receive(batch);
  REQUIRE(batch.count == 1);
  CHECK(batch.packets[0].length == tagged.size());
  scene->in().release(batch);
}

TEST_CASE("what is published anew replaces what was") {
  if (lab::mode() == "memory") return;
  const auto scene = lab::make_scene();
  const Bytes old_service = frame4(ip4(kClient, "203.0.113.1", kTcp, l4(5000, 80)));
  const Bytes new_service = frame4(ip4(kClient, "203.0.113.2", kTcp, l4(5000, 80)));
  const Bytes fragment = frame4(ip4(kClient, "203.0.113.1", kTcp, Bytes(32, 9), 0x0010));
  scene->steering().publish(with({port("203.0.113.1", 80, kTcp)}));
  CHECK(is_ours(*scene, old_service));
  CHECK(is_ours(*scene, fragment));
  CHECK_FALSE(is_ours(*scene, new_service));
  scene->steering().publish(with({port("203.0.113.2", 80, kTcp)}));
  CHECK_FALSE(is_ours(*scene, old_service));
  CHECK_FALSE(is_ours(*scene, fragment));
  CHECK(is_ours(*scene, new_service));
}

TEST_CASE("37 000 destinations fit, and the last one is steered") {
  if (lab::mode() == "memory") return;
  const auto scene = lab::make_scene();
  std::vector<SteeredEndpoint> destinations;
  for (uint32_t i = 0; i < 37000; ++i) {
    const std::string address = "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
    destinations.push_back(lab::endpoint(address, 8080, kTcp));
  }
  scene->steering().publish(with({}, destinations));
  CHECK(is_ours(*scene, frame4(ip4("10.0.144.135", kClient, kTcp, l4(8080, 5000)))));
  CHECK_FALSE(is_ours(*scene, frame4(ip4("10.0.144.136", kClient, kTcp, l4(8080, 5000)))));
}
