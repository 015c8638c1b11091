// A device on an AF_PACKET socket: works on every interface, and carries super-packets and partial checksums as the kernel has them.
#include "io/af_packet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "io/link.h"

namespace natlb {
namespace {

constexpr uint32_t kRingBytes = 8 << 20;
constexpr uint32_t kBlockBytes = 1 << 18;
constexpr uint32_t kSmallestSlot = 2048;  // room enough to build an ICMPv6 error of 1280 bytes in place
constexpr uint32_t kLargestSlot = 16384;  // behind that slots are too few
constexpr uint32_t kSlotHead = 128;       // more than tpacket2_hdr, sockaddr_ll, OffloadHeader and a VLAN tag
constexpr uint32_t kTag = 4;              // a VLAN tag
constexpr uint32_t kLargeFrame = 65536 + ETH_HLEN;
constexpr uint32_t kLargeBuffer = 68 * 1024;
constexpr int kSocketBuffer = 32 << 20;  // some hundred super-packets
constexpr uint8_t kNeedsChecksum = 1;    // VIRTIO_NET_HDR_F_NEEDS_CSUM
constexpr uint32_t kEmptyRounds = 256;

uint32_t slot_size_for(const std::string& interface) {
  const uint32_t needed = kSlotHead + ETH_HLEN + link_mtu(interface);
  return std::clamp(std::bit_ceil(needed), kSmallestSlot, kLargestSlot);
}

template <typename Value>
void set(const FileDescriptor& socket, int level, int option, const Value& value, const std::string& doing) {
  check(::setsockopt(socket.get(), level, option, &value, sizeof value), doing);
}

FileDescriptor open_socket(const std::string& interface) {
  FileDescriptor socket{check(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a packet socket")};
  set(socket, SOL_PACKET, PACKET_VNET_HDR, 1, "have offload headers on " + interface);
  return socket;
}

void bind_to(const FileDescriptor& socket, uint32_t index, uint16_t protocol, const std::string& interface) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = static_cast<int>(index);
  check(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind a packet socket to " + interface);
}

// The larger, privileged form first; what the kernel then allows is good enough.
void set_buffer(const FileDescriptor& socket, int forced, int ordinary) {
  if (::setsockopt(socket.get(), SOL_SOCKET, forced, &kSocketBuffer, sizeof kSocketBuffer) == 0) return;
  ::setsockopt(socket.get(), SOL_SOCKET, ordinary, &kSocketBuffer, sizeof kSocketBuffer);
}

Offload offload_of(const OffloadHeader& header) noexcept {
  Offload offload;
  offload.gso_type = header.gso_type;
  if (header.gso_type != 0) {
    offload.gso_size = header.gso_size;
    offload.header_length = header.header_length;
  }
  if (header.flags & kNeedsChecksum) {
    offload.checksum = Checksum::partial;
    offload.checksum_start = header.checksum_start;
    offload.checksum_offset = header.checksum_offset;
  }
  return offload;
}

OffloadHeader header_of(const Packet& packet) noexcept {
  const Offload& offload = packet.offload;
  OffloadHeader header{};
  if (offload.checksum == Checksum::partial) {
    header.flags = kNeedsChecksum;
    header.checksum_start = offload.checksum_start;
    header.checksum_offset = offload.checksum_offset;
  }
  if (offload.gso_type != 0) {
    header.gso_type = offload.gso_type;
    header.gso_size = offload.gso_size;
    header.header_length = static_cast<uint16_t>(std::min<uint32_t>(offload.header_length, packet.length));
  }
  return header;
}

// The kernel has moved the tag out of the frame: without it the frame would look untagged.
void put_tag_back(const tpacket2_hdr& slot, Packet& packet) noexcept {
  const uint16_t tpid = slot.tp_status & TP_STATUS_VLAN_TPID_VALID ? slot.tp_vlan_tpid : uint16_t{ETH_P_8021Q};
  packet.frame -= kTag;
  std::memmove(packet.frame, packet.frame + kTag, 2 * ETH_ALEN);
  const uint16_t tag[2] = {htons(tpid), htons(slot.tp_vlan_tci)};
  std::memcpy(packet.frame + 2 * ETH_ALEN, tag, sizeof tag);
  packet.length += kTag;
  packet.capacity += kTag;
  if (packet.offload.checksum == Checksum::partial) packet.offload.checksum_start += kTag;
}

}  // namespace

AfPacket::AfPacket(const std::string& interface, int packet_filter)
    : interface_{interface},
      index_{link_index(interface)},
      slot_size_{slot_size_for(interface)},
      slots_{kRingBytes / slot_size_},
      receiver_{open_socket(interface)},
      sender_{open_socket(interface)},
      ring_{open_receiver(packet_filter), receiver_.get(), "map the packet ring of " + interface},
      large_memory_{kBatch * kLargeBuffer, -1, "have memory for super-packets of " + interface} {
  open_sender();
  for (size_t i = 0; i < kBatch; ++i) large_[i] = large_memory_.data() + i * kLargeBuffer;
  bind_to(receiver_, index_, ETH_P_ALL, interface_);
}

// Everything is set before the socket is bound, so no frame comes in that the filter has not seen.
size_t AfPacket::open_receiver(int packet_filter) {
  set(receiver_, SOL_SOCKET, SO_ATTACH_BPF, packet_filter, "put the packet filter on " + interface_);
  set(receiver_, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "ignore outgoing packets of " + interface_);
  set(receiver_, SOL_PACKET, PACKET_VERSION, int{TPACKET_V2}, "have packet ring version 2 on " + interface_);
  set(receiver_, SOL_PACKET, PACKET_COPY_THRESH, 1, "have super-packets queued on " + interface_);
  set_buffer(receiver_, SO_RCVBUFFORCE, SO_RCVBUF);
  const tpacket_req ring{
      .tp_block_size = kBlockBytes, .tp_block_nr = kRingBytes / kBlockBytes, .tp_frame_size = slot_size_, .tp_frame_nr = slots_};
  set(receiver_, SOL_PACKET, PACKET_RX_RING, ring, "make a packet ring for " + interface_);
  return kRingBytes;
}

// A socket of its own, bound to no protocol: one that also received would report "network is down" here for what happened there.
void AfPacket::open_sender() {
  set(sender_, SOL_PACKET, PACKET_QDISC_BYPASS, 1, "bypass the queueing discipline of " + interface_);
  set_buffer(sender_, SO_SNDBUFFORCE, SO_SNDBUF);
  bind_to(sender_, index_, 0, interface_);
  for (size_t i = 0; i < kBatch; ++i) {
    outgoing_[i].parts[0] = {&outgoing_[i].offload, sizeof(OffloadHeader)};
    messages_[i] = {};
    messages_[i].msg_hdr.msg_iov = outgoing_[i].parts;
    messages_[i].msg_hdr.msg_iovlen = 2;
  }
}

// Slots are a power of two and so fill blocks without a gap.
tpacket2_hdr* AfPacket::slot(uint32_t number) const noexcept {
  return reinterpret_cast<tpacket2_hdr*>(ring_.data() + size_t{number} * slot_size_);
}

size_t AfPacket::receive(Batch& batch) noexcept {
  const size_t before = batch.count;
  uint64_t bytes = 0;
  // Not beyond a turn of the ring: there slots begin that packets of this batch still occupy.
  for (uint32_t looked = 0; batch.count < kBatch && looked < slots_; ++looked) {
    tpacket2_hdr* slot = this->slot(next_slot_);
    const uint32_t status = std::atomic_ref{slot->tp_status}.load(std::memory_order_acquire);
    if (!(status & TP_STATUS_USER)) break;
    next_slot_ = next_slot_ + 1 == slots_ ? 0 : next_slot_ + 1;
    Packet& packet = batch.packets[batch.count];
    if (!take(slot, status, packet)) continue;
    bytes += packet.length;
    ++batch.count;
  }
  const size_t count = batch.count - before;
  received_.add(count);
  received_bytes_.add(bytes);
  if (count == 0) after_empty();
  return count;
}

bool AfPacket::take(tpacket2_hdr* slot, uint32_t status, Packet& packet) noexcept {
  if (status & TP_STATUS_LOSING) count_lost();
  const bool taken = status & TP_STATUS_COPY ? take_large(packet) : take_small(slot, packet);
  if (taken && status & TP_STATUS_VLAN_VALID) put_tag_back(*slot, packet);
  if (!taken) lost_.add(1);
  if (!taken || status & TP_STATUS_COPY) give_back(slot);
  return taken;
}

// False when the frame did not fit and the socket's buffer had no room for it either.
bool AfPacket::take_small(tpacket2_hdr* slot, Packet& packet) noexcept {
  if (slot->tp_snaplen < slot->tp_len) return false;
  auto* start = reinterpret_cast<uint8_t*>(slot);
  OffloadHeader header;
  std::memcpy(&header, start + slot->tp_mac - sizeof header, sizeof header);
  packet.frame = start + slot->tp_mac;
  packet.length = slot->tp_len;
  packet.capacity = slot_size_ - slot->tp_mac;
  packet.cookie = reinterpret_cast<uintptr_t>(slot);
  packet.offload = offload_of(header);
  packet.verdict = Verdict::pending;
  packet.taken = false;
  ++slots_held_;
  return true;
}

bool AfPacket::take_large(Packet& packet) noexcept {
  if (large_free_ == 0) {
    ::recv(receiver_.get(), nullptr, 0, MSG_DONTWAIT);  // drops the one that belongs to this slot
    return false;
  }
  uint8_t* buffer = large_[large_free_ - 1];
  OffloadHeader header;
  iovec parts[2] = {{&header, sizeof header}, {buffer + kTag, kLargeFrame}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  ssize_t length = ::recvmsg(receiver_.get(), &message, MSG_DONTWAIT);
  // An interface that went down answers once in the queue's place; left there, the frame would come for the next slot's.
  if (length < 0 && errno != EAGAIN) length = ::recvmsg(receiver_.get(), &message, MSG_DONTWAIT);
  if (length < static_cast<ssize_t>(sizeof header + ETH_HLEN) || message.msg_flags & MSG_TRUNC) return false;
  --large_free_;
  packet.frame = buffer + kTag;
  packet.length = static_cast<uint32_t>(length - sizeof header);
  packet.capacity = kLargeBuffer - kTag;
  packet.cookie = reinterpret_cast<uintptr_t>(buffer);
  packet.offload = offload_of(header);
  packet.verdict = Verdict::pending;
  packet.taken = false;
  return true;
}

void AfPacket::release(Batch& batch) noexcept {
  for (const Packet& packet : batch) {
    auto* buffer = reinterpret_cast<uint8_t*>(packet.cookie);
    if (ring_.holds(buffer)) {
      give_back(reinterpret_cast<tpacket2_hdr*>(buffer));
      --slots_held_;
    } else if (large_memory_.holds(buffer)) {
      large_[large_free_++] = buffer;
    }
  }
}

void AfPacket::give_back(tpacket2_hdr* slot) noexcept {
  std::atomic_ref{slot->tp_status}.store(TP_STATUS_KERNEL, std::memory_order_release);
}

// An interface that went down leaves an error on the socket, which keeps poll() from waiting until it is read. Not worth a system call in
// every empty round.
void AfPacket::after_empty() noexcept {
  if (++empty_ % kEmptyRounds != 0) return;
  int error;
  socklen_t size = sizeof error;
  ::getsockopt(receiver_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  count_lost();
}

// Asking resets the kernel's counter.
void AfPacket::count_lost() noexcept {
  tpacket_stats statistics{};
  socklen_t size = sizeof statistics;
  if (::getsockopt(receiver_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0) lost_.add(statistics.tp_drops);
}

void AfPacket::transmit(std::span<Packet* const> packets) noexcept {
  while (!packets.empty()) {
    const auto part = packets.first(std::min(packets.size(), kBatch));
    for (size_t i = 0; i < part.size(); ++i) prepare(*part[i], i);
    send(part);
    packets = packets.subspan(part.size());
  }
}

void AfPacket::prepare(const Packet& packet, size_t at) noexcept {
  outgoing_[at].offload = header_of(packet);
  outgoing_[at].parts[1] = {packet.frame, packet.length};
}

// One system call, and one more behind each packet that is refused for itself.
void AfPacket::send(std::span<Packet* const> packets) noexcept {
  uint64_t bytes = 0;
  size_t sent = 0;
  for (size_t done = 0; done < packets.size();) {
    const int result = ::sendmmsg(sender_.get(), messages_.data() + done, packets.size() - done, MSG_DONTWAIT);
    if (result <= 0) {
      done += refuse(packets.subspan(done), errno);
      continue;
    }
    for (const Packet* packet : packets.subspan(done, result)) bytes += packet->length;
    sent += result;
    done += result;
  }
  transmitted_.add(sent);
  transmitted_bytes_.add(bytes);
}

// Says how many of `packets` are not worth another try: all when the interface is down or full, the first alone when it is to blame.
size_t AfPacket::refuse(std::span<Packet* const> packets, int error) noexcept {
  if (error == EINTR) return 0;
  const bool full = error == EAGAIN || error == ENOBUFS;
  const bool all = full || error == ENETDOWN || error == ENXIO || error == ENODEV;
  const size_t count = all ? packets.size() : 1;
  for (Packet* packet : packets.first(count)) packet->verdict = full ? Verdict::transmit_full : Verdict::device_down;
  (full ? transmit_full_ : transmit_error_).add(count);
  return count;
}

DeviceCounters AfPacket::counters() const noexcept {
  return {.received = received_.get(),
          .received_bytes = received_bytes_.get(),
          .transmitted = transmitted_.get(),
          .transmitted_bytes = transmitted_bytes_.get(),
          .transmit_full = transmit_full_.get(),
          .transmit_error = transmit_error_.get(),
          .receive_lost = lost_.get()};
}

}  // namespace natlb
