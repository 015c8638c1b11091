// route: what a router does to a packet that goes on (RFC 1812 5.3, RFC 8200 3): TTL, MTU, the next hop's link-layer address.
#include "core/checksum.h"
#include "core/fragmenting.h"
#include "core/ip.h"
#include "core/stages.h"

namespace natlb {

namespace {

Address target_address(const Packet& packet) noexcept { return target_of(packet.frame + packet.l3, packet.is_v4); }

NextHop next_hop(const Packet& packet, const View& view) noexcept { return view.routes->find(target_address(packet)); }

// Or may get some.
bool has_tags(const Packet& packet, const View& view) noexcept { return packet.l3 != kEthernetHeader || !view.tagged.empty(); }

void send_by(Packet& packet, const NextHop& hop, const View& view, Missing& missing) noexcept {
  if (hop.interface == kNoInterface) {
    packet.verdict = Verdict::no_route;
  } else if (view.device_of_interface[hop.interface] == View::kNoDevice) {
    packet.verdict = Verdict::no_device;
  } else if (!hop.resolved) {
    packet.verdict = Verdict::no_neighbour;
    missing.neighbours[missing.count++] = {hop.interface, hop.neighbour};
  } else if (has_tags(packet, view) && !retag(packet, view.routes->interfaces()[hop.interface].tags)) {
    packet.verdict = Verdict::device_down;
  } else {
    std::memcpy(packet.frame, hop.destination.bytes, 6);
    std::memcpy(packet.frame + 6, hop.source.bytes, 6);
    packet.device_out = view.device_of_interface[hop.interface];
    packet.verdict = packet.outcome;
  }
}

class Routing {
 public:
  Routing(const View& view, const Block& block, IcmpBudget& icmp, uint32_t now, Missing& missing) noexcept
      : view_{view}, block_{block}, icmp_{icmp}, now_{now}, missing_{missing} {}

  void run(Packet& packet) noexcept {
    if (is_answer(packet)) return send(packet);
    if (ttl(packet) <= 1) return refuse(packet, kTtlExceeded, Verdict::answered_ttl_exceeded);
    const NextHop hop = packet.is_icmp_error ? next_hop(packet, view_) : next_hop_of_flow(packet);
    if (hop.interface != kNoInterface && size_on_wire(packet) > hop.mtu) {
      if (!may_be_cut(packet)) return refuse(packet, too_big(hop.mtu), Verdict::answered_too_big);
      if (!shrink(packet, hop.mtu)) {
        packet.verdict = Verdict::too_big_quiet;
        return;
      }
    }
    lower_ttl(packet);
    send_by(packet, hop, view_, missing_);
  }

 private:
  static bool is_answer(const Packet& packet) noexcept { return row(packet.outcome).fate == Fate::answered; }

  // A flow keeps its next hops for as long as the routes stay.
  NextHop next_hop_of_flow(const Packet& packet) const noexcept {
    const Routes& routes = *view_.routes;
    Flow& flow = *packet.flow;
    if (flow.routes != routes.serial()) {
      flow.routes = routes.serial();
      flow.next_forward = flow.next_reverse = Routes::kNoHop;
    }
    uint16_t& kept = packet.leg == Leg::forward ? flow.next_forward : flow.next_reverse;
    if (kept == Routes::kNoHop) kept = routes.reference(target_address(packet));
    return kept == Routes::kNoHop ? routes.find(target_address(packet)) : routes.follow(kept);
  }

  static uint8_t& ttl(Packet& packet) noexcept { return packet.frame[packet.l3 + (packet.is_v4 ? ipv4::kTtl : ipv6::kHopLimit)]; }

  static void lower_ttl(Packet& packet) noexcept {
    --ttl(packet);
    if (!packet.is_v4) return;
    uint8_t* checksum = packet.frame + packet.l3 + ipv4::kChecksum;
    store16(checksum, adjust(load16(checksum), delta16(to_wire(0x0100), 0)));
  }

  // A super-packet leaves as segments of its gso_size.
  static size_t size_on_wire(const Packet& packet) noexcept {
    if (packet.offload.gso_type == 0) return packet.end - packet.l3;
    return headers(packet) + packet.offload.gso_size;
  }

  static size_t headers(const Packet& packet) noexcept {
    const size_t l4_header =
        packet.protocol == kTcp ? static_cast<size_t>(packet.frame[packet.l4 + tcp::kDataOffset] >> 4) * 4 : kUdpHeader;
    return packet.l4 - packet.l3 + l4_header;
  }

  static bool may_be_cut(const Packet& packet) noexcept {
    return packet.is_v4 && (host16(packet.frame + packet.l3 + ipv4::kFragmentOffset) & ipv4::kDontFragment) == 0;
  }

  // Transmit cuts it, which has the frames. A TCP super-packet is to be cut by a NIC anyway, and is then in smaller segments: better than
  // fragments of larger ones, and its sender cannot tell. False when the MTU leaves no room, or hardly any.
  static bool shrink(Packet& packet, uint32_t mtu) noexcept {
    if (packet.offload.gso_type != 0) {
      if (packet.protocol != kTcp || headers(packet) >= mtu) return false;
      packet.offload.gso_size = static_cast<uint16_t>(mtu - headers(packet));
      return true;
    }
    const size_t pieces = Cut{packet.frame + packet.l3, mtu}.pieces();
    packet.fragment_to = mtu;
    return pieces > 0 && pieces <= kBatch;
  }

  // The sender must see its own packet in the error, so the translation is taken back first.
  void refuse(Packet& packet, const IcmpAnswer& answer, Verdict outcome) noexcept {
    if (!packet.is_icmp_error) translate(packet, *packet.flow, packet.leg, block_, true);
    const NextHop back = view_.routes->find(source_of(packet.frame + packet.l3, packet.is_v4));
    const Address* own = may_be_answered(packet) ? own_address(packet, back) : nullptr;
    if (own == nullptr) {
      packet.verdict = outcome == Verdict::answered_too_big ? Verdict::too_big_quiet : Verdict::ttl_exceeded_quiet;
    } else if (!icmp_.take(now_)) {
      packet.verdict = Verdict::icmp_rate_limited;
    } else {
      answer_icmp(packet, answer, *own, outcome);
      send_by(packet, back, view_, missing_);
    }
  }

  // RFC 1122 3.2.2 names both; RFC 4443 2.4 (e) only errors, and a sender of IPv6 fragments has no other way to learn the MTU.
  static bool may_be_answered(const Packet& packet) noexcept {
    return !packet.is_icmp_error && !(packet.is_v4 && packet.fragment.place == Fragment::Place::later);
  }

  // An address of the interface by which the error leaves (RFC 1812 4.3.2.4): one of the other side's must not show on this.
  const Address* own_address(const Packet& packet, const NextHop& back) const noexcept {
    if (back.interface == kNoInterface) return nullptr;
    for (const Address& address : view_.routes->interfaces()[back.interface].addresses) {
      const bool link_local = !address.is_v4() && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
      if (address.is_v4() == packet.is_v4 && !link_local) return &address;
    }
    return nullptr;
  }

  void send(Packet& packet) noexcept { send_on(packet, view_, missing_); }

  const View& view_;
  const Block& block_;
  IcmpBudget& icmp_;
  uint32_t now_;
  Missing& missing_;
};

}  // namespace

void send_on(Packet& packet, const View& view, Missing& missing) noexcept { send_by(packet, next_hop(packet, view), view, missing); }

void route(Batch& batch, const View& view, const Block& block, IcmpBudget& icmp, uint32_t now, Missing& missing) noexcept {
  Routing routing{view, block, icmp, now, missing};
  for_each_pending(batch, [&](Packet& packet) { routing.run(packet); });
}

}  // namespace natlb
