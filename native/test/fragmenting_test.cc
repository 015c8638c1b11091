// Pieces of IPv4 packets: put together again they are what they were cut from.
#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "core/checksum.h"
#include "core/fragmenting.h"

using namespace natlb;

namespace {

std::vector<uint8_t> packet(size_t payload, uint16_t fragment_field = 0, const std::vector<uint8_t>& options = {}) {
  const size_t header = kIPv4Header + options.size();
  std::vector<uint8_t> ip(header + payload);
  ip[0] = static_cast<uint8_t>(0x40 | header / 4);
  store16(&ip[ipv4::kTotalLength], to_wire(static_cast<uint16_t>(ip.size())));
  store16(&ip[ipv4::kId], to_wire(4711));
  store16(&ip[ipv4::kFragmentOffset], to_wire(fragment_field));
  ip[ipv4::kTtl] = 63;
  ip[ipv4::kProtocol] = kUdp;
  std::copy(options.begin(), options.end(), ip.begin() + kIPv4Header);
  std::iota(ip.begin() + static_cast<long>(header), ip.end(), uint8_t{0});
  store16(&ip[ipv4::kChecksum], static_cast<uint16_t>(~fold(sum_bytes(ip.data(), header))));
  return ip;
}

std::vector<std::vector<uint8_t>> cut(std::vector<uint8_t> ip, size_t mtu) {
  Cut cut{ip.data(), mtu};
  std::vector<std::vector<uint8_t>> pieces(cut.pieces());
  for (size_t i = 1; i < pieces.size(); ++i) {
    pieces[i].resize(mtu);
    pieces[i].resize(cut.write(i, pieces[i].data()));
  }
  std::vector<uint8_t> first(mtu);
  first.resize(cut.write(0, first.data()));
  ip.resize(cut.shorten());
  CHECK(ip == first);
  pieces[0] = ip;
  return pieces;
}

uint16_t field(const std::vector<uint8_t>& ip) { return host16(&ip[ipv4::kFragmentOffset]); }

}  // namespace

TEST_CASE("a packet is cut into pieces of a multiple of eight bytes that add up to it") {
  for (const size_t payload : {1481U, 1488U, 2000U, 2960U, 2961U, 8972U, 65515U}) {
    for (const size_t mtu : {1500U, 1499U, 1400U, 576U, 68U, 29U, 28U}) {
      if (payload + kIPv4Header <= mtu) continue;
      CAPTURE(payload);
      CAPTURE(mtu);
      size_t at = 0;
      const auto pieces = cut(packet(payload), mtu);
      for (const auto& one : pieces) {
        const bool last = &one == &pieces.back();
        REQUIRE(one.size() <= mtu);
        REQUIRE(host16(&one[ipv4::kTotalLength]) == one.size());
        REQUIRE(fold(sum_bytes(one.data(), kIPv4Header)) == 0xffff);
        REQUIRE(host16(&one[ipv4::kId]) == 4711);
        REQUIRE(field(one) == (at / 8 | (last ? 0 : ipv4::kMoreFragments)));
        REQUIRE((last || one.size() + 8 > mtu));
        for (size_t i = kIPv4Header; i < one.size(); ++i, ++at) REQUIRE(one[i] == static_cast<uint8_t>(at));
      }
      REQUIRE(at == payload);
    }
  }
}

TEST_CASE("the pieces of a fragment count from where it did, and are the end only where it was") {
  const auto middle = cut(packet(1480, ipv4::kMoreFragments | 185), 1004);
  REQUIRE(middle.size() == 2);
  CHECK(field(middle[0]) == (ipv4::kMoreFragments | 185));
  CHECK(field(middle[1]) == (ipv4::kMoreFragments | 308));
  const auto last = cut(packet(1480, 185), 1004);
  CHECK(field(last[0]) == (ipv4::kMoreFragments | 185));
  CHECK(field(last[1]) == 308);
}

TEST_CASE("an option that is not to be copied stands in the first piece alone") {
  // Record Route, not copied, a No Operation, Stream ID, copied, End.
  const std::vector<uint8_t> options{7, 7, 4, 0, 0, 0, 0, 1, 0x88, 4, 0x12, 0x34};
  const auto pieces = cut(packet(1400, 0, options), 1000);
  REQUIRE(pieces.size() == 2);
  CHECK(std::vector<uint8_t>(pieces[0].begin() + 20, pieces[0].begin() + 32) == options);
  CHECK(std::vector<uint8_t>(pieces[1].begin() + 20, pieces[1].begin() + 32) ==
        std::vector<uint8_t>{1, 1, 1, 1, 1, 1, 1, 1, 0x88, 4, 0x12, 0x34});
  for (const auto& one : pieces) CHECK(fold(sum_bytes(one.data(), 32)) == 0xffff);
  CHECK(pieces[0].size() == 32 + 968);
}

TEST_CASE("options that make no sense are left as they are") {
  for (const std::vector<uint8_t>& options : {std::vector<uint8_t>{7, 0, 0, 0}, {7, 1, 0, 0}, {7, 9, 0, 0}, {1, 1, 1, 7}, {0, 7, 3, 3}}) {
    const auto pieces = cut(packet(1400, 0, options), 1000);
    CHECK(std::vector<uint8_t>(pieces[1].begin() + 20, pieces[1].begin() + 24) == options);
  }
}

TEST_CASE("an MTU without room for eight bytes behind the header cuts nothing") {
  std::vector<uint8_t> ip = packet(100);
  CHECK(Cut{ip.data(), 27}.pieces() == 0);
  CHECK(Cut{ip.data(), 20}.pieces() == 0);
  CHECK(Cut{ip.data(), 0}.pieces() == 0);
}
