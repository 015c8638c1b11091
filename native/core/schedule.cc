// schedule: what first packets need. Everything else leaves at the first line.
#include "core/stages.h"

namespace natlb {

namespace {

// Only a SYN alone opens a connection.
bool opens(const Packet& packet) noexcept { return (packet.tcp_flags & (tcp::kSyn | tcp::kAck | tcp::kRst | tcp::kFin)) == tcp::kSyn; }

// A connection that is over may be followed by another from the same client port (IPVS conn_reuse_mode 1).
bool is_over(const Flow& flow) noexcept { return flow.state == FlowState::TIME_WAIT || flow.state == FlowState::CLOSE; }

class Scheduling {
 public:
  Scheduling(Batch& batch, const View& view, FlowTable& flows, IcmpBudget& icmp, uint32_t now) noexcept
      : batch_{batch}, view_{view}, flows_{flows}, icmp_{icmp}, now_{now} {}

  void run(Packet& packet) noexcept {
    if (changed_) look_again(packet);
    if (packet.flow != nullptr && !is_reopened(packet)) return;
    if (packet.is_icmp_error) {
      packet.verdict = Verdict::icmp_no_flow;
      return;
    }
    open(packet);
  }

 private:
  // A packet before this one in the batch made or ended a flow, so what lookup found may be gone or too little.
  void look_again(Packet& packet) noexcept {
    const Found found = flows_.find(packet.key, packet.hash);
    packet.flow = found.flow;
    packet.leg = found.leg;
  }

  bool is_reopened(Packet& packet) noexcept {
    if (packet.is_icmp_error || packet.key.protocol != kTcp || packet.leg != Leg::forward || !opens(packet) || !is_over(*packet.flow))
      return false;
    end(*packet.flow, packet);
    packet.flow = nullptr;
    return true;
  }

  // `successor` begins another connection in the flow's place. What came before it in the batch comes too late: the stages after this one
  // must not touch a record that is free, or another's.
  void end(Flow& flow, const Packet& successor) noexcept {
    for (Packet* late = batch_.begin(); late != &successor; ++late) {
      if (late->verdict != Verdict::pending || late->flow != &flow) continue;
      late->verdict = late->is_icmp_error ? Verdict::icmp_no_flow : Verdict::no_flow;
    }
    flows_.remove(flow);
    changed_ = true;
  }

  void open(Packet& packet) noexcept {
    const Snapshot& snapshot = *view_.snapshot;
    const Service* service = snapshot.find_service({packet.key.target, packet.key.target_port}, packet.key.protocol);
    if (service == nullptr) {
      const bool known = snapshot.is_destination({packet.key.source, packet.key.source_port}, packet.key.protocol);
      packet.verdict = known ? Verdict::no_flow : Verdict::no_service;
    } else if (!view_.routes->is_local(service->endpoint.address)) {
      packet.verdict = Verdict::service_inactive;
    } else if (view_.routes->is_local(packet.key.source)) {
      packet.verdict = Verdict::martian;
    } else if (service->protocol == kTcp && !opens(packet)) {
      refuse(packet, Verdict::answered_reset);
    } else {
      assign(packet, *service);
    }
  }

  void assign(Packet& packet, const Service& service) noexcept {
    SchedulerState& state = flows_.block().services[service.slot].scheduler;
    // A client that talks to two services from one port could be given the same destination twice, and replies could not be told apart.
    constexpr int kAttempts = 8;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const Destination* destination = service.scheduler->pick(service, state);
      if (destination == nullptr) return refuse(packet, Verdict::answered_no_destination);
      if (is_free(packet, *destination)) return create(packet, service, *destination);
    }
    packet.verdict = Verdict::tuple_in_use;
  }

  bool is_free(const Packet& packet, const Destination& destination) noexcept {
    const Key reverse{destination.endpoint.address, packet.key.source, destination.endpoint.port, packet.key.source_port,
                      packet.key.protocol};
    const Found found = flows_.find(reverse, flows_.hash_of(reverse));
    if (found.flow == nullptr) return true;
    if (found.leg != Leg::reverse || packet.key.protocol != kTcp || !is_over(*found.flow)) return false;
    end(*found.flow, packet);
    return true;
  }

  void create(Packet& packet, const Service& service, const Destination& destination) noexcept {
    Flow wanted{};
    wanted.client = packet.key.source;
    wanted.client_port = packet.key.source_port;
    wanted.protocol = packet.key.protocol;
    wanted.state = packet.key.protocol == kTcp ? FlowState::NONE : FlowState::UDP;
    wanted.service = service.slot;
    wanted.destination = destination.slot;
    wanted.expires_at = now_ + view_.snapshot->timeout(wanted.state);
    wanted.address_delta = destination.address_delta;
    wanted.l4_delta = destination.l4_delta;
    packet.flow = flows_.insert(wanted);
    packet.leg = Leg::forward;
    changed_ = true;
    if (packet.flow == nullptr) {
      packet.verdict = Verdict::flow_table_full;
    } else {
      flows_.block().destinations[destination.slot].connections.add(1);
    }
  }

  void refuse(Packet& packet, Verdict outcome) noexcept {
    if (packet.key.protocol == kTcp) {
      if ((packet.tcp_flags & tcp::kRst) != 0) {
        packet.verdict = Verdict::no_flow;  // a RST is never answered (RFC 9293 3.5.2)
      } else {
        answer_reset(packet, outcome);
      }
    } else if (icmp_.take(now_)) {
      answer_icmp(packet, kPortUnreachable, packet.key.target, outcome);
    } else {
      packet.verdict = Verdict::icmp_rate_limited;
    }
  }

  Batch& batch_;
  const View& view_;
  FlowTable& flows_;
  IcmpBudget& icmp_;
  uint32_t now_;
  bool changed_ = false;
};

}  // namespace

void schedule(Batch& batch, const View& view, FlowTable& flows, IcmpBudget& icmp, uint32_t now) noexcept {
  Scheduling scheduling{batch, view, flows, icmp, now};
  for_each_pending(batch, [&](Packet& packet) {
    packet.outcome = Verdict::pending;
    scheduling.run(packet);
  });
}

}  // namespace natlb
