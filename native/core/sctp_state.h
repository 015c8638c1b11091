// What moves an SCTP flow between its states: IPVS's table for NAT (net/netfilter/ipvs/ip_vs_proto_sctp.c), in which the states are those
// of the association as the destination sees it (RFC 9260 4), and a few more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "core/flow_state.h"
#include "core/packet.h"

namespace natlb {

enum class SctpEvent : uint8_t { data, init, init_ack, cookie_echo, cookie_ack, shutdown, shutdown_ack, shutdown_complete, error, abort };

// By the chunk's type; what is not named here is traffic.
constexpr SctpEvent sctp_event(uint8_t chunk) noexcept {
  using enum SctpEvent;
  constexpr SctpEvent kEvents[] = {
      data,  init,        init_ack,     data, data, data,              // DATA, INIT, INIT ACK, SACK, HEARTBEAT, HEARTBEAT ACK
      abort, shutdown,    shutdown_ack,                                // ABORT, SHUTDOWN, SHUTDOWN ACK
      error, cookie_echo, cookie_ack,   data, data, shutdown_complete  // ERROR, COOKIE ECHO, COOKIE ACK, ECNE, CWR, SHUTDOWN COMPLETE
  };
  return chunk < std::size(kEvents) ? kEvents[chunk] : data;
}

namespace detail::sctp {
inline constexpr FlowState NO = FlowState::SCTP_NONE, I1 = FlowState::SCTP_INIT1, IN = FlowState::SCTP_INIT, CS = FlowState::SCTP_C_SENT,
                           CR = FlowState::SCTP_C_REPLIED, CW = FlowState::SCTP_C_WAIT, CO = FlowState::SCTP_COOKIE,
                           CE = FlowState::SCTP_C_ECHOED, ES = FlowState::SCTP_ESTABLISHED, SS = FlowState::SCTP_S_SENT,
                           SR = FlowState::SCTP_S_RECEIVED, SA = FlowState::SCTP_S_ACK_SENT, RJ = FlowState::SCTP_REJECTED,
                           CL = FlowState::SCTP_CLOSED;
inline constexpr size_t kStates = 14;
// clang-format off
inline constexpr FlowState kTransitions[2][10][kStates] = {
  {  // from the client
    //                     NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL
    /*data*/              {ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    /*init*/              {I1, IN, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, IN, IN},
    /*init_ack*/          {CW, CW, CW, CS, CR, CO, CO, CE, ES, SS, SR, SA, RJ, CL},
    /*cookie_echo*/       {CR, IN, IN, CR, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    /*cookie_ack*/        {ES, I1, IN, CS, CR, CW, CO, ES, ES, SS, SR, SA, RJ, CL},
    /*shutdown*/          {SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL},
    /*shutdown_ack*/      {CL, IN, IN, CS, CR, CW, CO, CE, ES, CL, SR, CL, RJ, CL},
    /*shutdown_complete*/ {CL, CL, CL, CS, CR, CW, CO, CE, ES, SS, SR, CL, RJ, CL},
    /*error*/             {CL, I1, IN, CS, CR, CW, CO, CL, ES, SS, SR, SA, RJ, CL},
    /*abort*/             {CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL},
  },
  {  // from the destination
    //                     NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL
    /*data*/              {ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    /*init*/              {CW, CW, CW, CW, CW, CW, CW, CW, ES, CW, CW, CW, CW, CW},
    /*init_ack*/          {CS, CS, CS, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    /*cookie_echo*/       {CE, CE, CE, CE, CE, CE, CE, CE, ES, SS, SR, SA, RJ, CL},
    /*cookie_ack*/        {ES, ES, ES, ES, ES, ES, ES, ES, ES, SS, SR, SA, RJ, CL},
    /*shutdown*/          {SS, SS, SS, SS, SS, SS, SS, SS, SS, SS, SR, SA, RJ, CL},
    /*shutdown_ack*/      {SA, SA, SA, SA, SA, CW, CO, CE, ES, SA, SA, SA, RJ, CL},
    /*shutdown_complete*/ {CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    /*error*/             {CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    /*abort*/             {CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL},
  },
};
// clang-format on
constexpr size_t column(FlowState state) noexcept { return static_cast<size_t>(state) - static_cast<size_t>(NO); }
static_assert(column(ES) == 8 && column(CL) == kStates - 1, "the columns stand in the order of the states");
}  // namespace detail::sctp

// The state after `event` on `leg`.
constexpr FlowState next_state(FlowState state, Leg leg, SctpEvent event) noexcept {
  const auto& rows = detail::sctp::kTransitions[leg == Leg::reverse ? 1 : 0];
  return rows[static_cast<size_t>(event)][detail::sctp::column(state)];
}

}  // namespace natlb
