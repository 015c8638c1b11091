// Frames of our own for a packet that leaves in pieces. Devices copy what does not stand in their buffers, so the frames are free again as
// soon as they were handed over.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "core/packet.h"

namespace natlb {

class SpareFrames {
 public:
  SpareFrames();

  // How many frames the packet needs beside its own: fewer than a batch.
  [[nodiscard]] static size_t needed(const Packet& packet) noexcept;
  // Makes `packet` the first of its pieces, and appends the others to `to`, which has room for as many as are needed.
  size_t cut(Packet& packet, Packet** to) noexcept;
  // The pieces have been transmitted: a packet fares as the worst of them. All frames are free again.
  void settle() noexcept;

 private:
  static constexpr uint32_t kFrameBytes = 9216;  // a jumbo frame; for a way out that takes more the pieces are smaller than they might be

  static size_t mtu_of(const Packet& packet) noexcept;
  Packet& take(Packet& owner) noexcept;

  std::unique_ptr<uint8_t[]> memory_;
  std::array<Packet, kBatch> packets_;
  std::array<Packet*, kBatch> owners_;
  size_t used_ = 0;
};

}  // namespace natlb
