// What a watcher sees of packets, and what not.
#include <doctest/doctest.h>

#include <array>
#include <memory>

#include "engine/trace_ring.h"

using namespace natlb;

namespace {

struct Watched {
  std::unique_ptr<TraceRing> ring = std::make_unique<TraceRing>();
  std::array<std::array<uint8_t, 300>, kBatch> frames{};
  Batch batch;

  explicit Watched(size_t packets) {
    batch.count = packets;
    for (size_t i = 0; i < packets; ++i) {
      frames[i].fill(static_cast<uint8_t>(i));
      Packet packet{};
      packet.frame = frames[i].data();
      packet.length = 300;
      packet.device_in = 1;
      packet.device_out = 0;
      batch.packets[i] = packet;
    }
  }

  void forward(Verdict verdict) {
    ring->note(batch);
    for (Packet& packet : batch) {
      packet.verdict = verdict;
      packet.frame[0] = 0xee;
    }
    ring->record(batch);
  }
};

VerdictSet only(Verdict verdict) {
  VerdictSet set;
  set.set(static_cast<size_t>(verdict));
  return set;
}

}  // namespace

TEST_CASE("a packet that leaves is seen as it came and as it left, one that is dropped as it came") {
  Watched watched{1};
  watched.ring->watch(VerdictSet{}.set());
  watched.forward(Verdict::forwarded);
  TracedPacket came{}, left{}, none{};
  REQUIRE(watched.ring->pop(came));
  REQUIRE(watched.ring->pop(left));
  CHECK(((came.leaving ? 1 : 0) + came.device) == 1);
  CHECK(came.bytes[0] == 0);
  CHECK((left.leaving && left.device == 0 && left.bytes[0] == 0xee));
  CHECK((came.length == 300 && came.captured == TracedPacket::kBytes));
  watched.forward(Verdict::no_flow);
  REQUIRE(watched.ring->pop(came));
  CHECK(came.verdict == Verdict::no_flow);
  CHECK_FALSE(watched.ring->pop(none));
}

TEST_CASE("only verdicts that are watched are seen") {
  Watched watched{2};
  watched.ring->watch(only(Verdict::no_route));
  watched.forward(Verdict::forwarded);
  TracedPacket packet{};
  CHECK_FALSE(watched.ring->pop(packet));
  watched.forward(Verdict::no_route);
  CHECK(watched.ring->pop(packet));
}

TEST_CASE("what comes faster than it is read is counted, and what was kept is whole") {
  Watched watched{kBatch};
  watched.ring->watch(only(Verdict::no_flow));
  for (int i = 0; i < 65; ++i) watched.forward(Verdict::no_flow);
  uint32_t read = 0;
  for (TracedPacket packet{}; watched.ring->pop(packet);) ++read;
  CHECK(read == 4096);
  CHECK(watched.ring->take_lost() == 64);
  CHECK(watched.ring->take_lost() == 0);
}

TEST_CASE("nobody who watches sees nothing") {
  Watched watched{1};
  CHECK_FALSE(watched.ring->is_watched());
  TracedPacket packet{};
  CHECK_FALSE(watched.ring->pop(packet));
  watched.ring->watch(VerdictSet{}.set());
  CHECK(watched.ring->is_watched());
  watched.ring->leave();
  CHECK_FALSE(watched.ring->is_watched());
}
