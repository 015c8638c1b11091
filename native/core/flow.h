// One client connection, both legs in one cache line: who the client is, which service and destination it was given, and what a packet of
// it has added to its checksums. Addresses of services and destinations stand in their slots (slots.h), shared by all their flows.
#pragma once

#include <cstdint>

#include "core/address.h"
#include "core/packet.h"
#include "core/tcp_state.h"

namespace natlb {

inline constexpr uint32_t kNone = UINT32_MAX;  // no flow, no slot

// Time in the data plane's coarse unit. A tick wraps after 17 years.
inline constexpr uint32_t kTicksPerSecond = 8;
inline constexpr uint32_t kMillisPerTick = 1000 / kTicksPerSecond;

struct alignas(64) Flow {
  Address client;
  uint16_t client_port;  // network order
  uint8_t protocol;
  FlowState state;
  uint32_t service;      // slot
  uint32_t destination;  // slot
  uint32_t expires_at;   // tick; the timer looks here when its own slot comes due
  // What the forward leg adds to a checksum (RFC 1624): by the addresses, and by addresses and ports. The reverse leg adds the opposite.
  uint16_t address_delta;
  uint16_t l4_delta;
  uint32_t timer_next;  // also the free list
  uint32_t timer_previous;
  uint32_t timer_slot;  // kNone while not filed
  uint32_t live;        // kLive while the record counts; written last on creation and first on removal, so a torn record is none
  // Where the legs go next, as Routes::reference has it, as long as `routes` is the serial of the routes in use.
  uint32_t routes;
  uint32_t next_forward;
  uint32_t next_reverse;

  static constexpr uint32_t kLive = 0x666c6f77;
};
static_assert(sizeof(Flow) == 64, "a flow is one cache line");

}  // namespace natlb
