// One call for each device that has something to send.
#include "engine/transmit.h"

#include <array>

#include "core/stages.h"

namespace natlb {

namespace {

bool leaves(const Packet& packet) noexcept { return row(packet.verdict).fate != Fate::dropped; }

// What a local sender left to a NIC must be done before a device that cannot pass it on.
void finish(Packet& packet, const Device& device) noexcept {
  if (device.takes_offload()) return;
  if (packet.offload.gso_type != 0) {
    packet.verdict = Verdict::device_down;
  } else if (packet.offload.checksum == Checksum::partial) {
    complete_checksum(packet);
  }
}

}  // namespace

void transmit(Batch& batch, std::span<Device* const> devices) noexcept {
  std::array<Packet*, kBatch> leaving;
  for (size_t out = 0; out < devices.size(); ++out) {
    size_t count = 0;
    for (Packet& packet : batch) {
      if (!leaves(packet) || packet.device_out != out) continue;
      finish(packet, *devices[out]);
      if (leaves(packet)) leaving[count++] = &packet;
    }
    if (count > 0) devices[out]->transmit({leaving.data(), count});
  }
}

}  // namespace natlb
