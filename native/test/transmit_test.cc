// Packets that are too large for their way out leave in pieces, between those that are not, whatever room the device has.
#include <doctest/doctest.h>

#include <vector>

#include "engine/transmit.h"
#include "io/memory.h"
#include "scene.h"

using namespace natlb;

namespace {

// An IPv4 packet of 1400 bytes without DF, as route leaves it; its identification tells it from others.
struct Large {
  explicit Large(uint16_t id) {
    frame = scene::frame(scene::kPublicMac, {scene::endpoint("198.51.100.7", 5000), scene::endpoint("10.11.12.1", 80), kUdp, 0, 63,
                                             std::vector<uint8_t>(1400 - kIPv4Header - kUdpHeader, 0x55)});
    store16(&frame[kEthernetHeader + ipv4::kId], to_wire(id));
    store16(&frame[kEthernetHeader + ipv4::kFragmentOffset], 0);
  }
  std::vector<uint8_t> frame;
};

void fill(Batch& batch, std::vector<Large>& large, size_t count, uint32_t mtu) {
  for (size_t i = 0; i < count; ++i) large.emplace_back(static_cast<uint16_t>(i));
  batch.count = 0;
  for (Large& one : large) {
    Packet& packet = batch.packets[batch.count++];
    packet = scene::Scene::packet(one.frame.data(), one.frame.size(), one.frame.size(), 0);
    packet.is_v4 = true;
    packet.l3 = kEthernetHeader;
    packet.end = packet.length;
    packet.verdict = Verdict::forwarded;
    packet.fragment_to = mtu;
  }
}

}  // namespace

TEST_CASE("a batch of packets in three pieces each leaves whole and in order, though there are fewer spare frames") {
  Memory device{"eth0"};
  Device* devices[] = {&device};
  SpareFrames spares;
  Batch batch;
  std::vector<Large> large;
  fill(batch, large, kBatch, 516);
  transmit(batch, devices, spares);
  Memory::Frame frame;
  for (uint16_t id = 0; id < kBatch; ++id) {
    for (const uint16_t offset : {0, 62, 124}) {
      REQUIRE(device.pop(frame));
      const uint8_t* ip = frame.bytes.data() + kEthernetHeader;
      CHECK(host16(ip + ipv4::kId) == id);
      CHECK((host16(ip + ipv4::kFragmentOffset) & ipv4::kOffsetMask) == offset);
      CHECK(frame.bytes.size() == kEthernetHeader + host16(ip + ipv4::kTotalLength));
      CHECK(std::memcmp(frame.bytes.data(), scene::kPublicMac.bytes, 6) == 0);
    }
  }
  CHECK_FALSE(device.pop(frame));
  for (const Packet& packet : batch) CHECK(packet.verdict == Verdict::forwarded);
}

TEST_CASE("a packet in as many pieces as a batch has places leaves between others") {
  Memory device{"eth0"};
  Device* devices[] = {&device};
  SpareFrames spares;
  Batch batch;
  std::vector<Large> large;
  fill(batch, large, 3, 44);  // 58 pieces of 24 bytes
  transmit(batch, devices, spares);
  Memory::Frame frame;
  for (size_t i = 0; i < 3 * 58; ++i) CHECK(device.pop(frame));
  CHECK_FALSE(device.pop(frame));
}

TEST_CASE("a packet of which a piece found no room is not counted as sent") {
  Memory device{"eth0"};
  device.set_transmit_room(4);
  Device* devices[] = {&device};
  SpareFrames spares;
  Batch batch;
  std::vector<Large> large;
  fill(batch, large, 2, 516);
  transmit(batch, devices, spares);
  CHECK(batch.packets[0].verdict == Verdict::forwarded);
  CHECK(batch.packets[1].verdict == Verdict::transmit_full);
}
