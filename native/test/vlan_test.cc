// Reading and replacing VLAN tags, down to the byte.
#include "core/vlan.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "core/packet.h"

using namespace natlb;

namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint32_t kCustomer = 0x81000064, kProvider = 0x88a80007;

// MACs, the tags, IPv4, and twenty bytes that count up.
Bytes frame(const Bytes& tags) {
  Bytes bytes(12);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0xa0});
  bytes.insert(bytes.end(), tags.begin(), tags.end());
  bytes.insert(bytes.end(), {0x08, 0x00});
  for (uint8_t i = 0; i < 20; ++i) bytes.push_back(i);
  return bytes;
}

const Bytes kNone, kOne{0x81, 0, 0, 0x64}, kTwo{0x88, 0xa8, 0, 7, 0x81, 0, 0, 0x64};
constexpr VlanTags kOneTag{kCustomer, 0}, kTwoTags{kProvider, kCustomer};

struct Held {
  Bytes memory;
  Packet packet{};

  Held(const Bytes& bytes, size_t room) : memory(bytes) {
    memory.resize(bytes.size() + room);
    packet.frame = memory.data();
    packet.length = packet.end = static_cast<uint32_t>(bytes.size());
    packet.capacity = static_cast<uint32_t>(memory.size());
    packet.l3 = read_link_header(bytes.data(), bytes.size()).l3;
    packet.l4 = static_cast<uint16_t>(packet.l3 + 20);
    packet.offload.checksum = Checksum::partial;
    packet.offload.checksum_start = packet.l4;
  }
  [[nodiscard]] Bytes bytes() const { return {packet.frame, packet.frame + packet.length}; }
};

}  // namespace

TEST_CASE("vlan: tags are read, and priority tags are none") {
  struct Row {
    Bytes tags;
    VlanTags expected;
    uint16_t l3;
  };
  const Row rows[] = {
      {kNone, {}, 14},
      {kOne, kOneTag, 18},
      {{0x81, 0, 0xe0, 0x64}, kOneTag, 18},  // priority 7
      {{0x81, 0, 0xf0, 0x64}, kOneTag, 18},  // drop eligible
      {kTwo, kTwoTags, 22},
      {{0x81, 0, 0, 0x64, 0x81, 0, 0, 5}, {kCustomer, 0x81000005}, 22},
      {{0x81, 0, 0xe0, 0}, {}, 18},
      {{0x88, 0xa8, 0, 0, 0x81, 0, 0, 0x64}, kOneTag, 22},
  };
  for (const Row& row : rows) {
    const Bytes bytes = frame(row.tags);
    const LinkHeader header = read_link_header(bytes.data(), bytes.size());
    CHECK(header.tags == row.expected);
    CHECK(header.ethertype == 0x0800);
    CHECK(header.l3 == row.l3);
  }
}

TEST_CASE("vlan: behind two tags a third stays what it is") {
  const Bytes bytes = frame({0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3});
  const LinkHeader header = read_link_header(bytes.data(), bytes.size());
  CHECK(is_vlan(header.ethertype));
  CHECK(header.l3 == 22);
}

TEST_CASE("vlan: a frame that ends within its tags has no payload") {
  const Bytes bytes = frame(kTwo);
  for (size_t length = 0; length < 22; ++length) {
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));  // of its own, for the sanitizer
    CHECK(read_link_header(cut.data(), cut.size()).l3 == 0);
  }
}

TEST_CASE("vlan: any tags may take the place of any others") {
  const std::pair<Bytes, VlanTags> all[] = {{kNone, {}}, {kOne, kOneTag}, {kTwo, kTwoTags}};
  for (const auto& [from, from_tags] : all) {
    for (const auto& [to, to_tags] : all) {
      Held held{frame(from), 8};
      REQUIRE(retag(held.packet, to_tags));
      CHECK(held.bytes() == frame(to));
      CHECK(held.packet.l3 == 14 + to.size());
      CHECK(held.packet.l4 == 34 + to.size());
      CHECK(held.packet.end == held.packet.length);
      CHECK(held.packet.offload.checksum_start == held.packet.l4);
      CHECK(held.packet.frame + held.packet.capacity == held.memory.data() + held.memory.size());
    }
  }
}

TEST_CASE("vlan: a priority tag does not go on") {
  Held held{frame({0x81, 0, 0xe0, 0}), 0};
  REQUIRE(retag(held.packet, {}));
  CHECK(held.bytes() == frame(kNone));
}

TEST_CASE("vlan: tags that have no room are refused, and nothing has changed") {
  Held held{frame(kNone), 3};
  CHECK_FALSE(retag(held.packet, kOneTag));
  CHECK(held.bytes() == frame(kNone));
  CHECK(held.packet.l3 == 14);
}
