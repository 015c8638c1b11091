// Persistence as IPVS has it (ip_vs_core.c: ip_vs_sched_persist), with templates of a service that has several ports shared by all of them.
#include "core/choose.h"

namespace natlb {

namespace {

constexpr uint64_t upper_bits(uint32_t bits) noexcept { return bits == 0 ? 0 : ~uint64_t{0} << (64 - bits); }

Address masked(const Address& address, uint32_t bits) noexcept {
  uint64_t words[2] = {address.high(), address.low()};
  const uint64_t masks[2] = {upper_bits(bits < 64 ? bits : 64), upper_bits(bits > 64 ? bits - 64 : 0)};
  for (int i = 0; i < 2; ++i) words[i] &= from_big(masks[i]);
  return Address::v6(words);
}

}  // namespace

// A template stands where no packet does: under a protocol of its own, and with its service's slot for a client port, so that services
// which share an address have their own.
Key template_key(const Service& service, const Listener& listener, const Key& key) noexcept {
  const bool alone = service.listeners.size() == 1;
  const uint16_t port = alone && listener.is_single() ? to_wire(listener.first_port) : uint16_t{0};
  return {masked(key.source, service.persistence_bits), service.listeners[0].address, static_cast<uint16_t>(service.slot), port,
          template_protocol(service.protocol)};
}

namespace {

class Choosing {
 public:
  Choosing(const Service& service, const Listener& listener, const Key& key, FlowTable& flows, uint32_t now) noexcept
      : service_{service}, listener_{listener}, key_{key}, flows_{flows}, now_{now} {}

  [[nodiscard]] Chosen scheduled() const noexcept {
    Block& block = flows_.block();
    const Destination* picked =
        service_.scheduler->pick({service_, block.services[service_.slot].scheduler, key_, block.destinations, block.loads});
    if (picked == nullptr) return {};
    return {picked->slot, picked->port};
  }

  // A template outlives the destination's weight (it may be 0 by now), but not the destination, nor its health.
  [[nodiscard]] Chosen kept() const noexcept {
    const Key wanted = template_key(service_, listener_, key_);
    const Found found = flows_.find(wanted, flows_.hash_of(wanted));
    if (found.leg == Leg::forward && is_there(*found.flow)) return renewed(*found.flow);
    const Chosen chosen = scheduled();
    if (chosen.slot == kNone) return chosen;
    if (found.leg == Leg::forward) return flows_.rebind(*found.flow, chosen.slot) ? renewed(*found.flow) : full();
    Flow* made = flows_.insert(new_template(wanted, chosen));
    return made == nullptr ? full() : Chosen{chosen.slot, chosen.port, made};
  }

 private:
  [[nodiscard]] bool is_there(const Flow& kept) const noexcept {
    return !is_lost(flows_.block().destinations[kept.destination].standing.load(std::memory_order_relaxed));
  }

  [[nodiscard]] Chosen renewed(Flow& kept) const noexcept {
    kept.expires_at = now_ + service_.persistence_ticks;
    return {kept.destination, flows_.block().destinations[kept.destination].port, &kept};
  }

  [[nodiscard]] static Chosen full() noexcept {
    Chosen chosen;
    chosen.full = true;
    return chosen;
  }

  [[nodiscard]] Flow new_template(const Key& wanted, const Chosen& chosen) const noexcept {
    Flow made{};
    made.client = wanted.source;
    made.client_port = wanted.source_port;
    made.virtual_port = wanted.target_port;
    made.destination_port = chosen.port;
    made.virtual_address = service_.listeners[0].slot;
    made.protocol = wanted.protocol;
    made.state = FlowState::NONE;
    made.flags = Flow::kTemplate;
    made.destination = chosen.slot;
    made.expires_at = now_ + service_.persistence_ticks;
    return made;
  }

  const Service& service_;
  const Listener& listener_;
  const Key& key_;
  FlowTable& flows_;
  uint32_t now_;
};

}  // namespace

Chosen choose(const Service& service, const Listener& listener, const Key& key, FlowTable& flows, uint32_t now) noexcept {
  const Choosing choosing{service, listener, key, flows, now};
  return service.persistence_ticks == 0 ? choosing.scheduled() : choosing.kept();
}

}  // namespace natlb
