// Fuzzes forward(): any bytes as frames, into a pipeline with flows in every state. Whatever comes, each packet must get one verdict and
// stay in its buffer. An input is a sequence of (device and kind, length high, length low, bytes).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "test/scene.h"

using namespace natlb;

namespace {

constexpr size_t kCapacity = 2048;
constexpr uint8_t kPrivateBit = 1, kUnknownBit = 2, kPartialBit = 4, kRoomBit = 8, kHelpBit = 16;

void open_flows(scene::Scene& router) {
  for (const uint8_t protocol : {kTcp, kUdp}) {
    for (const char* client : {"198.51.100.7", "2001:db8:7::7"}) {
      std::vector<uint8_t> bytes = scene::from_client(scene::endpoint(client, 1024), protocol, tcp::kSyn);
      Batch batch;
      batch.packets[0] = scene::Scene::packet(bytes.data(), bytes.size(), bytes.size(), scene::kPublic);
      batch.count = 1;
      router.forward(batch);
    }
  }
}

// The checksum of a frame whose sender left it to the NIC: where it starts and stands comes from the frame, as from any virtio header.
Offload offload_of(uint8_t kind, const uint8_t* bytes, size_t length) {
  Offload offload;
  if (kind & kUnknownBit) offload.checksum = Checksum::unknown;
  if ((kind & kPartialBit) && length >= kEthernetHeader) {
    offload.checksum = Checksum::partial;
    // From the source's MAC, which is nobody's business; the target's is always the same in frames that get any further.
    offload.checksum_start = bytes[6];
    offload.checksum_offset = bytes[7];
  }
  return offload;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check(const Packet& packet) {
  require(packet.verdict > Verdict::pending && packet.verdict < Verdict::count, "every packet has a verdict");
  require(packet.length <= packet.capacity, "a packet stays in its buffer");
  if (row(packet.verdict).fate != Fate::dropped) require(packet.device_out <= scene::kPrivate, "what leaves has a device");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  scene::Scene router(64, size > 0 && (data[0] & kHelpBit) != 0);  // of the first packet: whether FTP is read
  open_flows(router);
  auto batch = std::make_unique<Batch>();
  std::vector<std::unique_ptr<uint8_t[]>> buffers;
  while (size >= 3 && batch->count < kBatch) {
    const uint8_t kind = data[0];
    const size_t wanted = static_cast<size_t>(data[1]) << 8 | data[2];
    const size_t length = std::min({wanted, size - 3, kCapacity});
    // Without room to grow the buffer ends with the frame, so that one byte too far is seen.
    const size_t capacity = kind & kRoomBit ? kCapacity : length;
    buffers.push_back(std::make_unique<uint8_t[]>(capacity));
    std::memcpy(buffers.back().get(), data + 3, length);
    Packet& packet = batch->packets[batch->count++];
    packet = scene::Scene::packet(buffers.back().get(), length, capacity, kind & kPrivateBit ? scene::kPrivate : scene::kPublic);
    packet.offload = offload_of(kind, data + 3, length);
    data += 3 + length;
    size -= 3 + length;
  }
  router.forward(*batch, 1);
  for (const Packet& packet : *batch) check(packet);
  return 0;
}
