// One call for each device that has something to send.
#include "engine/transmit.h"

#include <array>

#include "core/stages.h"

namespace natlb {

namespace {

bool leaves(const Packet& packet) noexcept { return row(packet.verdict).fate != Fate::dropped; }

// What a local sender left to a NIC must be done before a device that cannot pass it on, and before the packet is cut.
void finish(Packet& packet, const Device& device) noexcept {
  if (device.takes_offload() && packet.fragment_to == 0) return;
  if (packet.offload.gso_type != 0) {
    packet.verdict = Verdict::device_down;
  } else if (packet.offload.checksum == Checksum::partial) {
    complete_checksum(packet);
  }
}

// What goes to one device, in its order, as few calls as that makes.
class Leaving {
 public:
  Leaving(Device& device, SpareFrames& spares) noexcept : device_{device}, spares_{spares} {}

  void add(Packet& packet) noexcept {
    const size_t more = SpareFrames::needed(packet);
    if (count_ + 1 + more > kBatch) flush();
    packets_[count_++] = &packet;
    if (more > 0) count_ += spares_.cut(packet, &packets_[count_]);
  }
  void flush() noexcept {
    if (count_ > 0) device_.transmit({packets_.data(), count_});
    count_ = 0;
    spares_.settle();
  }

 private:
  Device& device_;
  SpareFrames& spares_;
  std::array<Packet*, kBatch> packets_;
  size_t count_ = 0;
};

}  // namespace

void transmit(Batch& batch, std::span<Device* const> devices, SpareFrames& spares) noexcept {
  for (size_t out = 0; out < devices.size(); ++out) {
    Leaving leaving{*devices[out], spares};
    for (Packet& packet : batch) {
      if (!leaves(packet) || packet.device_out != out) continue;
      finish(packet, *devices[out]);
      if (leaves(packet)) leaving.add(packet);
    }
    leaving.flush();
  }
}

}  // namespace natlb
