// The live-flow filter over memory of its own; with the kernel's, and the same hash in BPF: device_live_test.cc.
#include "core/live_filter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/wire.h"
#include "io/address_text.h"

using namespace natlb;

namespace {

LiveKey key(const std::string& remote, const std::string& local, uint16_t port, uint8_t protocol = kTcp) {
  return {parse_address(remote).value(), {parse_address(local).value(), to_wire(port)}, protocol};
}

// Some other client for each number.
LiveKey numbered(uint32_t number) {
  const uint8_t client[4] = {198, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)};
  return {Address::v4(client), key("192.0.2.1", "10.0.0.1", 80).local, kTcp};
}

struct Counters {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(NATLB_LIVE_COUNTERS);
  LiveFilter filter{bytes.data(), 0x243f6a8885a308d3};

  [[nodiscard]] bool are_zero() const {
    return std::ranges::all_of(bytes, [](uint8_t counter) { return counter == 0; });
  }
};

}  // namespace

TEST_CASE("live filter: what was added is there until it is removed") {
  Counters counters;
  const LiveKey flow = key("192.0.2.1", "10.0.0.1", 8080);
  CHECK_FALSE(counters.filter.has(flow));
  counters.filter.add(flow);
  counters.filter.add(flow);
  CHECK(counters.filter.has(flow));
  counters.filter.remove(flow);
  CHECK(counters.filter.has(flow));
  counters.filter.remove(flow);
  CHECK_FALSE(counters.filter.has(flow));
  CHECK(counters.are_zero());
}

TEST_CASE("live filter: every part of the key counts, and the two sides are not the same") {
  Counters counters;
  counters.filter.add(key("192.0.2.1", "10.0.0.1", 8080));
  CHECK_FALSE(counters.filter.has(key("192.0.2.2", "10.0.0.1", 8080)));
  CHECK_FALSE(counters.filter.has(key("192.0.2.1", "10.0.0.2", 8080)));
  CHECK_FALSE(counters.filter.has(key("10.0.0.1", "192.0.2.1", 8080)));
  CHECK_FALSE(counters.filter.has(key("192.0.2.1", "10.0.0.1", 8081)));
  CHECK_FALSE(counters.filter.has(key("192.0.2.1", "10.0.0.1", 8080, kUdp)));
  CHECK_FALSE(counters.filter.has(key("2001:db8::1", "10.0.0.1", 8080)));
}

TEST_CASE("live filter: a counter that is full stays full, and no remove wraps around") {
  Counters counters;
  const LiveKey busy = key("192.0.2.1", "10.0.0.1", 8080);
  for (int i = 0; i < 300; ++i) counters.filter.add(busy);
  for (int i = 0; i < 300; ++i) counters.filter.remove(busy);
  CHECK(counters.filter.has(busy));
  const LiveKey never = key("192.0.2.9", "10.0.0.1", 8080);
  counters.filter.remove(never);
  CHECK_FALSE(counters.filter.has(never));
}

TEST_CASE("live filter: 100 000 flows hide few others, and leave nothing behind") {
  Counters counters;
  constexpr uint32_t kFlows = 100'000;
  for (uint32_t i = 0; i < kFlows; ++i) counters.filter.add(numbered(i));
  uint32_t missing = 0, mistaken = 0;
  for (uint32_t i = 0; i < kFlows; ++i) missing += !counters.filter.has(numbered(i));
  for (uint32_t i = 0; i < kFlows; ++i) mistaken += counters.filter.has(numbered(kFlows + i));
  CHECK(missing == 0);
  CHECK(mistaken < kFlows / 300);  // one of 460 is to be expected
  CHECK(mistaken > kFlows / 700);
  for (uint32_t i = 0; i < kFlows; ++i) counters.filter.remove(numbered(i));
  CHECK(counters.are_zero());
}

TEST_CASE("live filter: another secret, other counters") {
  Counters counters;
  const LiveKey flow = key("192.0.2.1", "10.0.0.1", 8080);
  counters.filter.add(flow);
  CHECK_FALSE(LiveFilter{counters.bytes.data(), 1}.has(flow));
}

TEST_CASE("live filter: over nothing it does nothing") {
  LiveFilter none;
  none.add(numbered(1));
  none.remove(numbered(1));
  CHECK_FALSE(none.has(numbered(1)));
  CHECK_FALSE(none.is_there());
}
