// Checksums that a sender left to its NIC. Where they start and stand comes with the frame, and a guest may say what it likes.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "scene.h"

using namespace natlb;

namespace {

// A frame of its own buffer, with room for answers behind it.
struct Sent {
  Sent(const std::vector<uint8_t>& bytes, uint16_t start, uint16_t offset) : frame(bytes) {
    const size_t length = frame.size();
    frame.resize(2048);
    batch->packets[0] = scene::Scene::packet(frame.data(), length, frame.size(), scene::kPublic);
    batch->packets[0].offload.checksum = Checksum::partial;
    batch->packets[0].offload.checksum_start = start;
    batch->packets[0].offload.checksum_offset = offset;
    batch->count = 1;
  }
  Verdict through(scene::Scene& router) {
    router.forward(*batch);
    return batch->packets[0].verdict;
  }
  std::vector<uint8_t> frame;
  std::unique_ptr<Batch> batch = std::make_unique<Batch>();
};

constexpr uint16_t kL4 = kEthernetHeader + kIPv4Header;

std::vector<uint8_t> request(uint8_t protocol, uint8_t ttl) {
  return scene::frame(scene::kPublicMac,
                      {scene::endpoint("198.51.100.7", 5000), scene::endpoint("203.0.113.10", 80), protocol, tcp::kSyn, ttl});
}

}  // namespace

TEST_CASE("a partial checksum that stands where TCP's or UDP's does is taken") {
  for (const uint8_t ttl : {1, 64}) {
    scene::Scene router{64};
    CHECK(Sent{request(kTcp, ttl), kL4, tcp::kChecksum}.through(router) == (ttl > 1 ? Verdict::forwarded : Verdict::answered_ttl_exceeded));
    CHECK(Sent{request(kUdp, ttl), kL4, udp::kChecksum}.through(router) == (ttl > 1 ? Verdict::forwarded : Verdict::answered_ttl_exceeded));
  }
}

TEST_CASE("a partial checksum anywhere else is refused, before anything is written there or summed from there") {
  for (const uint16_t start : {0, 2, kL4 - 2, kL4 + 2, 58, 60, 1400, 2047, 65535}) {
    for (const uint16_t offset : {0, 6, 16, 65535}) {
      CAPTURE(start);
      CAPTURE(offset);
      scene::Scene router{64};
      CHECK(Sent{request(kTcp, 1), start, offset}.through(router) == Verdict::malformed);
      CHECK(Sent{request(kUdp, 1), start, offset}.through(router) == Verdict::malformed);
    }
  }
  scene::Scene router{64};
  CHECK(Sent{request(kTcp, 1), kL4, udp::kChecksum}.through(router) == Verdict::malformed);
  CHECK(Sent{request(kUdp, 1), kL4, tcp::kChecksum}.through(router) == Verdict::malformed);
}
