// track: the life of a flow as its packets tell it. ICMP errors neither refresh nor end a flow (RFC 5508 REQ-6).
#include "core/stages.h"

namespace natlb {

namespace {

void count(const Packet& packet, DestinationSlot& destination) noexcept {
  const uint64_t bytes = packet.end - packet.l3;
  if (packet.leg == Leg::forward) {
    destination.packets_in.add(1);
    destination.bytes_in.add(bytes);
  } else {
    destination.packets_out.add(1);
    destination.bytes_out.add(bytes);
  }
}

}  // namespace

void track(Batch& batch, const Snapshot& snapshot, FlowTable& flows, uint32_t now) noexcept {
  for_each_pending(batch, [&](Packet& packet) {
    if (packet.flow == nullptr || packet.is_icmp_error) return;
    Flow& flow = *packet.flow;
    DestinationSlot& destination = flows.block().destinations[flow.destination];
    count(packet, destination);
    const FlowState state = flow.protocol == kTcp ? next_state(flow.state, packet.leg, packet.tcp_flags) : flow.state;
    flow.expires_at = now + snapshot.timeouts(destination.profile)[static_cast<size_t>(state)];
    if (state == flow.state) return;
    flows.change_state(flow, state);
    flows.hasten(flow);
  });
}

}  // namespace natlb
