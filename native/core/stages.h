// The stages of the pipeline, in order. Each takes a whole batch and leaves alone the packets whose verdict is no longer pending.
#pragma once

#include <cstdint>

#include "core/counter.h"
#include "core/flow_table.h"
#include "core/fragments.h"
#include "core/packet.h"
#include "core/snapshot.h"

namespace natlb {

// Addresses the neighbours of which packets of this batch waited for in vain.
struct Missing {
  struct Neighbour {
    uint32_t interface;
    Address address;
  };
  std::array<Neighbour, kBatch> neighbours;
  size_t count = 0;
};

// How many ICMP errors may still be made in this tick (RFC 1812 4.3.2.8).
struct IcmpBudget {
  static constexpr uint32_t kPerTick = 125;
  uint32_t tick = 0;
  uint32_t left = kPerTick;

  bool take(uint32_t now) noexcept {
    if (tick != now) *this = {now, kPerTick};
    return left != 0 && left-- != 0;
  }
};

// Reads the headers: the only place that compares lengths. Sets everything from l3 to key, and asks for what of the flow table lookup will
// want, so that memory works while the rest of the batch is read.
void parse(Batch& batch, const View& view, const FlowTable& flows) noexcept;

// Gives fragments the ports of their datagram's first; those that come before it are kept.
void gather(Batch& batch, Fragments& fragments, uint32_t now) noexcept;

// Finds the leg each packet travels on.
void lookup(Batch& batch, const FlowTable& flows) noexcept;

// Flows that last no longer than one packet of the batch (one-packet scheduling).
using Passing = std::array<Flow, kBatch>;

// Gives first packets a destination and a flow; answers those that can have none. `sheds` counts half-open flows that had to make room.
void schedule(Batch& batch, const View& view, FlowTable& flows, Fragments& fragments, Passing& passing, IcmpBudget& icmp, Counter& sheds,
              uint32_t now) noexcept;

// Moves each flow's state and time, and counts its traffic.
void track(Batch& batch, const Snapshot& snapshot, FlowTable& flows, uint32_t now) noexcept;

// Reads FTP control connections, changes what they name, and makes the flows of the data connections they agree on.
void help(Batch& batch, const Snapshot& snapshot, FlowTable& flows, uint32_t now) noexcept;

// Translates addresses and ports.
void rewrite(Batch& batch, const Block& block) noexcept;

// TTL, MTU, next hop and link-layer addresses; sets device_out and, at last, the verdict.
void route(Batch& batch, const View& view, const Block& block, IcmpBudget& icmp, uint32_t now, Missing& missing) noexcept;

// The last part of route for one packet that waited for a neighbour: where it goes by now.
void send_on(Packet& packet, const View& view, Missing& missing) noexcept;

// Translates one packet along `leg` of `flow`, or back again.
void translate(Packet& packet, const Flow& flow, Leg leg, const Block& block, bool back) noexcept;
// The same for an ICMP error and the packet inside it.
void translate_icmp(Packet& packet, const Flow& flow, Leg leg, const Block& block) noexcept;
// Finishes a checksum that only covers the pseudo-header so far.
void complete_checksum(Packet& packet) noexcept;

// Makes the packet, whose l3, is_v4 and Ethernet header are set, a RST that travels as `key` says. Sequence numbers in host order.
void write_reset(Packet& packet, const Key& key, uint32_t sequence, uint32_t acknowledgement, uint8_t flags) noexcept;

// Turns the packet into what answers it, in its own buffer; it then has yet to be routed.
void answer_reset(Packet& packet, Verdict outcome) noexcept;
// SCTP's RST is the ABORT, mostly; drops what is not to be answered.
void answer_sctp(Packet& packet, Verdict outcome) noexcept;
struct IcmpAnswer {
  uint8_t type4, code4, type6, code6;
  uint32_t mtu = 0;
};
inline constexpr IcmpAnswer kPortUnreachable{3, 3, 1, 4}, kTtlExceeded{11, 0, 3, 0};
constexpr IcmpAnswer too_big(uint32_t mtu) noexcept { return {3, 4, 2, 0, mtu}; }
// `source` is the address the error comes from, of the packet's family.
void answer_icmp(Packet& packet, const IcmpAnswer& answer, const Address& source, Verdict outcome) noexcept;

}  // namespace natlb
