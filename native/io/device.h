// A device: one queue of one interface. Everything the engine knows of the outside fits in these few functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/packet.h"

namespace natlb {

// All counted in packets since the device was opened. Written by the worker alone, read by anybody.
struct DeviceCounters {
  uint64_t received = 0;
  uint64_t received_bytes = 0;
  uint64_t transmitted = 0;
  uint64_t transmitted_bytes = 0;
  uint64_t transmit_full = 0;   // not sent: no room in the ring or the kernel's queue
  uint64_t transmit_error = 0;  // not sent: the kernel refused
  uint64_t receive_lost = 0;    // lost by the kernel before we saw them: ring or fill ring empty
};

class Device {
 public:
  virtual ~Device() = default;

  // Appends frames that have arrived to `batch` until it is full or nothing is left; returns how many. Never waits.
  virtual size_t receive(Batch& batch) noexcept = 0;

  // Sends `packets`, whose frames may be of any device of the same worker and back end. A packet that cannot be sent gets the verdict
  // transmit_full or device_down. A device that keeps the buffer (AF_XDP with the shared UMEM) sets `taken`.
  virtual void transmit(std::span<Packet* const> packets) noexcept = 0;

  // Gives back the buffers of the packets of `batch` that this device received, except those taken. Called once per batch, last.
  virtual void release(Batch& batch) noexcept = 0;

  // Pushes out what transmit left pending (a kick for AF_XDP) and takes back what the kernel has finished with. Called once per round.
  virtual void flush() noexcept {}

  // For poll(): readable when receive would find something. -1 = never waits (memory).
  [[nodiscard]] virtual int fd() const noexcept = 0;

  // True when transmit accepts frames whose checksum is partial or that are super-packets.
  [[nodiscard]] virtual bool takes_offload() const noexcept = 0;

  [[nodiscard]] virtual const std::string& interface() const noexcept = 0;
  [[nodiscard]] virtual uint32_t queue() const noexcept = 0;
  [[nodiscard]] virtual DeviceCounters counters() const noexcept = 0;
};

}  // namespace natlb
