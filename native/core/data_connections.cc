// Each knows its control connection (Block::controls), which knows the last few of them (ConversationSlot::data).
#include "core/data_connections.h"

#include <algorithm>

namespace natlb {

namespace {

bool is_over(const Flow& flow) noexcept { return flow.state == FlowState::TIME_WAIT || flow.state == FlowState::CLOSE; }

bool belongs(const Block& block, uint32_t name, uint32_t control) noexcept {
  if (name == 0 || name > block.header->max_flows) return false;
  const Flow& flow = block.flows[name - 1];
  return flow.live == Flow::kLive && flow.has(Flow::kRelated) && block.controls[name - 1] == control;
}

uint16_t port_below(uint16_t port) noexcept { return to_wire(static_cast<uint16_t>(to_host(port) - 1)); }

Flow flow_of(const Flow& control, const ftp::Agreement& agreement) noexcept {
  Flow flow = control;
  flow.state = FlowState::LISTEN;
  flow.flags = Flow::kRelated;
  flow.client_expects = flow.server_expects = 0;
  const bool is_passive = agreement.listener_is == ftp::Speaker::server;
  flow.client_port = is_passive ? uint16_t{0} : agreement.listener.port;
  flow.virtual_port = is_passive ? agreement.listener.port : port_below(control.virtual_port);
  flow.destination_port = is_passive ? agreement.listener.port : port_below(control.destination_port);
  return flow;
}

class Expecting {
 public:
  Expecting(FlowTable& flows, Flow& control, ConversationSlot& conversation, const Snapshot& snapshot, uint32_t now) noexcept
      : flows_{flows}, control_{flows.index_of(control)}, conversation_{conversation}, snapshot_{snapshot}, now_{now} {}

  bool run(Flow& wanted) noexcept {
    wanted.expires_at = now_ + listen_ticks(wanted);
    for (const Key& key : {flows_.forward_key(wanted), flows_.reverse_key(wanted)}) {
      if (Flow* there = flows_.find(key, flows_.hash_of(key)).flow) return again(*there, wanted);
    }
    if (!make_place()) return false;
    Flow* made = flows_.insert(wanted);
    if (made == nullptr) return false;
    conversation_.data[0] = flows_.index_of(*made) + 1;
    flows_.block().controls[flows_.index_of(*made)] = control_;
    return true;
  }

 private:
  [[nodiscard]] uint32_t listen_ticks(const Flow& flow) const noexcept {
    const uint8_t profile = flows_.block().destinations[flow.destination].profile;
    return snapshot_.timeouts(profile)[static_cast<size_t>(FlowState::LISTEN)];
  }

  // The same ports once more. One that goes on is left alone; one that is over, or was never opened, waits again.
  bool again(Flow& there, const Flow& wanted) noexcept {
    if (there.destination != wanted.destination || !belongs(flows_.block(), flows_.index_of(there) + 1, control_)) return false;
    if (!is_over(there) && there.state != FlowState::LISTEN) return true;
    flows_.change_state(there, FlowState::LISTEN);
    there.expires_at = wanted.expires_at;
    flows_.hasten(there);
    return true;
  }

  // The oldest leaves the list: one that is gone or over first, else one that was never opened, which then ends.
  bool make_place() noexcept {
    Block& block = flows_.block();
    auto& data = conversation_.data;
    const auto last = [&](auto&& fits) { return std::find_if(data.rbegin(), data.rend(), fits); };
    auto found = last([&](uint32_t name) { return !belongs(block, name, control_); });
    if (found == data.rend()) found = last([&](uint32_t name) { return is_over(block.flows[name - 1]); });
    if (found == data.rend()) {
      found = last([&](uint32_t name) { return block.flows[name - 1].state == FlowState::LISTEN; });
      if (found == data.rend()) return false;
      flows_.remove(block.flows[*found - 1]);
    }
    std::move_backward(data.begin(), found.base() - 1, found.base());
    return true;
  }

  FlowTable& flows_;
  const uint32_t control_;
  ConversationSlot& conversation_;
  const Snapshot& snapshot_;
  const uint32_t now_;
};

// `otherwise` has the port in it that the waiting flow was made with.
ExpectedData find(const FlowTable& flows, const Key& otherwise, Leg leg, const Key& key) noexcept {
  const Found found = flows.find(otherwise, flows.hash_of(otherwise));
  if (found.flow == nullptr || found.leg != leg || !found.flow->has(Flow::kRelated) || found.flow->state != FlowState::LISTEN) return {};
  ExpectedData expected{found.flow, *found.flow, leg};
  if (leg == Leg::forward) {
    expected.wanted.client_port = key.source_port;
  } else {
    expected.wanted.virtual_port = expected.wanted.destination_port = key.source_port;
  }
  return expected;
}

}  // namespace

bool expect_data(FlowTable& flows, Flow& control, ConversationSlot& conversation, const ftp::Agreement& agreement, const Snapshot& snapshot,
                 uint32_t now) noexcept {
  Flow wanted = flow_of(control, agreement);
  return Expecting{flows, control, conversation, snapshot, now}.run(wanted);
}

ExpectedData find_expected(const FlowTable& flows, const Key& key, const Snapshot& snapshot) noexcept {
  Key other = key;
  other.source_port = 0;
  if (ExpectedData passive = find(flows, other, Leg::forward, key); passive.waiting != nullptr) return passive;
  for (const Service& service : snapshot.services()) {
    if (!service.helps_ftp) continue;
    for (const Destination& destination : service.destinations) {
      if (!(destination.address == key.source)) continue;
      other.source_port = port_below(destination.port != 0 ? destination.port : to_wire(service.listeners[0].first_port));
      if (ExpectedData active = find(flows, other, Leg::reverse, key); active.waiting != nullptr) return active;
    }
  }
  return {};
}

Flow* complete_expected(FlowTable& flows, const ExpectedData& expected) noexcept {
  Block& block = flows.block();
  const uint32_t before = flows.index_of(*expected.waiting), control = block.controls[before];
  flows.remove(*expected.waiting);
  Flow* made = flows.insert(expected.wanted);
  if (made == nullptr) return nullptr;
  const uint32_t after = flows.index_of(*made);
  block.controls[after] = control;
  if (control >= block.header->max_flows) return made;
  if (ConversationSlot* conversation = find_conversation(block, block.flows[control])) {
    std::replace(conversation->data.begin(), conversation->data.end(), before + 1, after + 1);
  }
  return made;
}

bool has_data(const Block& block, const Flow& control) noexcept {
  const auto index = static_cast<uint32_t>(&control - block.flows);
  const ConversationSlot* conversation = find_conversation(const_cast<Block&>(block), control);
  return conversation != nullptr &&
         std::any_of(conversation->data.begin(), conversation->data.end(), [&](uint32_t name) { return belongs(block, name, index); });
}

}  // namespace natlb
