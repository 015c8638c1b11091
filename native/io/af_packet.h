// A device on an AF_PACKET socket: works on every interface, and carries super-packets and partial checksums as the kernel has them.
// Read first: packet(7), Documentation/networking/packet_mmap.rst.
#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>

#include "core/counter.h"
#include "io/device.h"
#include "io/owned.h"

namespace natlb {

// virtio_net_hdr of <linux/virtio_net.h>, which C++ cannot always include (a member of another struct there is called "class").
struct OffloadHeader {
  uint8_t flags;
  uint8_t gso_type;
  uint16_t header_length;
  uint16_t gso_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
};
static_assert(sizeof(OffloadHeader) == 10);

// Ordinary frames arrive in a ring of slots just large enough for the MTU, without a system call and dense in cache. A super-packet does
// not fit its slot: the kernel queues it whole on the socket as well (PACKET_COPY_THRESH) and one recvmsg fetches it.
class AfPacket final : public Device {
 public:
  // `packet_filter` as from Steering::packet_filter_fd.
  AfPacket(const std::string& interface, int packet_filter);

  size_t receive(Batch& batch) noexcept override;
  void transmit(std::span<Packet* const> packets) noexcept override;
  void release(Batch& batch) noexcept override;
  [[nodiscard]] int fd() const noexcept override { return receiver_.get(); }
  [[nodiscard]] bool takes_offload() const noexcept override { return true; }
  [[nodiscard]] const std::string& interface() const noexcept override { return interface_; }
  [[nodiscard]] uint32_t queue() const noexcept override { return 0; }
  [[nodiscard]] DeviceCounters counters() const noexcept override;
  // Ring slots and large buffers that packets under way occupy.
  [[nodiscard]] size_t held() const noexcept { return slots_held_ + large_.size() - large_free_; }

 private:
  // A message of sendmmsg: the offload header, then the frame.
  struct Outgoing {
    OffloadHeader offload;
    iovec parts[2];
  };
  // Returns how many bytes of ring there are to map.
  size_t open_receiver(int packet_filter);
  void open_sender();
  [[nodiscard]] tpacket2_hdr* slot(uint32_t number) const noexcept;
  bool take(tpacket2_hdr* slot, uint32_t status, Packet& packet) noexcept;
  bool take_small(tpacket2_hdr* slot, Packet& packet) noexcept;
  bool take_large(Packet& packet) noexcept;
  void give_back(tpacket2_hdr* slot) noexcept;
  void after_empty() noexcept;
  void count_lost() noexcept;
  void prepare(const Packet& packet, size_t at) noexcept;
  void send(std::span<Packet* const> packets) noexcept;
  size_t refuse(std::span<Packet* const> packets, int error) noexcept;

  std::string interface_;
  uint32_t index_;
  uint32_t slot_size_;
  uint32_t slots_;
  FileDescriptor receiver_;
  FileDescriptor sender_;
  Mapping ring_;
  Mapping large_memory_;
  uint32_t next_slot_ = 0;
  uint32_t slots_held_ = 0;
  uint32_t empty_ = 0;                  // rounds without a frame
  std::array<uint8_t*, kBatch> large_;  // the first large_free_ are free
  size_t large_free_ = kBatch;
  std::array<Outgoing, kBatch> outgoing_;
  std::array<mmsghdr, kBatch> messages_;
  Counter received_, received_bytes_, transmitted_, transmitted_bytes_, transmit_full_, transmit_error_, lost_;
};

}  // namespace natlb
