// The flows of FTP data connections: made when both sides have agreed on one, in state LISTEN as IPVS does (ip_vs_ftp.c), and completed by
// its first packet. A client's port is not known before (flow: client port 0); a server's is that below its control port, as a rule (RFC
// 959 5.2), and any other that it turns out to use.
#pragma once

#include <cstdint>

#include "core/conversations.h"
#include "core/flow_table.h"
#include "core/snapshot.h"

namespace natlb {

// False when it cannot be had: its ports belong to another destination's, the table is full, or the control connection has enough of them.
bool expect_data(FlowTable& flows, Flow& control, ConversationSlot& conversation, const ftp::Agreement& agreement, const Snapshot& snapshot,
                 uint32_t now) noexcept;

// The flow that waits for a first packet of this key, and what the packet's flow is to be in its place.
struct ExpectedData {
  Flow* waiting = nullptr;
  Flow wanted{};
  Leg leg = Leg::none;
};
ExpectedData find_expected(const FlowTable& flows, const Key& key, const Snapshot& snapshot) noexcept;
// Puts `wanted` in the place of `waiting`. Null when there is no room.
Flow* complete_expected(FlowTable& flows, const ExpectedData& expected) noexcept;

// Whether a control connection has data connections, and must outlive them.
bool has_data(const Block& block, const Flow& control) noexcept;

}  // namespace natlb
