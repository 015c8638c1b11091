// One client connection, both legs in one cache line: who the client is, which virtual address and destination it was given, and what a
// packet of it has added to its checksums. Addresses of services and destinations stand in their slots (slots.h), shared by all their
// flows.
#pragma once

#include <cstdint>

#include "core/address.h"
#include "core/flow_state.h"
#include "core/packet.h"

namespace natlb {

inline constexpr uint32_t kNone = UINT32_MAX;  // no flow, no slot

// Time in the data plane's coarse unit. A tick wraps after 17 years.
inline constexpr uint32_t kTicksPerSecond = 8;
inline constexpr uint32_t kMillisPerTick = 1000 / kTicksPerSecond;

struct alignas(64) Flow {
  Address client;
  // Ports in network order.
  uint16_t client_port;
  uint16_t virtual_port;      // what the client knows
  uint16_t destination_port;  // what it is translated to
  uint16_t virtual_address;   // slot
  uint8_t protocol;
  FlowState state;
  uint8_t flags;
  uint8_t live;          // kLive while the record counts; written last on creation and first on removal, so a torn record is none
  uint32_t destination;  // slot
  uint32_t expires_at;   // tick; the timer looks here when its own slot comes due
  // TCP: the last acknowledgement number of each side, in host order: what a RST to it must carry (RFC 9293 3.10.7.4). SCTP: the
  // verification tag each side wants to see, in network order; 0 = not known.
  uint32_t client_expects;
  uint32_t server_expects;
  uint32_t timer_next;  // also the free list
  uint32_t timer_previous;
  uint16_t timer_slot;     // kNoTimer while not filed
  uint16_t address_delta;  // what the forward leg's addresses add to a checksum (RFC 1624); the reverse leg adds the opposite
  // Where the legs go next, as Routes::reference has it, as long as `routes` is the serial of the routes in use.
  uint32_t routes;
  uint16_t next_forward;
  uint16_t next_reverse;

  static constexpr uint8_t kLive = 0xa5;
  static constexpr uint16_t kNoTimer = UINT16_MAX;

  // Flags.
  static constexpr uint8_t kTemplate = 1;     // keeps a client with a destination (persistence); no packet belongs to it
  static constexpr uint8_t kReplied = 2;      // the destination has been heard
  static constexpr uint8_t kHelped = 4;       // a control connection whose text is read
  static constexpr uint8_t kRelated = 8;      // a data connection that a control connection agreed on
  static constexpr uint8_t kControlled = 16;  // Block::controls names the flow it belongs to
  static constexpr uint8_t kListed = 32;      // entered in the live filter

  [[nodiscard]] bool has(uint8_t flag) const noexcept { return (flags & flag) != 0; }
};
static_assert(sizeof(Flow) == 64, "a flow is one cache line");

// Whether a sequence number may belong to what travels to a receiver who expects `expected`: within a window of it. Generous, because the
// ends decide; but a number that somebody guessed blindly is near once in four thousand times. 0 = nothing was heard of the receiver yet.
inline bool is_near(uint32_t sequence, uint32_t expected) noexcept {
  constexpr int32_t kBehind = 1 << 16, kAhead = 1 << 20;
  const auto distance = static_cast<int32_t>(sequence - expected);
  return expected == 0 || (distance >= -kBehind && distance < kAhead);
}

// How many flows keep a template alive. It has no sequence numbers, so the count stands there.
inline uint32_t& dependents(Flow& kept) noexcept { return kept.client_expects; }

// Templates stand in the same table under protocol numbers nobody uses (IANA 200 and up), one for each protocol a service may have alone
// and one, 0, for a service of several.
constexpr uint8_t template_protocol(uint8_t protocol) noexcept {
  switch (protocol) {
    case kTcp:
      return 201;
    case kUdp:
      return 202;
    case kSctp:
      return 203;
    default:
      return 200;
  }
}
// The protocol a flow's record speaks of: of a template that of its service, 0 for several.
constexpr uint8_t protocol_of(const Flow& flow) noexcept {
  switch (flow.protocol) {
    case 200:
      return 0;
    case 201:
      return kTcp;
    case 202:
      return kUdp;
    case 203:
      return kSctp;
    default:
      return flow.protocol;
  }
}

}  // namespace natlb
