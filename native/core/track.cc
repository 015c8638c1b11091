// track: the life of a flow as its packets tell it. ICMP errors neither refresh nor end a flow (RFC 5508 REQ-6).
#include "core/sctp.h"
#include "core/stages.h"

namespace natlb {

namespace {

void count(const Packet& packet, DestinationSlot& destination) noexcept {
  // IPVS sees the datagram put together, so its fragments count as one packet with one header.
  const bool later = packet.fragment.place == Fragment::Place::later;
  const uint64_t bytes = packet.end - (later ? packet.fragment.data : packet.l3);
  const uint64_t packets = later ? 0 : 1;
  if (packet.leg == Leg::forward) {
    destination.packets_in.add(packets);
    destination.bytes_in.add(bytes);
  } else {
    destination.packets_out.add(packets);
    destination.bytes_out.add(bytes);
  }
}

// A RST counts only where its receiver could believe it (RFC 5961 3.2). A server that does not know the connection answers a SYN on it with
// sequence number 0 (RFC 9293 3.10.7.1), and nobody can send in its name from outside.
bool is_believable(const Flow& flow, const Packet& packet) noexcept {
  if (packet.leg == Leg::forward) return is_near(packet.sequence, flow.server_expects);
  return (packet.sequence == 0 && (packet.tcp_flags & tcp::kAck) != 0) || is_near(packet.sequence, flow.client_expects);
}

// What each side expects next: it says so itself, but for the first SYN. A later one may be anybody's.
void note_expected(Flow& flow, const Packet& packet) noexcept {
  if ((packet.tcp_flags & tcp::kAck) != 0) {
    (packet.leg == Leg::forward ? flow.client_expects : flow.server_expects) = packet.acknowledgement;
  } else if ((packet.tcp_flags & tcp::kSyn) != 0 && packet.leg == Leg::forward && is_half_open(flow)) {
    flow.server_expects = packet.sequence + 1;
  }
}

bool follow_tcp(Flow& flow, const Packet& packet) noexcept {
  if ((packet.tcp_flags & tcp::kRst) != 0) return is_believable(flow, packet);
  note_expected(flow, packet);
  return true;
}

// False: the packet says nothing about the flow. Else `state` is what it leaves it in.
bool follow(Flow& flow, const Packet& packet, FlowState& state) noexcept {
  if (flow.protocol == kTcp) {
    if (!follow_tcp(flow, packet)) return false;
    state = next_state(flow.state, packet.leg, packet.tcp_flags);
  } else if (flow.protocol == kSctp) {
    if (!follow_sctp(flow, packet)) return false;
    state = next_state(flow.state, packet.leg, event_of(packet));
  }
  return true;
}

}  // namespace

void track(Batch& batch, const Snapshot& snapshot, FlowTable& flows, uint32_t now) noexcept {
  batch.is_helped = false;
  for_each_pending(batch, [&](Packet& packet) {
    if (packet.flow == nullptr) return;
    Flow& flow = *packet.flow;
    if (flow.has(Flow::kHelped)) batch.is_helped = true;
    if (packet.is_icmp_error) return;
    DestinationSlot& destination = flows.block().destinations[flow.destination];
    count(packet, destination);
    if (packet.leg == Leg::reverse) flows.note_reply(flow);
    FlowState state = flow.state;
    // A later fragment says nothing of its own.
    if (packet.fragment.place != Fragment::Place::later && !follow(flow, packet, state)) return;
    flow.expires_at = now + snapshot.timeouts(destination.profile)[static_cast<size_t>(state)];
    if (state == flow.state) return;
    flows.change_state(flow, state);
    flows.hasten(flow);
  });
}

}  // namespace natlb
