// The states of a flow and what moves TCP between them: IPVS's table for NAT (net/netfilter/ipvs/ip_vs_proto_tcp.c), which
// `ipvsadm -Lnc` users know by these names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/packet.h"
#include "core/wire.h"

namespace natlb {

// X(name, text, protocol, seconds, counted as active). The name is how control calls the state, the text what users see, unlike that of
// other states of the same protocol. SCTP's stand together: sctp_state.h goes by their order.
#define NATLB_FLOW_STATES(X)                           \
  X(NONE, "NONE", kTcp, 2, false)                      \
  X(ESTABLISHED, "ESTABLISHED", kTcp, 900, true)       \
  X(SYN_SENT, "SYN_SENT", kTcp, 120, true)             \
  X(SYN_RECV, "SYN_RECV", kTcp, 60, true)              \
  X(FIN_WAIT, "FIN_WAIT", kTcp, 120, false)            \
  X(TIME_WAIT, "TIME_WAIT", kTcp, 120, false)          \
  X(CLOSE, "CLOSE", kTcp, 10, false)                   \
  X(CLOSE_WAIT, "CLOSE_WAIT", kTcp, 60, false)         \
  X(LAST_ACK, "LAST_ACK", kTcp, 30, false)             \
  X(LISTEN, "LISTEN", kTcp, 120, false)                \
  X(SYNACK, "SYNACK", kTcp, 120, true)                 \
  X(UDP, "UDP", kUdp, 300, false)                      \
  X(SCTP_NONE, "NONE", kSctp, 2, false)                \
  X(SCTP_INIT1, "INIT1", kSctp, 4, false)              \
  X(SCTP_INIT, "INIT", kSctp, 61, false)               \
  X(SCTP_C_SENT, "C-SENT", kSctp, 61, false)           \
  X(SCTP_C_REPLIED, "C-REPLIED", kSctp, 61, false)     \
  X(SCTP_C_WAIT, "C-WAIT", kSctp, 61, false)           \
  X(SCTP_COOKIE, "COOKIE", kSctp, 61, false)           \
  X(SCTP_C_ECHOED, "C-ECHOED", kSctp, 61, false)       \
  X(SCTP_ESTABLISHED, "ESTABLISHED", kSctp, 900, true) \
  X(SCTP_S_SENT, "S-SENT", kSctp, 61, false)           \
  X(SCTP_S_RECEIVED, "S-RECEIVED", kSctp, 61, false)   \
  X(SCTP_S_ACK_SENT, "S-ACK-SENT", kSctp, 61, false)   \
  X(SCTP_REJECTED, "REJECTED", kSctp, 4, false)        \
  X(SCTP_CLOSED, "CLOSED", kSctp, 61, false)

enum class FlowState : uint8_t {
#define NATLB_FLOW_STATE(name, text, protocol, seconds, active) name,
  NATLB_FLOW_STATES(NATLB_FLOW_STATE)
#undef NATLB_FLOW_STATE
      count
};

struct FlowStateRow {
  std::string_view name;
  std::string_view text;
  uint8_t protocol;
  uint32_t seconds;
  bool active;
};

inline constexpr size_t kFlowStates = static_cast<size_t>(FlowState::count);
inline constexpr FlowStateRow kFlowStateRows[kFlowStates] = {
#define NATLB_FLOW_STATE(name, text, protocol, seconds, active) {#name, text, protocol, seconds, active},
    NATLB_FLOW_STATES(NATLB_FLOW_STATE)
#undef NATLB_FLOW_STATE
};
constexpr const FlowStateRow& row(FlowState state) noexcept { return kFlowStateRows[static_cast<size_t>(state)]; }

namespace detail {
inline constexpr FlowState NO = FlowState::NONE, ES = FlowState::ESTABLISHED, SS = FlowState::SYN_SENT, SR = FlowState::SYN_RECV,
                           FW = FlowState::FIN_WAIT, TW = FlowState::TIME_WAIT, CL = FlowState::CLOSE, CW = FlowState::CLOSE_WAIT,
                           LA = FlowState::LAST_ACK, LI = FlowState::LISTEN, SA = FlowState::SYNACK;
enum Row : uint8_t { kSyn, kFin, kAck, kRst, kOther };
// clang-format off
inline constexpr FlowState kTransitions[2][5][11] = {
  {  // from the client
    //       NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA
    /*syn*/ {SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR},
    /*fin*/ {CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW},
    /*ack*/ {ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES},
    /*rst*/ {CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR},
    /* - */ {CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL},
  },
  {  // from the destination
    /*syn*/ {SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR},
    /*fin*/ {TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW},
    /*ack*/ {ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES},
    /*rst*/ {CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL},
    /* - */ {CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL},
  },
};
// clang-format on

constexpr Row row_of(uint8_t flags) noexcept {
  if (flags & tcp::kRst) return kRst;
  if (flags & tcp::kSyn) return kSyn;
  if (flags & tcp::kFin) return kFin;
  return flags & tcp::kAck ? kAck : kOther;
}
inline constexpr uint8_t kRowFlags = tcp::kRst | tcp::kSyn | tcp::kFin | tcp::kAck;
inline constexpr auto kRowOfFlags = [] {
  std::array<Row, kRowFlags + 1> rows{};
  for (uint8_t flags = 0; flags <= kRowFlags; ++flags) rows[flags] = row_of(flags);
  return rows;
}();
}  // namespace detail

// The state after a packet with `flags` on `leg`. RST counts before SYN, SYN before FIN, FIN before ACK; none of them closes.
constexpr FlowState next_state(FlowState state, Leg leg, uint8_t flags) noexcept {
  const auto& rows = detail::kTransitions[leg == Leg::reverse ? 1 : 0];
  return rows[detail::kRowOfFlags[flags & detail::kRowFlags]][static_cast<size_t>(state)];
}

}  // namespace natlb
