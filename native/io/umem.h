// The packet memory that all AF_XDP sockets of a worker share, and the pool of its frames that neither the kernel nor a packet uses now.
#pragma once

#include <xdp/xsk.h>

#include <cstdint>
#include <span>
#include <vector>

#include "io/owned.h"

namespace natlb {

// A frame is named by the offset of its first byte in the memory. One thread only.
class Umem {
 public:
  static constexpr uint32_t kFrameSize = 4096;

  // `ring` is the size of the fill and completion ring of each socket, a power of two.
  Umem(uint32_t frames, uint32_t ring);
  ~Umem();
  Umem(const Umem&) = delete;
  Umem& operator=(const Umem&) = delete;

  // Last in, first out: the frame given back last is the one still in cache.
  [[nodiscard]] uint64_t take() noexcept { return pool_[--pooled_]; }
  void give(uint64_t place) noexcept { pool_[pooled_++] = frame_of(place); }

  [[nodiscard]] uint8_t* at(uint64_t place) const noexcept { return memory_.data() + place; }
  [[nodiscard]] uint64_t place_of(const uint8_t* byte) const noexcept { return static_cast<uint64_t>(byte - memory_.data()); }
  [[nodiscard]] bool holds(const uint8_t* byte) const noexcept { return memory_.holds(byte); }
  static uint64_t frame_of(uint64_t place) noexcept { return place & ~uint64_t{kFrameSize - 1}; }
  // Bytes from here to the end of the frame.
  static uint32_t room_at(uint64_t place) noexcept { return kFrameSize - static_cast<uint32_t>(place & (kFrameSize - 1)); }

  [[nodiscard]] std::span<const uint64_t> pool() const noexcept { return {pool_.data(), pooled_}; }
  [[nodiscard]] uint32_t pooled() const noexcept { return pooled_; }
  [[nodiscard]] uint32_t ring() const noexcept { return ring_; }
  [[nodiscard]] uint32_t frames() const noexcept { return static_cast<uint32_t>(pool_.size()); }
  [[nodiscard]] xsk_umem* handle() const noexcept { return handle_; }

 private:
  Mapping memory_;
  std::vector<uint64_t> pool_;
  uint32_t pooled_;
  uint32_t ring_;
  xsk_umem* handle_ = nullptr;
  // libxdp makes the first socket's rings here and copies them when that socket is created.
  xsk_ring_prod first_fill_{};
  xsk_ring_cons first_completion_{};
};

}  // namespace natlb
