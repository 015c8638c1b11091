// Pieces of packets, one frame each.
#include "engine/spare_frames.h"

#include <algorithm>
#include <cstring>

#include "core/fragmenting.h"

namespace natlb {

SpareFrames::SpareFrames() : memory_{std::make_unique_for_overwrite<uint8_t[]>(kBatch * kFrameBytes)} {}

size_t SpareFrames::mtu_of(const Packet& packet) noexcept { return std::min<size_t>(packet.fragment_to, kFrameBytes - packet.l3); }

size_t SpareFrames::needed(const Packet& packet) noexcept {
  if (packet.fragment_to == 0) return 0;
  return Cut{packet.frame + packet.l3, mtu_of(packet)}.pieces() - 1;
}

size_t SpareFrames::cut(Packet& packet, Packet** to) noexcept {
  const Cut cut{packet.frame + packet.l3, mtu_of(packet)};
  for (size_t number = 1; number < cut.pieces(); ++number) {
    Packet& piece = take(packet);
    std::memcpy(piece.frame, packet.frame, packet.l3);
    piece.length = static_cast<uint32_t>(packet.l3 + cut.write(number, piece.frame + packet.l3));
    *to++ = &piece;
  }
  packet.length = packet.end = static_cast<uint32_t>(packet.l3 + cut.shorten());
  packet.fragment_to = 0;
  return cut.pieces() - 1;
}

void SpareFrames::settle() noexcept {
  for (size_t i = 0; i < used_; ++i) {
    if (row(packets_[i].verdict).fate == Fate::dropped) owners_[i]->verdict = packets_[i].verdict;
  }
  used_ = 0;
}

Packet& SpareFrames::take(Packet& owner) noexcept {
  Packet& piece = packets_[used_];
  piece = {};
  piece.frame = &memory_[used_ * kFrameBytes];
  piece.capacity = kFrameBytes;
  piece.verdict = owner.verdict;
  piece.device_in = owner.device_in;
  piece.device_out = owner.device_out;
  owners_[used_++] = &owner;
  return piece;
}

}  // namespace natlb
