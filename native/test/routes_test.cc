// Longest-prefix match: which way a packet goes, and to whose MAC.
#include "core/routes.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace natlb;

namespace {

constexpr MacAddress kOwnMac[2] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
constexpr MacAddress kPeer{{2, 0, 0, 0, 1, 1}};

Address address(const std::string& text) {
  uint8_t bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return Address::v4(bytes);
  REQUIRE(inet_pton(AF_INET6, text.c_str(), bytes) == 1);
  return Address::v6(bytes);
}

Route route(const std::string& prefix, int length, uint32_t interface, const std::string& gateway = "") {
  const Address bits = address(prefix);
  return {bits, static_cast<uint8_t>(bits.is_v4() ? 96 + length : length), interface, gateway.empty() ? Address{} : address(gateway)};
}

std::vector<Interface> two_interfaces() {
  return {{10, kOwnMac[0], 1500, true, {address("203.0.113.9"), address("2001:db8::9")}},
          {11, kOwnMac[1], 9000, true, {address("10.11.12.9")}}};
}

Routes routes(const std::vector<Route>& list, const std::vector<Neighbour>& neighbours = {}) {
  return {two_interfaces(), list, neighbours};
}

bool same(const MacAddress& a, const MacAddress& b) { return std::memcmp(a.bytes, b.bytes, 6) == 0; }

}  // namespace

TEST_CASE("without a route there is no interface") {
  CHECK(Routes{}.find(address("10.0.0.1")).interface == kNoInterface);
  CHECK(routes({route("10.11.12.0", 24, 1)}).find(address("10.11.13.1")).interface == kNoInterface);
}

TEST_CASE("an on-link destination is its own neighbour") {
  const NextHop hop = routes({route("10.11.12.0", 24, 1)}, {{address("10.11.12.1"), 1, kPeer}}).find(address("10.11.12.1"));
  CHECK(hop.interface == 1);
  CHECK(hop.neighbour == address("10.11.12.1"));
  CHECK(hop.resolved);
  CHECK(same(hop.source, kOwnMac[1]));
  CHECK(same(hop.destination, kPeer));
  CHECK(hop.mtu == 9000);
}

TEST_CASE("an unknown neighbour is named but not resolved") {
  const NextHop hop = routes({route("10.11.12.0", 24, 1)}).find(address("10.11.12.2"));
  CHECK(hop.interface == 1);
  CHECK_FALSE(hop.resolved);
  CHECK(hop.neighbour == address("10.11.12.2"));
}

TEST_CASE("a neighbour counts on its own interface only") {
  const NextHop hop = routes({route("10.11.12.0", 24, 1)}, {{address("10.11.12.1"), 0, kPeer}}).find(address("10.11.12.1"));
  CHECK_FALSE(hop.resolved);
}

TEST_CASE("a default route leads to its gateway") {
  const Routes all = routes({route("0.0.0.0", 0, 0, "203.0.113.254")}, {{address("203.0.113.254"), 0, kPeer}});
  const NextHop hop = all.find(address("198.51.100.7"));
  CHECK(hop.interface == 0);
  CHECK(hop.neighbour == address("203.0.113.254"));
  CHECK(hop.resolved);
  CHECK(same(hop.destination, kPeer));
  REQUIRE(all.gateways().size() == 1);
  CHECK(all.gateways()[0].address == address("203.0.113.254"));
  CHECK(all.gateways()[0].interface == 0);
}

TEST_CASE("the longest prefix wins, whatever the order") {
  const Routes all = routes({route("0.0.0.0", 0, 0, "203.0.113.254"), route("10.11.12.5", 32, 0), route("10.0.0.0", 8, 0, "203.0.113.1"),
                             route("10.11.12.0", 24, 1), route("10.11.12.128", 25, 0, "203.0.113.2")});
  CHECK(all.find(address("10.11.12.1")).interface == 1);
  CHECK(all.find(address("10.11.12.5")).interface == 0);
  CHECK(all.find(address("10.11.12.5")).neighbour == address("10.11.12.5"));
  CHECK(all.find(address("10.11.12.200")).neighbour == address("203.0.113.2"));
  CHECK(all.find(address("10.200.0.1")).neighbour == address("203.0.113.1"));
  CHECK(all.find(address("8.8.8.8")).neighbour == address("203.0.113.254"));
}

TEST_CASE("IPv6 has the same rules") {
  const Routes all = routes({route("2001:db8::", 32, 0), route("2001:db8:1::", 48, 1, "2001:db8::1"), route("::", 0, 0, "fe80::1")},
                            {{address("fe80::1"), 0, kPeer}});
  CHECK(all.find(address("2001:db8:2::7")).neighbour == address("2001:db8:2::7"));
  CHECK(all.find(address("2001:db8:1::7")).interface == 1);
  CHECK(all.find(address("2001:db8:1::7")).neighbour == address("2001:db8::1"));
  CHECK(all.find(address("2620::1")).neighbour == address("fe80::1"));
  CHECK(all.find(address("2620::1")).resolved);
}

TEST_CASE("the default route of one family does not catch the other") {
  CHECK(routes({route("::", 0, 0, "fe80::1")}).find(address("10.0.0.1")).interface == kNoInterface);
  CHECK(routes({route("0.0.0.0", 0, 0, "203.0.113.1")}).find(address("2001:db8::1")).interface == kNoInterface);
}

TEST_CASE("an IPv4 route may have an IPv6 gateway") {
  const NextHop hop = routes({route("10.0.0.0", 8, 0, "fe80::1")}, {{address("fe80::1"), 0, kPeer}}).find(address("10.1.2.3"));
  CHECK(hop.resolved);
  CHECK(hop.neighbour == address("fe80::1"));
}

TEST_CASE("of two routes with one prefix the first wins") {
  CHECK(routes({route("10.0.0.0", 8, 1), route("10.0.0.0", 8, 0)}).find(address("10.1.1.1")).interface == 1);
  CHECK(routes({route("10.0.0.0", 8, 0), route("10.0.0.0", 8, 1)}).find(address("10.1.1.1")).interface == 0);
}

TEST_CASE("a route without an interface ends the search") {
  const Routes all = routes({route("0.0.0.0", 0, 0, "203.0.113.254"), route("10.9.0.0", 16, kNoInterface)});
  CHECK(all.find(address("10.9.1.1")).interface == kNoInterface);
  CHECK(all.find(address("10.8.1.1")).interface == 0);
}

TEST_CASE("a route's own MTU goes before the interface's") {
  Route narrow = route("10.11.12.0", 24, 1);
  narrow.mtu = 1400;
  CHECK(routes({narrow}).find(address("10.11.12.1")).mtu == 1400);
}

TEST_CASE("bits behind the prefix do not matter") {
  CHECK(routes({route("10.11.12.77", 24, 1)}).find(address("10.11.12.1")).interface == 1);
}

TEST_CASE("an address of any interface is local") {
  const Routes all = routes({});
  CHECK(all.is_local(address("203.0.113.9")));
  CHECK(all.is_local(address("10.11.12.9")));
  CHECK(all.is_local(address("2001:db8::9")));
  CHECK_FALSE(all.is_local(address("10.11.12.10")));
  CHECK_FALSE(Routes{}.is_local(address("10.11.12.10")));
}

TEST_CASE("a gateway of many routes stands once among the gateways") {
  const Routes all =
      routes({route("10.0.0.0", 8, 0, "203.0.113.1"), route("11.0.0.0", 8, 0, "203.0.113.1"), route("12.0.0.0", 8, 1, "10.11.12.1")});
  CHECK(all.gateways().size() == 2);
}

TEST_CASE("random tables agree with a search through all routes") {
  std::mt19937 random{7};
  const auto random_address = [&] {
    const uint32_t bits = htonl(0x0a000000 | (random() & 0xffff));
    return Address::v4(&bits);
  };
  std::vector<Route> list;
  for (int i = 0; i < 2000; ++i) {
    Route one{random_address(), static_cast<uint8_t>(96 + 8 + random() % 25), static_cast<uint32_t>(random() % 2), random_address()};
    for (int bit = one.length; bit < 128; ++bit) one.prefix.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
    list.push_back(one);
  }
  const Routes all = routes(list);
  const auto matches = [](const Route& candidate, const Address& destination) {
    for (int bit = 0; bit < candidate.length; ++bit) {
      if (((candidate.prefix.bytes[bit / 8] ^ destination.bytes[bit / 8]) & (0x80 >> (bit % 8))) != 0) return false;
    }
    return true;
  };
  for (int i = 0; i < 5000; ++i) {
    const Address destination = random_address();
    const Route* best = nullptr;
    for (const Route& candidate : list) {
      if (matches(candidate, destination) && (best == nullptr || candidate.length > best->length)) best = &candidate;
    }
    const NextHop found = all.find(destination);
    REQUIRE(found.interface == (best == nullptr ? kNoInterface : best->interface));
    if (best != nullptr) REQUIRE(found.neighbour == best->gateway);
  }
}

TEST_CASE("every one of ten thousand neighbours is found") {
  std::vector<Neighbour> neighbours;
  for (uint32_t i = 0; i < 10000; ++i) {
    const uint32_t bits = htonl(0x0a000000 | i);
    neighbours.push_back({Address::v4(&bits), 1, {{2, 1, 1, 1, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}}});
  }
  const Routes all = routes({route("10.0.0.0", 8, 1)}, neighbours);
  for (const Neighbour& neighbour : neighbours) {
    const NextHop hop = all.find(neighbour.address);
    REQUIRE(hop.resolved);
    REQUIRE(same(hop.destination, neighbour.mac));
  }
}
