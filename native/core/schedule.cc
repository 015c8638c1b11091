// schedule: what first packets need. Everything else leaves at the first line.
#include "core/checksum.h"
#include "core/choose.h"
#include "core/data_connections.h"
#include "core/sctp.h"
#include "core/stages.h"

namespace natlb {

namespace {

// Only a SYN alone opens a connection, only an INIT an association; any datagram a conversation.
bool opens(const Packet& packet) noexcept {
  if (packet.protocol == kSctp) return opens_association(packet);
  return packet.protocol != kTcp || (packet.tcp_flags & (tcp::kSyn | tcp::kAck | tcp::kRst | tcp::kFin)) == tcp::kSyn;
}

// A connection that is over may be followed by another from the same client port (IPVS conn_reuse_mode 1).
bool is_over(const Flow& flow) noexcept {
  return flow.state == FlowState::TIME_WAIT || flow.state == FlowState::CLOSE || flow.state == FlowState::SCTP_CLOSED;
}

bool is_abort(const Packet& packet) noexcept { return packet.protocol == kSctp && event_of(packet) == SctpEvent::abort; }

// The one track will find it in: schedulers must see connections of this batch as active, too.
FlowState first_state(const Packet& packet) noexcept {
  if (packet.protocol == kSctp) return FlowState::SCTP_NONE;
  return packet.protocol == kTcp ? next_state(FlowState::NONE, Leg::forward, packet.tcp_flags) : FlowState::UDP;
}

class Scheduling {
 public:
  Scheduling(Batch& batch, const View& view, FlowTable& flows, Fragments& fragments, Passing& passing, IcmpBudget& icmp, Counter& sheds,
             uint32_t now) noexcept
      : batch_{batch}, view_{view}, flows_{flows}, fragments_{fragments}, passing_{passing}, icmp_{icmp}, sheds_{sheds}, now_{now} {}

  void run(Packet& packet) noexcept {
    if (changed_) look_again(packet);
    if (packet.fragment.place == Fragment::Place::later) return follow(packet);
    if (packet.flow != nullptr && packet.is_icmp_error) return judge_error(packet);
    if (packet.flow != nullptr && !is_reopened(packet) && !is_rehomed(packet)) return;
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

  // It opens nothing: where its first fragment went, it goes.
  void follow(Packet& packet) noexcept {
    if (packet.flow == nullptr) fragments_.recall(packet);
    if (packet.flow == nullptr) packet.verdict = Verdict::fragment_no_flow;
  }

  bool is_reopened(Packet& packet) noexcept {
    if (packet.leg != Leg::forward || !is_over(*packet.flow) || !opens(packet)) return false;
    end(*packet.flow, packet);
    packet.flow = nullptr;
    return true;
  }

  // Who forges an error about a connection knows its addresses and ports, but hardly what it has just said (RFC 5927 4.1).
  static void judge_error(Packet& packet) noexcept {
    const Flow& flow = *packet.flow;
    const uint32_t expected = packet.leg == Leg::forward ? flow.client_expects : flow.server_expects;
    const bool is_recent = flow.protocol != kTcp || is_near(host32(packet.frame + packet.inner_l4 + tcp::kSequence), expected);
    if (!is_recent || claims_tiny_mtu(packet)) packet.verdict = Verdict::icmp_unbelievable;
  }

  // Who makes a sender cut its packets ever smaller, down to headers and hardly anything else (RFC 5927 7.2); no path has less than these.
  // 0 = the router does not say (RFC 1191 4).
  static bool claims_tiny_mtu(const Packet& packet) noexcept {
    constexpr uint16_t kLeast4 = 552;
    constexpr uint32_t kLeast6 = 1280;
    const uint8_t* message = packet.frame + packet.l4;
    if (!packet.is_v4) return message[icmp::kType] == icmp::kTooBig6 && host32(message + icmp::kMtu6) < kLeast6;
    const uint16_t mtu = host16(message + icmp::kMtu4);
    return message[icmp::kType] == icmp::kUnreachable4 && message[icmp::kCode] == icmp::kFragmentationNeeded && mtu != 0 && mtu < kLeast4;
  }

  // UDP knows no end of a connection, so a client would talk to a server that is down for ever.
  bool is_rehomed(Packet& packet) noexcept {
    if (packet.key.protocol != kUdp || packet.leg != Leg::forward) return false;
    const DestinationSlot& destination = flows_.block().destinations[packet.flow->destination];
    if (!is_lost(destination.standing.load(std::memory_order_relaxed))) return false;
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
    const Key& key = packet.key;
    if (view_.snapshot->helps_ftp() && key.protocol == kTcp && opens(packet) && open_data(packet)) return;
    const auto [service, listener] = view_.snapshot->find_service(key.target, key.target_port, key.protocol);
    if (service == nullptr) {
      answer_of_one_packet(packet);
    } else if (!view_.routes->is_local(key.target)) {
      packet.verdict = Verdict::service_inactive;
    } else if (view_.routes->is_local(key.source)) {
      packet.verdict = Verdict::martian;
    } else if (!opens(packet) && !is_picked_up(packet, *service)) {
      refuse_stray(packet);
    } else if (is_admitted(packet, *service)) {
      assign(packet, *service, *listener);
    }
  }

  // The first packet of a connection that an FTP control connection has agreed on.
  bool open_data(Packet& packet) noexcept {
    const ExpectedData expected = find_expected(flows_, packet.key, *view_.snapshot);
    if (expected.waiting == nullptr) return false;
    const Key forward = flows_.forward_key(expected.wanted);
    if (!view_.routes->is_local(forward.target)) return false;
    if (!make_free(packet, forward) || !make_free(packet, flows_.reverse_key(expected.wanted))) {
      packet.verdict = Verdict::tuple_in_use;
      return true;
    }
    packet.flow = complete_expected(flows_, expected);
    packet.leg = expected.leg;
    changed_ = true;
    if (packet.flow == nullptr) packet.verdict = Verdict::flow_table_full;
    return true;
  }

  // What stands in the way and is over ends.
  bool make_free(const Packet& packet, const Key& key) noexcept {
    const Found found = flows_.find(key, flows_.hash_of(key));
    if (found.flow == nullptr) return true;
    if (!is_over(*found.flow)) return false;
    end(*found.flow, packet);
    return true;
  }

  // Flows of the router whose address this is now may go on here, as far as the scheduler leads to the same destination.
  bool is_picked_up(const Packet& packet, const Service& service) const noexcept {
    if ((packet.tcp_flags & tcp::kRst) != 0 || is_abort(packet)) return false;
    return service.sloppy == Sloppy::always || (service.sloppy == Sloppy::takeover && in_takeover());
  }

  bool in_takeover() const noexcept { return static_cast<int32_t>(view_.takeover_until - now_) > 0; }

  void refuse_stray(Packet& packet) noexcept {
    if (in_takeover()) {
      packet.verdict = Verdict::taken_over;
    } else {
      reset(packet, packet.protocol == kSctp ? Verdict::answered_abort : Verdict::answered_reset);
    }
  }

  // No flow, and from a destination: the answer to a packet that was scheduled for itself, or nothing of ours.
  void answer_of_one_packet(Packet& packet) noexcept {
    const Snapshot& snapshot = *view_.snapshot;
    const Key& key = packet.key;
    const auto [service, destination] = key.protocol == kUdp ? snapshot.find_one_packet(key.source, key.source_port) : Snapshot::Source{};
    if (service != nullptr && view_.routes->is_local(service->listeners[0].address)) {
      const Listener& listener = service->listeners[0];
      const uint16_t port = listener.is_single() ? to_wire(listener.first_port) : key.source_port;
      Flow wanted = flow_between(listener, port, {destination->slot, destination->port}, key.target, key.target_port, kUdp, FlowState::UDP);
      wanted.destination_port = key.source_port;
      pass(packet, wanted, Leg::reverse);
    } else {
      packet.verdict = snapshot.is_destination(key.source, key.source_port, key.protocol) ? Verdict::no_flow : Verdict::no_service;
    }
  }

  void assign(Packet& packet, const Service& service, const Listener& listener) noexcept {
    // A client that talks to two services from one port could be given the same destination twice, and replies could not be told apart.
    constexpr int kAttempts = 8;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const Chosen chosen = choose(service, listener, packet.key, flows_, now_);
      if (chosen.keeper != nullptr) changed_ = true;
      if (chosen.full) {
        if (shed(kNone, packet)) continue;
        packet.verdict = Verdict::flow_table_full;
        return;
      }
      if (chosen.slot == kNone) return refuse(packet, service);
      Flow wanted = flow_between(listener, packet.key.target_port, chosen, packet.key.source, packet.key.source_port, packet.key.protocol,
                                 first_state(packet));
      // A range is where data connections go.
      if (service.helps_ftp && packet.key.protocol == kTcp && listener.is_single()) wanted.flags |= Flow::kHelped;
      if (service.one_packet) {
        flows_.block().destinations[wanted.destination].connections.add(1);
        return pass(packet, wanted, Leg::forward);
      }
      if (is_free(packet, wanted)) return create(packet, wanted, chosen.keeper);
    }
    packet.verdict = Verdict::tuple_in_use;
  }

  Flow flow_between(const Listener& listener, uint16_t virtual_port, const Chosen& chosen, const Address& client, uint16_t client_port,
                    uint8_t protocol, FlowState state) const noexcept {
    const DestinationSlot& destination = flows_.block().destinations[chosen.slot];
    Flow flow{};
    flow.client = client;
    flow.client_port = client_port;
    flow.virtual_port = virtual_port;
    flow.destination_port = chosen.port == 0 ? virtual_port : chosen.port;
    flow.virtual_address = listener.slot;
    flow.protocol = protocol;
    flow.state = state;
    flow.destination = chosen.slot;
    flow.expires_at = now_ + view_.snapshot->timeouts(destination.profile)[static_cast<size_t>(flow.state)];
    flow.address_delta = delta(listener.address, destination.address);
    return flow;
  }

  // The packet travels on a flow that lasts no longer than itself.
  void pass(Packet& packet, const Flow& flow, Leg leg) noexcept {
    Flow& own = passing_[static_cast<size_t>(&packet - batch_.begin())];
    own = flow;
    packet.flow = &own;
    packet.leg = leg;
    if (packet.fragment.place == Fragment::Place::first) fragments_.remember(packet);
  }

  bool is_free(const Packet& packet, const Flow& wanted) noexcept {
    const Key reverse = flows_.reverse_key(wanted);
    const Found found = flows_.find(reverse, flows_.hash_of(reverse));
    if (found.flow == nullptr) return true;
    if (found.leg != Leg::reverse || !is_over(*found.flow)) return false;
    end(*found.flow, packet);
    return true;
  }

  // A flood of first packets is answered by giving up the oldest flows that were never completed: a client that answers has long left them.
  bool is_admitted(Packet& packet, const Service& service) noexcept {
    const HalfOpenLimits& limits = view_.snapshot->half_open();
    if (packet.key.protocol != kTcp) return true;
    if (limits.source != 0 && flows_.half_open().of_source(packet.key.source, service.slot) >= limits.source) {
      packet.verdict = Verdict::source_floods;
      return false;
    }
    const bool crowded = limits.service != 0 && flows_.block().services[service.slot].half_open >= limits.service;
    if (!crowded || shed(service.slot, packet)) return true;
    packet.verdict = Verdict::service_flooded;
    return false;
  }

  bool shed(uint32_t service, const Packet& successor) noexcept {
    Flow* oldest = flows_.oldest_half_open(service);
    if (oldest == nullptr) return false;
    end(*oldest, successor);
    sheds_.add(1);
    return true;
  }

  void create(Packet& packet, const Flow& wanted, Flow* keeper) noexcept {
    packet.flow = flows_.insert(wanted);
    if (packet.flow == nullptr && shed(kNone, packet)) packet.flow = flows_.insert(wanted);
    packet.leg = Leg::forward;
    changed_ = true;
    if (packet.flow == nullptr) {
      packet.verdict = Verdict::flow_table_full;
      return;
    }
    if (keeper != nullptr) flows_.control(*packet.flow, *keeper);
    if (wanted.has(Flow::kHelped) && begin_conversation(flows_.block(), *packet.flow) == nullptr) packet.flow->flags ^= Flow::kHelped;
    flows_.block().destinations[wanted.destination].connections.add(1);
  }

  // There is no destination.
  void refuse(Packet& packet, const Service& service) noexcept {
    const uint8_t protocol = packet.key.protocol;
    switch (service.no_destination) {
      case NoDestination::drop:
        packet.verdict = Verdict::no_destination;
        return;
      case NoDestination::icmp:
        return unreachable(packet);
      case NoDestination::reset:
        if (protocol == kSctp) return reset(packet, Verdict::answered_no_destination);
        [[fallthrough]];
      case NoDestination::reset_or_icmp:
        return protocol == kTcp ? reset(packet, Verdict::answered_no_destination) : unreachable(packet);
    }
  }

  void reset(Packet& packet, Verdict outcome) noexcept {
    if ((packet.tcp_flags & tcp::kRst) != 0) {
      packet.verdict = Verdict::no_flow;  // a RST is never answered (RFC 9293 3.5.2)
    } else if (packet.protocol == kSctp) {
      answer_sctp(packet, outcome);
    } else {
      answer_reset(packet, outcome);
    }
  }

  void unreachable(Packet& packet) noexcept {
    if (icmp_.take(now_)) {
      answer_icmp(packet, kPortUnreachable, packet.key.target, Verdict::answered_no_destination);
    } else {
      packet.verdict = Verdict::icmp_rate_limited;
    }
  }

  Batch& batch_;
  const View& view_;
  FlowTable& flows_;
  Fragments& fragments_;
  Passing& passing_;
  IcmpBudget& icmp_;
  Counter& sheds_;
  uint32_t now_;
  bool changed_ = false;
};

}  // namespace

void schedule(Batch& batch, const View& view, FlowTable& flows, Fragments& fragments, Passing& passing, IcmpBudget& icmp, Counter& sheds,
              uint32_t now) noexcept {
  Scheduling scheduling{batch, view, flows, fragments, passing, icmp, sheds, now};
  for_each_pending(batch, [&](Packet& packet) {
    packet.outcome = Verdict::pending;
    scheduling.run(packet);
  });
}

}  // namespace natlb
