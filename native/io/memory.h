// A device without a kernel: tests and `explain` push frames in and pop out what was transmitted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/counter.h"
#include "io/device.h"

namespace natlb {

class Memory final : public Device {
 public:
  struct Frame {
    std::vector<uint8_t> bytes;
    Offload offload;
  };

  // Room for `frames` each way, every one with `capacity` bytes; super-packets need some 66 000.
  explicit Memory(std::string interface, size_t frames = 1024, size_t capacity = 2048);

  // Both false when the frame does not fit: no room left, or too long.
  bool push(std::span<const uint8_t> bytes, const Offload& offload = {}) noexcept;
  bool push(const Frame& frame) noexcept { return push(frame.bytes, frame.offload); }
  // The oldest frame transmitted; false when there is none.
  bool pop(Frame& frame);
  // A full ring on purpose: transmit takes only so many frames until they are popped.
  void set_transmit_room(size_t frames) noexcept { outbound_.room = frames; }
  void set_takes_offload(bool takes) noexcept { takes_offload_ = takes; }
  // Frames that were received and not released.
  [[nodiscard]] size_t held() const noexcept { return received_ - inbound_.first; }

  size_t receive(Batch& batch) noexcept override;
  void transmit(std::span<Packet* const> packets) noexcept override;
  void release(Batch& batch) noexcept override;
  [[nodiscard]] int fd() const noexcept override { return -1; }
  [[nodiscard]] bool takes_offload() const noexcept override { return takes_offload_; }
  [[nodiscard]] const std::string& interface() const noexcept override { return interface_; }
  [[nodiscard]] uint32_t queue() const noexcept override { return 0; }
  [[nodiscard]] DeviceCounters counters() const noexcept override;

 private:
  struct Slot {
    std::vector<uint8_t> bytes;
    uint32_t length = 0;
    Offload offload;
  };
  struct Ring {
    Ring(size_t frames, size_t capacity);
    Slot* append(const uint8_t* bytes, size_t length, const Offload& offload) noexcept;
    [[nodiscard]] Slot& at(size_t position) noexcept { return slots[position % slots.size()]; }
    [[nodiscard]] bool owns(const void* slot) const noexcept;

    std::vector<Slot> slots;
    size_t room;
    size_t first = 0;  // positions only grow
    size_t behind_last = 0;
  };
  void send(Packet& packet) noexcept;

  std::string interface_;
  Ring inbound_;
  Ring outbound_;
  size_t received_ = 0;  // position in inbound_
  bool takes_offload_ = true;
  Counter received_packets_, received_bytes_, transmitted_, transmitted_bytes_, transmit_full_;
};

}  // namespace natlb
