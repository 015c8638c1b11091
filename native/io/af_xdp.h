// A device on an AF_XDP socket: frames come from the driver by the steering program and go out again from the same memory, uncopied by us.
// Read first: Documentation/networking/af_xdp.rst.
#pragma once

#include <xdp/xsk.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/counter.h"
#include "io/device.h"
#include "io/umem.h"

namespace natlb {

enum class XdpCopy : uint8_t { zero_copy, copy };

// Where every frame of the shared memory is, always: in the pool, with the kernel for receiving, with the kernel for sending, or in a
// packet under way. `with_kernel` is the sum of the second and third; nothing else may happen to a frame.
class AfXdp final : public Device {
 public:
  // All devices of one Umem belong to one worker. At most a ring of frames is with the kernel for receiving and as many for sending, so a
  // Umem with twice the ring for each device never runs dry.
  AfXdp(std::shared_ptr<Umem> umem, const std::string& interface, uint32_t queue, XdpCopy copy);
  ~AfXdp() override;
  AfXdp(const AfXdp&) = delete;
  AfXdp& operator=(const AfXdp&) = delete;

  size_t receive(Batch& batch) noexcept override;
  void transmit(std::span<Packet* const> packets) noexcept override;
  void release(Batch& batch) noexcept override;
  void flush() noexcept override;
  [[nodiscard]] int fd() const noexcept override { return xsk_socket__fd(socket_); }
  [[nodiscard]] bool takes_offload() const noexcept override { return false; }
  [[nodiscard]] const std::string& interface() const noexcept override { return interface_; }
  [[nodiscard]] uint32_t queue() const noexcept override { return queue_; }
  [[nodiscard]] DeviceCounters counters() const noexcept override;

  [[nodiscard]] uint32_t to_receive() const noexcept { return to_receive_; }
  [[nodiscard]] uint32_t to_send() const noexcept { return to_send_; }
  [[nodiscard]] uint32_t with_kernel() const noexcept { return to_receive_ + to_send_; }
  [[nodiscard]] const Umem& umem() const noexcept { return *umem_; }

 private:
  void open(XdpCopy copy);
  void raise_budget() noexcept;
  void fill() noexcept;
  void reclaim() noexcept;
  void kick() noexcept;
  [[nodiscard]] bool wants_kick() const noexcept;
  uint32_t reserve(uint32_t wanted, uint32_t& at) noexcept;
  void refuse(std::span<Packet* const> packets, Verdict verdict) noexcept;
  [[nodiscard]] bool is_sendable(const Packet& packet) const noexcept;
  uint64_t place_in_umem(const Packet& packet) noexcept;
  bool refuse_unsendable(std::span<Packet* const> packets) noexcept;

  std::shared_ptr<Umem> umem_;
  std::string interface_;
  uint32_t queue_;
  uint64_t identity_;  // in the upper bits of each cookie: which device received the frame
  xsk_ring_cons received_ring_{};
  xsk_ring_prod send_ring_{};
  xsk_ring_prod fill_ring_{};
  xsk_ring_cons completion_ring_{};
  xsk_socket* socket_ = nullptr;
  uint32_t to_receive_ = 0;
  uint32_t to_send_ = 0;
  bool pending_ = false;  // the kernel has not been told of everything in the send ring
  bool down_ = false;     // the last kick found the interface down
  Counter received_, received_bytes_, transmitted_, transmitted_bytes_, transmit_full_, transmit_error_;
};

}  // namespace natlb
