// What every device must do, whatever is behind it: the same cases over memory, AF_PACKET and AF_XDP. Run by run_device_tests.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstring>

#include "device_lab.h"

using namespace natlb;

namespace {

// Sends in, forwards, and returns what came out at the other end.
std::vector<lab::Bytes> through(lab::Scene& scene, const std::vector<lab::Bytes>& frames, const std::function<void(Packet&)>& change = {}) {
  for (const lab::Bytes& frame : frames) scene.send(frame);
  size_t received = 0;
  while (received < frames.size() && lab::wait(scene.in())) {
    const size_t count = lab::transfer(scene.in(), scene.out(), change).received;
    if (count == 0 && scene.in().fd() < 0) break;
    received += count;
  }
  return scene.collect(frames.size());
}

void receive_one(Device& device, Batch& batch) {
  while (batch.count == 0 && lab::wait(device)) {
    if (device.receive(batch) == 0 && device.fd() < 0) return;
  }
}

}  // namespace

TEST_CASE("frames of every size arrive and leave intact") {
  const auto scene = lab::make_scene();
  for (size_t size = 60; size <= 1514; size += 32) {
    std::vector<lab::Bytes> frames;
    for (size_t next = size; next < size + 32 && next <= 1514; ++next) frames.push_back(lab::udp_frame(next, static_cast<uint32_t>(next)));
    REQUIRE(through(*scene, frames) == frames);
  }
  CHECK(scene->missing_buffers(true) == "");
}

TEST_CASE("a full batch keeps its order, and the rest waits for the next") {
  const auto scene = lab::make_scene();
  std::vector<lab::Bytes> frames;
  for (uint32_t i = 0; i < 100; ++i) frames.push_back(lab::udp_frame(100, i));
  for (const lab::Bytes& frame : frames) scene->send(frame);
  size_t received = 0;
  while (received < 100) {
    REQUIRE(lab::wait(scene->in()));
    const size_t count = lab::transfer(scene->in(), scene->out()).received;
    CHECK(count <= kBatch);
    received += count;
  }
  CHECK(scene->collect(100) == frames);
}

TEST_CASE("a packet tells where it is, and that its fate is open") {
  const auto scene = lab::make_scene();
  const lab::Bytes frame = lab::udp_frame(90);
  scene->send(frame);
  Batch batch;
  batch.packets[0].verdict = Verdict::no_route;
  batch.packets[0].taken = true;
  receive_one(scene->in(), batch);
  REQUIRE(batch.count == 1);
  const Packet& packet = batch.packets[0];
  CHECK(std::memcmp(packet.frame, frame.data(), frame.size()) == 0);
  CHECK(packet.length == 90);
  CHECK(packet.capacity >= 14 + 1280);  // an ICMPv6 error is built in place
  CHECK(packet.verdict == Verdict::pending);
  CHECK_FALSE(packet.taken);
  CHECK(packet.offload.gso_type == 0);
  CHECK(packet.offload.checksum == (lab::is_af_xdp() ? Checksum::unknown : Checksum::complete));
  scene->in().release(batch);
  CHECK(scene->missing_buffers(true) == "");
}

TEST_CASE("a frame may be rewritten and grow in place") {
  const auto scene = lab::make_scene();
  const lab::Bytes grown = lab::udp_frame(1294, 3);
  const auto grow = [&](Packet& packet) {
    std::memcpy(packet.frame, grown.data(), grown.size());
    packet.length = static_cast<uint32_t>(grown.size());
  };
  CHECK(through(*scene, {lab::udp_frame(60)}, grow) == std::vector<lab::Bytes>{grown});
}

TEST_CASE("a frame may leave by the device it came in on") {
  const auto scene = lab::make_scene();
  scene->send(lab::udp_frame(200));
  REQUIRE(lab::wait(scene->in()));
  const auto before = scene->in().counters().transmitted;
  CHECK(lab::transfer(scene->in(), scene->in()).refused == 0);
  CHECK(scene->in().counters().transmitted == before + 1);
  CHECK(scene->missing_buffers(true) == "");
}

TEST_CASE("a frame that no device received is sent as well") {
  const auto scene = lab::make_scene();
  lab::Bytes frame = lab::udp_frame(400);
  Packet packet{};
  packet.frame = frame.data();
  packet.length = 400;
  Packet* const packets[] = {&packet};
  scene->out().transmit(packets);
  scene->out().flush();
  CHECK(packet.verdict == Verdict::pending);
  CHECK(scene->collect(1) == std::vector<lab::Bytes>{frame});
  scene->out().flush();
  CHECK(scene->missing_buffers(true) == "");
}

TEST_CASE("a packet that cannot be sent does not keep the others") {
  const auto scene = lab::make_scene();
  scene->send(lab::udp_frame(100, 1));
  scene->send(lab::udp_frame(100, 2));
  scene->send(lab::udp_frame(100, 3));
  size_t number = 0, refused = 0;
  const auto spoil_second = [&](Packet& packet) {
    if (++number == 2) packet.length = lab::mode() == "memory" ? 70000 : 0;
  };
  while (number < 3 && lab::wait(scene->in())) refused += lab::transfer(scene->in(), scene->out(), spoil_second).refused;
  CHECK(refused == 1);
  CHECK(scene->collect(2) == std::vector<lab::Bytes>{lab::udp_frame(100, 1), lab::udp_frame(100, 3)});
  CHECK(scene->missing_buffers(true) == "");
}

TEST_CASE("packets that are dropped give their buffers back") {
  const auto scene = lab::make_scene();
  for (int round = 0; round < 100; ++round) {
    for (uint32_t i = 0; i < 50; ++i) scene->send(lab::udp_frame(300, i));
    for (size_t received = 0; received < 50;) {
      REQUIRE(lab::wait(scene->in()));
      Batch batch;
      received += scene->in().receive(batch);
      for (Packet& packet : batch) packet.verdict = Verdict::no_service;
      scene->in().release(batch);
      scene->in().flush();
    }
    REQUIRE(scene->missing_buffers(true) == "");
  }
}

TEST_CASE("ten thousand frames pass and every buffer comes back") {
  const auto scene = lab::make_scene();
  for (uint32_t round = 0; round < 200; ++round) {
    std::vector<lab::Bytes> frames;
    for (uint32_t i = 0; i < 50; ++i) frames.push_back(lab::udp_frame(60 + (round * 50 + i) % 1400, round * 50 + i));
    REQUIRE(through(*scene, frames) == frames);
  }
  CHECK(scene->missing_buffers(true) == "");
  CHECK(scene->in().counters().received == 10000);
  CHECK(scene->in().counters().receive_lost == 0);
  CHECK(scene->out().counters().transmitted == 10000);
  CHECK(scene->in().counters().received_bytes == scene->out().counters().transmitted_bytes);
}

TEST_CASE("with nothing there, nothing happens") {
  const auto scene = lab::make_scene();
  for (int i = 0; i < 1000; ++i) CHECK(lab::transfer(scene->in(), scene->out()).received == 0);
  scene->in().transmit({});
  CHECK(scene->missing_buffers(true) == "");
}
