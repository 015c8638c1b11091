// Packets whose next hop is not known yet: they go on when it is, in their order, or end after a second.
#include <doctest/doctest.h>

#include <vector>

#include "engine/waiting_room.h"
#include "scene.h"

using namespace natlb;

namespace {

struct Kernel {
  explicit Kernel(const std::vector<Neighbour>& known)
      : routes{scene::interfaces(), scene::routes(), known}, view{nullptr, &routes, {0, 1}, {0, 1}} {}
  Routes routes;
  View view;
};

// As route leaves a packet to 10.11.12.1 whose MAC nobody knows.
void add_waiting(Batch& batch, std::vector<uint8_t>& frame) {
  frame = scene::from_client(scene::endpoint("198.51.100.7", 5000), kTcp, tcp::kSyn);
  std::memcpy(frame.data() + kEthernetHeader + ipv4::kTarget, scene::address("10.11.12.1").wire(), 4);
  Packet packet = scene::Scene::packet(frame.data(), frame.size(), frame.size(), scene::kPublic);
  packet.is_v4 = true;
  packet.l3 = kEthernetHeader;
  packet.verdict = Verdict::no_neighbour;
  packet.outcome = Verdict::forwarded;
  batch.packets[batch.count++] = packet;
}

}  // namespace

TEST_CASE("a packet waits until its neighbour is known, and then leaves with its MAC") {
  WaitingRoom room;
  Kernel ignorant{{}}, knowing{scene::neighbours()};
  Batch batch, called;
  Missing missing;
  std::vector<uint8_t> frame;
  add_waiting(batch, frame);
  const std::vector<uint8_t> sent = frame;
  room.admit(batch, 100);
  CHECK(batch.packets[0].verdict == Verdict::pending);
  std::fill(frame.begin(), frame.end(), 0);  // the device has its buffer back
  room.call(called, ignorant.view, 101, missing);
  CHECK(called.count == 0);
  CHECK(missing.count == 1);
  room.call(called, knowing.view, 102, missing);
  REQUIRE(called.count == 1);
  CHECK(called.packets[0].verdict == Verdict::forwarded);
  CHECK(called.packets[0].device_out == scene::kPrivate);
  CHECK(std::memcmp(called.packets[0].frame, scene::kServerMac.bytes, 6) == 0);
  CHECK(std::memcmp(called.packets[0].frame + kEthernetHeader, sent.data() + kEthernetHeader, sent.size() - kEthernetHeader) == 0);
  CHECK(room.empty());
}

TEST_CASE("a packet waits no longer than a second") {
  WaitingRoom room;
  Kernel ignorant{{}};
  Batch batch, called;
  Missing missing;
  std::vector<uint8_t> frame;
  add_waiting(batch, frame);
  room.admit(batch, 100);
  room.call(called, ignorant.view, 100 + kTicksPerSecond - 1, missing);
  CHECK(called.count == 0);
  room.call(called, ignorant.view, 100 + kTicksPerSecond, missing);
  REQUIRE(called.count == 1);
  CHECK(called.packets[0].verdict == Verdict::no_neighbour);
  CHECK(room.empty());
}

TEST_CASE("who finds no seat, or is too large for one, keeps its verdict") {
  WaitingRoom room;
  Batch full, batch;
  std::vector<std::vector<uint8_t>> frames(kBatch + 2);
  for (size_t i = 0; i < kBatch; ++i) add_waiting(full, frames[i]);
  room.admit(full, 0);
  for (const Packet& packet : full) CHECK(packet.verdict == Verdict::pending);
  add_waiting(batch, frames[kBatch]);
  room.admit(batch, 0);
  CHECK(batch.packets[0].verdict == Verdict::no_neighbour);
  WaitingRoom other;
  batch.packets[0].length = 9000;
  other.admit(batch, 0);
  CHECK(batch.packets[0].verdict == Verdict::no_neighbour);
}
