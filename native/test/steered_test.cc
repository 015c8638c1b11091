// Port ranges as the steering program gets them.
#include "io/steered.h"

#include <doctest/doctest.h>

#include <system_error>

#include "core/wire.h"
#include "io/address_text.h"

using namespace natlb;

namespace {

const Address kAddress = parse_address("203.0.113.10").value();

std::vector<PortRange> ranges(const std::vector<PortRange>& given) {
  std::vector<SteeredRange> services;
  services.reserve(given.size());
  for (const auto& [first, last] : given) services.push_back({kAddress, kTcp, first, last});
  const PortRanges all = port_ranges(services);
  return all.empty() ? std::vector<PortRange>{} : all.at({kAddress, kTcp});
}

}  // namespace

TEST_CASE("steered: ranges that touch or overlap are one, whatever their order") {
  CHECK(ranges({{100, 200}, {201, 300}}) == std::vector<PortRange>{{100, 300}});
  CHECK(ranges({{250, 300}, {100, 260}}) == std::vector<PortRange>{{100, 300}});
  CHECK(ranges({{100, 200}, {202, 300}}) == std::vector<PortRange>{{100, 200}, {202, 300}});
  CHECK(ranges({{0, 65535}, {80, 90}}) == std::vector<PortRange>{{0, 65535}});
  CHECK(ranges({{65000, 65535}, {0, 1}}) == std::vector<PortRange>{{0, 1}, {65000, 65535}});
}

TEST_CASE("steered: single ports are not ranges") { CHECK(ranges({{80, 80}, {81, 81}}).empty()); }

TEST_CASE("steered: protocols and addresses have ranges of their own") {
  const Address other = parse_address("2001:db8::10").value();
  CHECK(port_ranges({{kAddress, kTcp, 1, 2}, {kAddress, kUdp, 3, 4}, {other, kTcp, 5, 6}}).size() == 3);
}

TEST_CASE("steered: sixteen ranges are enough, and one more names its address") {
  std::vector<PortRange> many;
  for (uint16_t i = 0; i < 16; ++i) many.emplace_back(i * 10, i * 10 + 5);
  CHECK(ranges(many).size() == 16);
  many.emplace_back(1000, 1001);
  CHECK_THROWS_WITH_AS(ranges(many), doctest::Contains("cannot steer 17 separate ranges of TCP ports to 203.0.113.10: at most 16"),
                       std::system_error);
}
