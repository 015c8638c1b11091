// Which fragments follow which, who waits, and what it costs whom.
#include <doctest/doctest.h>

#include <vector>

#include "core/fragments.h"
#include "scene.h"

using namespace natlb;

namespace {

constexpr HashSecret kSecret{{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}};
constexpr uint16_t kPort = to_wire(5000);

// A frame whose one byte tells it from others, as parse would leave it.
struct Sent {
  Packet packet{};
  std::vector<uint8_t> frame;
};

Sent piece(const std::string& source, uint32_t id, uint32_t begin, uint32_t end, bool more = true, uint8_t mark = 0) {
  Sent sent;
  sent.frame.assign(34 + end - begin, mark);
  Packet& packet = sent.packet;
  packet = scene::Scene::packet(sent.frame.data(), sent.frame.size(), sent.frame.size(), scene::kPublic);
  packet.is_v4 = scene::address(source).is_v4();
  packet.l3 = kEthernetHeader;
  packet.protocol = kUdp;
  packet.end = packet.length;
  packet.fragment = {begin == 0 ? Fragment::Place::first : Fragment::Place::later, more, 34, begin, end, id};
  packet.key = {scene::address(source), scene::address(packet.is_v4 ? "203.0.113.10" : "2001:db8::10"), 0, 0, kUdp};
  if (begin == 0) packet.key.source_port = kPort;
  return sent;
}

Verdict take(Fragments& table, Sent sent, uint32_t now = 0) {
  sent.packet.frame = sent.frame.data();
  return table.take(sent.packet, now);
}

// First bytes of what may go on by now.
std::vector<int> called(Fragments& table) {
  std::vector<int> marks;
  for (Batch batch; batch.count = 0, table.call(batch), batch.count > 0;) {
    for (const Packet& packet : batch) {
      CHECK(packet.key.source_port == kPort);
      marks.push_back(packet.frame[0]);
    }
  }
  return marks;
}

std::string client(int number) { return "198.51." + std::to_string(100 + number / 200) + "." + std::to_string(number % 200 + 1); }

}  // namespace

TEST_CASE("later fragments get the ports of the first, and a whole datagram is forgotten") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16)) == Verdict::pending);
  Sent middle = piece("198.51.100.7", 1, 16, 32);
  CHECK(table.take(middle.packet, 0) == Verdict::pending);
  CHECK(middle.packet.key.source_port == kPort);
  CHECK(table.datagrams() == 1);
  CHECK(take(table, piece("198.51.100.7", 1, 32, 35, false)) == Verdict::pending);
  table.settle();
  CHECK(table.datagrams() == 0);
  CHECK_FALSE(table.calls());
}

TEST_CASE("what comes before the first waits, and leaves in the order it came") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 32, 35, false, 3)) == Verdict::fragment_waiting);
  CHECK(take(table, piece("198.51.100.7", 1, 16, 24, true, 2)) == Verdict::fragment_waiting);
  CHECK(take(table, piece("198.51.100.7", 1, 24, 32, true, 4)) == Verdict::fragment_waiting);
  CHECK(called(table).empty());
  CHECK(table.waiting() == 3);
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16)) == Verdict::pending);
  CHECK(called(table) == std::vector<int>{3, 2, 4});
  table.settle();
  CHECK(table.datagrams() == 0);
  CHECK(table.waiting() == 0);
}

TEST_CASE("a datagram is told by source, target, identification and, for IPv4, protocol") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16)) == Verdict::pending);
  CHECK(take(table, piece("198.51.100.8", 1, 16, 32)) == Verdict::fragment_waiting);
  CHECK(take(table, piece("198.51.100.7", 2, 16, 32)) == Verdict::fragment_waiting);
  Sent other = piece("198.51.100.7", 1, 16, 32);
  other.packet.protocol = kTcp;
  CHECK(table.take(other.packet, 0) == Verdict::fragment_waiting);
  CHECK(take(table, piece("2001:db8:7::7", 1, 0, 16)) == Verdict::pending);
  Sent opaque = piece("2001:db8:7::7", 1, 16, 32);
  opaque.packet.protocol = kDestinationOptions;
  CHECK(table.take(opaque.packet, 0) == Verdict::pending);
  CHECK(opaque.packet.key.protocol == kUdp);
}

TEST_CASE("an exact duplicate is dropped alone, in any state") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 16, 32)) == Verdict::fragment_waiting);
  CHECK(take(table, piece("198.51.100.7", 1, 16, 32)) == Verdict::fragment_duplicate);
  CHECK(table.waiting() == 1);
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16)) == Verdict::pending);
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16)) == Verdict::fragment_duplicate);
  CHECK(take(table, piece("198.51.100.7", 1, 16, 32)) == Verdict::fragment_duplicate);
  CHECK(take(table, piece("198.51.100.7", 1, 40, 43, false)) == Verdict::pending);
  CHECK(take(table, piece("198.51.100.7", 1, 40, 43, false)) == Verdict::fragment_duplicate);
  CHECK(take(table, piece("198.51.100.7", 1, 32, 40)) == Verdict::pending);
  CHECK(called(table).size() == 1);
  table.settle();
  CHECK(table.datagrams() == 0);
}

TEST_CASE("overlap of any kind ends the datagram, what waits of it and what follows") {
  struct Row {
    uint32_t begin, end;
    bool more;
  };
  // Beside 16..32 and a last piece 64..70.
  for (const Row& row : {Row{8, 24, true},
                         {24, 40, true},
                         {16, 24, true},
                         {24, 32, true},
                         {8, 40, true},
                         {56, 72, true},
                         {64, 72, true},
                         {64, 69, false},
                         {64, 71, false},
                         {32, 40, false},
                         {80, 88, true},
                         {0, 24, true},
                         {0, 80, true}}) {
    CAPTURE(row.begin);
    CAPTURE(row.end);
    Fragments table{kSecret};
    CHECK(take(table, piece("198.51.100.7", 1, 16, 32)) == Verdict::fragment_waiting);
    CHECK(take(table, piece("198.51.100.7", 1, 64, 70, false)) == Verdict::fragment_waiting);
    CHECK(take(table, piece("198.51.100.7", 1, row.begin, row.end, row.more)) == Verdict::fragment_overlap);
    CHECK(table.ended(Verdict::fragment_overlap) == 2);
    CHECK(table.waiting() == 0);
    CHECK(take(table, piece("198.51.100.7", 1, 0, 8)) == Verdict::fragment_overlap);
    CHECK(take(table, piece("198.51.100.7", 1, 40, 48)) == Verdict::fragment_overlap);
    CHECK(called(table).empty());
  }
}

TEST_CASE("an end before what was there already is a contradiction") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 64, 80)) == Verdict::fragment_waiting);
  CHECK(take(table, piece("198.51.100.7", 1, 32, 40, false)) == Verdict::fragment_overlap);
}

TEST_CASE("a fragment no sender means is dropped without a trace") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 16, 16)) == Verdict::fragment_malformed);
  CHECK(take(table, piece("198.51.100.7", 1, 16, 29)) == Verdict::fragment_malformed);
  CHECK(take(table, piece("198.51.100.7", 1, 65504, 65516, false)) == Verdict::fragment_malformed);
  CHECK(take(table, piece("2001:db8:7::7", 1, 65528, 65536, false)) == Verdict::fragment_malformed);
  CHECK(table.datagrams() == 0);
  CHECK(take(table, piece("198.51.100.7", 1, 65504, 65515, false)) == Verdict::fragment_waiting);
  CHECK(take(table, piece("2001:db8:7::7", 1, 65528, 65535, false)) == Verdict::fragment_waiting);
}

TEST_CASE("a datagram has so many pieces and no more") {
  Fragments table{kSecret};
  for (uint32_t i = 0; i < Pieces::kMost; ++i) CHECK(take(table, piece("198.51.100.7", 1, i * 8, i * 8 + 8)) == Verdict::pending);
  CHECK(take(table, piece("198.51.100.7", 1, 8, 16)) == Verdict::fragment_duplicate);
  CHECK(take(table, piece("198.51.100.7", 1, 8000, 8008)) == Verdict::fragment_excess);
  CHECK(take(table, piece("198.51.100.7", 1, 9000, 9008, false)) == Verdict::fragment_excess);
}

TEST_CASE("nobody waits longer than the patience, and what comes later waits anew") {
  Fragments table{kSecret};
  constexpr uint32_t kStart = UINT32_MAX - 5;  // the tick wraps on the way
  CHECK(take(table, piece("198.51.100.7", 1, 16, 32), kStart) == Verdict::fragment_waiting);
  CHECK(take(table, piece("198.51.100.7", 2, 0, 16), kStart + 1) == Verdict::pending);
  table.expire(kStart + Fragments::kPatienceTicks - 1, 100);
  CHECK(table.datagrams() == 2);
  table.expire(kStart + Fragments::kPatienceTicks, 100);
  CHECK(table.datagrams() == 1);
  CHECK(table.ended(Verdict::fragment_timeout) == 1);
  // Also when nobody has come round to expire it.
  CHECK(take(table, piece("198.51.100.7", 2, 16, 32), kStart + 1 + Fragments::kPatienceTicks) == Verdict::fragment_waiting);
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16), kStart + 2 + Fragments::kPatienceTicks) == Verdict::pending);
  CHECK(called(table).empty());
}

TEST_CASE("expiry looks at no more datagrams than it may") {
  Fragments table{kSecret};
  for (uint32_t id = 0; id < 10; ++id) CHECK(take(table, piece("198.51.100.7", id, 0, 16)) == Verdict::pending);
  table.expire(1000, 4);
  CHECK(table.datagrams() == 6);
}

TEST_CASE("who sends too much without a first fragment loses his own oldest, and nobody else's") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 16, 32, true, 9)) == Verdict::fragment_waiting);
  for (uint32_t id = 0; id < 10'000; ++id) CHECK(take(table, piece("198.51.100.8", id, 16, 32)) == Verdict::fragment_waiting);
  CHECK(table.waiting() == 1 + Fragments::kSeatsOfSource);
  CHECK(table.ended(Verdict::fragment_no_room) == 10'000 - Fragments::kSeatsOfSource);
  CHECK(take(table, piece("198.51.100.8", 9'935, 0, 16)) == Verdict::pending);
  CHECK(called(table).empty());
  CHECK(take(table, piece("198.51.100.8", 9'999, 0, 16)) == Verdict::pending);
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16)) == Verdict::pending);
  CHECK(called(table) == std::vector<int>{0, 9});
}

TEST_CASE("all of an IPv6 network is one source") {
  Fragments table{kSecret};
  for (int host = 1; host < 200; ++host) {
    CHECK(take(table, piece("2001:db8:7::" + std::to_string(host), 1, 16, 32)) == Verdict::fragment_waiting);
  }
  CHECK(table.waiting() == Fragments::kSeatsOfSource);
}

TEST_CASE("a datagram that wants more seats than one source may have is given up") {
  Fragments table{kSecret};
  for (uint32_t i = 1; i <= Fragments::kSeatsOfSource; ++i) {
    CHECK(take(table, piece("198.51.100.7", 1, i * 8, i * 8 + 8)) == Verdict::fragment_waiting);
  }
  CHECK(take(table, piece("198.51.100.7", 1, 8000, 8008)) == Verdict::fragment_no_room);
  CHECK(table.ended(Verdict::fragment_no_room) == Fragments::kSeatsOfSource);
  CHECK(table.datagrams() == 0);
}

TEST_CASE("a flood from many sources takes no more than there is, and leaves those whose first fragment was there alone") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16)) == Verdict::pending);
  for (int i = 0; i < 10'000; ++i) CHECK(take(table, piece(client(i), 7, 16, 32)) == Verdict::fragment_waiting);
  CHECK(table.waiting() == Fragments::kSeats);
  CHECK(take(table, piece("198.51.100.7", 1, 16, 32)) == Verdict::pending);
}

TEST_CASE("first fragments alone take their source's share, and then the oldest's place") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 0, 16)) == Verdict::pending);
  for (uint32_t id = 0; id < 10'000; ++id) CHECK(take(table, piece("198.51.100.8", id, 0, 16)) == Verdict::pending);
  CHECK(table.datagrams() == 1 + Fragments::kDatagramsOfSource);
  CHECK(take(table, piece("198.51.100.7", 1, 16, 32)) == Verdict::pending);
  for (int i = 0; i < 10'000; ++i) CHECK(take(table, piece(client(i), 7, 0, 16)) == Verdict::pending);
  CHECK(table.datagrams() == Fragments::kDatagrams);
  CHECK(take(table, piece("198.51.100.7", 1, 32, 40)) == Verdict::fragment_waiting);
}

TEST_CASE("more than a batch of fragments is called in several") {
  Fragments table{kSecret};
  for (const uint32_t id : {1U, 2U}) {
    for (uint8_t i = 1; i <= 60; ++i)
      CHECK(take(table, piece(client(static_cast<int>(id)), id, i * 8U, i * 8U + 8, true, i)) == Verdict::fragment_waiting);
  }
  for (const uint32_t id : {1U, 2U}) CHECK(take(table, piece(client(static_cast<int>(id)), id, 0, 8)) == Verdict::pending);
  const std::vector<int> marks = called(table);
  REQUIRE(marks.size() == 120);
  for (int i = 0; i < 120; ++i) CHECK(marks[i] == i % 60 + 1);
}

TEST_CASE("what is too long for a seat does not wait") {
  Fragments table{kSecret};
  CHECK(take(table, piece("198.51.100.7", 1, 16, 16 + 9200)) == Verdict::fragment_no_room);
  CHECK(table.datagrams() == 0);
}
