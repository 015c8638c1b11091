// A frame under way and up to 64 of them. A device fills the first part; the stages of forward.h fill the rest, in order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/address.h"
#include "core/verdict.h"

namespace natlb {

struct Flow;
struct Service;

inline constexpr size_t kBatch = 64;

// Whether the TCP or UDP checksum of a frame covers everything, or, as between hosts of one machine, only the pseudo-header so far.
enum class Checksum : uint8_t {
  complete,
  partial,  // checksum_start and checksum_offset are set
  unknown,  // the device cannot tell (AF_XDP): parse finds out
};

// What virtio calls its header: how the frame's sender left work to a NIC that is not there.
struct Offload {
  Checksum checksum = Checksum::complete;
  uint8_t gso_type = 0;   // VIRTIO_NET_HDR_GSO_*; 0 = an ordinary frame
  uint16_t gso_size = 0;  // bytes of payload in each segment of a super-packet, host order
  uint16_t header_length = 0;
  uint16_t checksum_start = 0;   // from the first byte of the frame
  uint16_t checksum_offset = 0;  // from checksum_start
};

// The identity of a direction of a conversation as it stands in a packet: who sent it to whom.
struct Key {
  Address source;
  Address target;
  uint16_t source_port;
  uint16_t target_port;
  uint8_t protocol;  // IPPROTO_*
};

enum class Leg : uint8_t { none, forward, reverse };

// Which part of a datagram a packet carries. Offsets count from where the datagram's own payload begins, its L4 header being the first of
// it.
struct Fragment {
  enum class Place : uint8_t { whole, first, later };
  Place place = Place::whole;  // whole: nothing below counts
  bool more = false;           // others follow
  uint16_t data = 0;           // offset in the frame of what it carries
  uint32_t begin = 0;          // bytes
  uint32_t end = 0;            // behind its last byte
  uint32_t id = 0;             // network order
  uint16_t datagram = 0;       // set by gather: which of its table
};

struct Packet {
  // Set by the device that received it.
  uint8_t* frame;     // the Ethernet header
  uint32_t length;    // bytes of frame
  uint32_t capacity;  // bytes that may be written from `frame` on, at least `length`
  uint64_t cookie;    // the receiving device's own: which buffer this is
  Offload offload;
  uint16_t device_in;   // index among the worker's devices
  uint16_t device_out;  // set by route; by the device itself for nothing

  Verdict verdict;
  Verdict outcome;  // what the verdict becomes if nothing stops the packet on its way out
  bool taken;       // the transmitting device has taken over the buffer: the receiving device must not recycle it

  // Set by parse.
  uint16_t l3;               // offset of the IP header
  uint16_t l4;               // offset of the TCP, UDP or ICMP header
  uint32_t end;              // offset behind the IP packet, from then on also `length`
  uint32_t sequence;         // of TCP, in host order, as the next two: of the packet itself
  uint32_t acknowledgement;  // read here, while the frame is at hand: those of a batch push each other out of the first cache
  uint8_t tcp_flags;
  bool is_v4;
  uint8_t protocol;    // IPPROTO_* found at l4
  bool is_icmp_error;  // then key is that of the packet inside, turned round, and inner_* are set
  uint16_t inner_l3;
  uint16_t inner_l4;
  Key key;
  Fragment fragment;
  uint64_t hash;
  uint32_t likely;  // leg of the flow table, of lookup alone

  // Set by lookup or schedule.
  Flow* flow;
  Leg leg;
  const Service* service;

  // Set by route.
  uint32_t fragment_to;  // bytes of IP packet that the way out takes, when this is longer and may be cut; else 0
};

struct Batch {
  std::array<Packet, kBatch> packets;
  size_t count = 0;
  bool has_fragments = false;  // set by parse
  bool is_helped = false;      // set by track: it has packets of control connections

  Packet* begin() noexcept { return packets.data(); }
  Packet* end() noexcept { return packets.data() + count; }
};

// Runs `stage` on each packet whose fate is still open.
template <typename Stage>
inline void for_each_pending(Batch& batch, Stage&& stage) noexcept {
  for (Packet& packet : batch) {
    if (packet.verdict == Verdict::pending) stage(packet);
  }
}

}  // namespace natlb
