// A device on an AF_XDP socket: frames come from the driver by the steering program and go out again from the same memory, uncopied by us.
#include "io/af_xdp.h"

#include <linux/if_ether.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "io/link.h"

// Linux 6.17; Debian 12's headers are older.
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

namespace natlb {
namespace {

constexpr int kIdentityShift = 48;
constexpr uint64_t kPlaceMask = (uint64_t{1} << kIdentityShift) - 1;
// In copy mode the kernel sends 32 frames a call where the budget cannot be raised: this empties a ring of 2048.
constexpr int kKicks = 64;
constexpr int kSendBuffer = 8 << 20;

uint64_t next_identity() noexcept {
  static std::atomic<uint64_t> last{0};
  return ++last << kIdentityShift;
}

bool is_retry(int error) noexcept { return error == EAGAIN || error == EBUSY || error == EINTR; }
bool is_down(int error) noexcept { return error == ENETDOWN || error == ENXIO || error == ENODEV; }

}  // namespace

AfXdp::AfXdp(std::shared_ptr<Umem> umem, const std::string& interface, uint32_t queue, XdpCopy copy)
    : umem_{std::move(umem)}, interface_{interface}, queue_{queue}, identity_{next_identity()} {
  link_index(interface);  // for its error, which names the interface
  open(copy);
  raise_budget();
  fill();
}

// Frames that the kernel holds are lost with the socket; the Umem must end with its devices.
AfXdp::~AfXdp() { xsk_socket__delete(socket_); }

// Only the first socket of a Umem says how it wants to be bound; the others follow it.
void AfXdp::open(XdpCopy copy) {
  xsk_socket_config config{};
  config.rx_size = umem_->ring();
  config.tx_size = umem_->ring();
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  config.bind_flags = XDP_USE_NEED_WAKEUP | (copy == XdpCopy::copy ? XDP_COPY : XDP_ZEROCOPY);
  const int result = xsk_socket__create_shared(&socket_, interface_.c_str(), queue_, umem_->handle(), &received_ring_, &send_ring_,
                                               &fill_ring_, &completion_ring_, &config);
  if (result == 0) return;
  throw std::system_error(-result, std::generic_category(),
                          "cannot bind an AF_XDP socket to " + interface_ + " queue " + std::to_string(queue_));
}

// How much one call may send, and how much may be under way. Neither is a condition: kick() copes with what there is.
void AfXdp::raise_budget() noexcept {
  const uint32_t ring = umem_->ring();
  ::setsockopt(fd(), SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &ring, sizeof ring);
  ::setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);
}

size_t AfXdp::receive(Batch& batch) noexcept {
  uint32_t at = 0;
  const uint32_t count = xsk_ring_cons__peek(&received_ring_, kBatch - batch.count, &at);
  if (count == 0) return 0;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const xdp_desc& descriptor = *xsk_ring_cons__rx_desc(&received_ring_, at + i);
    Packet& packet = batch.packets[batch.count++];
    packet.frame = umem_->at(descriptor.addr);
    packet.length = descriptor.len;
    packet.capacity = Umem::room_at(descriptor.addr);
    packet.cookie = identity_ | Umem::frame_of(descriptor.addr);
    packet.offload = {.checksum = Checksum::unknown};
    packet.verdict = Verdict::pending;
    packet.taken = false;
    bytes += descriptor.len;
  }
  xsk_ring_cons__release(&received_ring_, count);
  to_receive_ -= count;
  received_.add(count);
  received_bytes_.add(bytes);
  return count;
}

// The descriptor moves, not the bytes: the frame may have come from any device of the Umem.
void AfXdp::transmit(std::span<Packet* const> packets) noexcept {
  if (down_) kick();
  if (down_) return refuse(packets, Verdict::device_down);
  if (refuse_unsendable(packets)) return;
  uint32_t at = 0;
  uint64_t bytes = 0;
  const uint32_t count = reserve(static_cast<uint32_t>(packets.size()), at);
  for (uint32_t i = 0; i < count; ++i) {
    Packet& packet = *packets[i];
    *xsk_ring_prod__tx_desc(&send_ring_, at + i) = {place_in_umem(packet), packet.length, 0};
    packet.taken = true;
    bytes += packet.length;
  }
  xsk_ring_prod__submit(&send_ring_, count);
  to_send_ += count;
  pending_ = pending_ || count > 0;
  transmitted_.add(count);
  transmitted_bytes_.add(bytes);
  refuse(packets.subspan(count), Verdict::transmit_full);
}

// A frame from elsewhere, one that waited for its neighbour, is copied in; all others are where they came.
uint64_t AfXdp::place_in_umem(const Packet& packet) noexcept {
  if (umem_->holds(packet.frame)) return umem_->place_of(packet.frame);
  const uint64_t place = umem_->take();
  std::memcpy(umem_->at(place), packet.frame, packet.length);
  return place;
}

bool AfXdp::is_sendable(const Packet& packet) const noexcept {
  if (packet.length < ETH_HLEN) return false;
  if (!umem_->holds(packet.frame)) return packet.length <= Umem::kFrameSize && umem_->pooled() >= kBatch;
  return packet.length <= Umem::room_at(umem_->place_of(packet.frame));
}

// The kernel drops a descriptor it does not like without completing it, and the frame would be lost; so no such descriptor may reach it.
// Such packets are refused, and the others are sent around them.
bool AfXdp::refuse_unsendable(std::span<Packet* const> packets) noexcept {
  const auto bad = std::find_if(packets.begin(), packets.end(), [this](const Packet* packet) { return !is_sendable(*packet); });
  if (bad == packets.end()) return false;
  const auto before = static_cast<size_t>(bad - packets.begin());
  if (before > 0) transmit(packets.first(before));
  refuse(packets.subspan(before, 1), Verdict::device_down);
  if (before + 1 < packets.size()) transmit(packets.subspan(before + 1));
  return true;
}

// As many places in the send ring as there are, making room first if need be. A place that is free because its frame is being sent does not
// count: the pool must not be emptied by one slow interface.
uint32_t AfXdp::reserve(uint32_t wanted, uint32_t& at) noexcept {
  if (umem_->ring() - to_send_ < wanted) {
    kick();
    reclaim();
  }
  const uint32_t room = std::min(wanted, umem_->ring() - to_send_);
  return xsk_ring_prod__reserve(&send_ring_, std::min(room, xsk_prod_nb_free(&send_ring_, room)), &at);
}

void AfXdp::refuse(std::span<Packet* const> packets, Verdict verdict) noexcept {
  for (Packet* packet : packets) packet->verdict = verdict;
  (verdict == Verdict::transmit_full ? transmit_full_ : transmit_error_).add(packets.size());
}

void AfXdp::release(Batch& batch) noexcept {
  for (const Packet& packet : batch) {
    if (!packet.taken && (packet.cookie & ~kPlaceMask) == identity_) umem_->give(packet.cookie & kPlaceMask);
  }
}

void AfXdp::flush() noexcept {
  if (pending_) kick();
  if (to_send_ > 0) reclaim();
  fill();
}

// Takes back the frames that have been sent.
void AfXdp::reclaim() noexcept {
  uint32_t at = 0;
  const uint32_t count = xsk_ring_cons__peek(&completion_ring_, to_send_, &at);
  for (uint32_t i = 0; i < count; ++i) umem_->give(*xsk_ring_cons__comp_addr(&completion_ring_, at + i));
  xsk_ring_cons__release(&completion_ring_, count);
  to_send_ -= count;
}

// Gives the kernel frames to receive into, as many as fit.
void AfXdp::fill() noexcept {
  uint32_t at = 0;
  const uint32_t wanted = std::min(umem_->pooled(), umem_->ring() - to_receive_);
  const uint32_t count = xsk_ring_prod__reserve(&fill_ring_, std::min(wanted, xsk_prod_nb_free(&fill_ring_, wanted)), &at);
  for (uint32_t i = 0; i < count; ++i) *xsk_ring_prod__fill_addr(&fill_ring_, at + i) = umem_->take();
  if (count > 0) xsk_ring_prod__submit(&fill_ring_, count);
  to_receive_ += count;
  // A driver that ran out of frames sleeps until it is called.
  if (xsk_ring_prod__needs_wakeup(&fill_ring_)) ::recvfrom(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

// Also while the interface is down, to find out when it is up.
bool AfXdp::wants_kick() const noexcept { return down_ || xsk_ring_prod__needs_wakeup(&send_ring_); }

// Tells the kernel to send. EAGAIN: its budget for one call is used up, or it waits for completions to be taken; EBUSY: it dropped a frame
// on the way out, and the next is due.
void AfXdp::kick() noexcept {
  for (int i = 0; i < kKicks && wants_kick(); ++i) {
    const ssize_t result = ::sendto(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0);
    const int error = result < 0 ? errno : 0;
    down_ = is_down(error);
    pending_ = error != 0;
    if (!is_retry(error)) return;
    if (error == EBUSY) transmit_error_.add(1);
    reclaim();
  }
}

DeviceCounters AfXdp::counters() const noexcept {
  xdp_statistics kernel{};
  socklen_t size = sizeof kernel;
  ::getsockopt(fd(), SOL_XDP, XDP_STATISTICS, &kernel, &size);
  return {.received = received_.get(),
          .received_bytes = received_bytes_.get(),
          .transmitted = transmitted_.get(),
          .transmitted_bytes = transmitted_bytes_.get(),
          .transmit_full = transmit_full_.get(),
          .transmit_error = transmit_error_.get(),
          .receive_lost = kernel.rx_dropped + kernel.rx_ring_full + kernel.rx_fill_ring_empty_descs};
}

}  // namespace natlb
