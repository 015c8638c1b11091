// What is sent must be believed: RFC 5961 3.2 takes a RST only at exactly the next sequence number its receiver expects.
#include "core/farewell.h"

#include "core/ip.h"

namespace natlb {

namespace {

// Both ends are there, and at least one of them still has something to say. A handshake that never came to its end is not answered: the
// client's address may be made up.
bool is_worth_it(FlowState state) noexcept {
  return state == FlowState::ESTABLISHED || state == FlowState::FIN_WAIT || state == FlowState::CLOSE_WAIT;
}

}  // namespace

void Farewells::say(const Flow& flow, const Block& block, const View& view, Batch& batch) noexcept {
  if (flow.protocol != kTcp || !is_worth_it(flow.state) || flow.client_expects == 0 || flow.server_expects == 0) return;
  const Service* service = view.snapshot->service_in(block.destinations[flow.destination].service);
  if (service != nullptr && !service->resets) return;
  const Address& virtual_address = block.addresses[flow.virtual_address].address;
  // The flow may live on at the router that has the address now.
  if (!view.routes->is_local(virtual_address)) return;
  add({virtual_address, flow.client, flow.virtual_port, flow.client_port, kTcp}, flow.client_expects, flow.server_expects, view, batch);
  add({flow.client, block.destinations[flow.destination].address, flow.client_port, flow.destination_port, kTcp}, flow.server_expects,
      flow.client_expects, view, batch);
}

void Farewells::add(const Key& key, uint32_t sequence, uint32_t acknowledgement, const View& view, Batch& batch) noexcept {
  if (batch.count == kBatch) return;
  Packet packet{};
  packet.frame = frames_[batch.count].data();
  packet.capacity = static_cast<uint32_t>(frames_[batch.count].size());
  packet.verdict = Verdict::pending;
  packet.l3 = kEthernetHeader;
  packet.is_v4 = key.source.is_v4();
  packet.key = key;
  store16(packet.frame + 12, to_wire(packet.is_v4 ? kEtherTypeIPv4 : kEtherTypeIPv6));
  write_reset(packet, key, sequence, acknowledgement, tcp::kRst | tcp::kAck);
  packet.outcome = Verdict::answered_reset;
  Missing nobody;  // whoever cannot be reached at once is not told
  send_on(packet, view, nobody);
  batch.packets[batch.count++] = packet;
}

}  // namespace natlb
