// Slots are named by what they stand for: a service by protocol, address and port; a destination by its service, address and port.
#include "engine/slot_directory.h"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <tuple>

#include "core/checksum.h"

namespace natlb {

namespace {

std::array<uint8_t, 16> bytes_of(const Address& address) {
  std::array<uint8_t, 16> bytes{};
  std::copy(std::begin(address.bytes), std::end(address.bytes), bytes.begin());
  return bytes;
}

void add(SlotDirectory::Sum& sum, const Traffic& traffic) {
  sum.connections += traffic.connections.get();
  sum.packets_in += traffic.packets_in.get();
  sum.packets_out += traffic.packets_out.get();
  sum.bytes_in += traffic.bytes_in.get();
  sum.bytes_out += traffic.bytes_out.get();
}

void add(SlotDirectory::Sum& sum, const DestinationSlot& slot) {
  sum.connections += slot.connections.get();
  sum.packets_in += slot.packets_in.get();
  sum.packets_out += slot.packets_out.get();
  sum.bytes_in += slot.bytes_in.get();
  sum.bytes_out += slot.bytes_out.get();
}

uint32_t take(std::vector<uint32_t>& free, const char* what) {
  if (free.empty()) throw std::length_error(std::string("no room for another ") + what);
  const uint32_t slot = free.back();
  free.pop_back();
  return slot;
}

// Torn: its service is none. No flow can have been adopted for it.
bool is_orphan(const DestinationSlot& destination, const Block& block) {
  return destination.service >= kMaxServices || block.services[destination.service].in_use == 0;
}

std::array<uint32_t, kFlowStates> timeouts(const WantedSnapshot& wanted) {
  std::array<uint32_t, kFlowStates> ticks{};
  for (size_t state = 0; state < kFlowStates; ++state) ticks[state] = kFlowStateRows[state].seconds * kTicksPerSecond;
  const auto set = [&ticks](FlowState state, uint32_t ms) { ticks[static_cast<size_t>(state)] = std::max(1U, ms / kMillisPerTick); };
  set(FlowState::ESTABLISHED, wanted.tcp_ms);
  set(FlowState::FIN_WAIT, wanted.tcp_fin_ms);
  set(FlowState::UDP, wanted.udp_ms);
  return ticks;
}

}  // namespace

SlotDirectory::SlotDirectory(Block& block) : block_{block} {
  for (uint32_t slot = kMaxServices; slot-- > 0;) {
    const ServiceSlot& service = block.services[slot];
    if (service.in_use == 0) {
      free_services_.push_back(slot);
    } else {
      services_[{bytes_of(service.endpoint.address), service.endpoint.port, service.protocol}] = slot;
    }
  }
  for (uint32_t slot = kMaxDestinations; slot-- > 0;) {
    DestinationSlot& destination = block.destinations[slot];
    if (destination.in_use != 0 && is_orphan(destination, block)) destination.in_use = 0;
    if (destination.in_use == 0) {
      free_destinations_.push_back(slot);
    } else {
      destinations_[{destination.service, bytes_of(destination.endpoint.address), destination.endpoint.port}] = slot;
    }
  }
}

Snapshot SlotDirectory::build(const WantedSnapshot& wanted) {
  std::vector<Service> services;
  services.reserve(wanted.services.size());
  std::set<uint32_t> seen;
  for (const WantedService& service : wanted.services) {
    services.push_back(build(service));
    if (!seen.insert(services.back().slot).second) throw std::invalid_argument("a service is given twice");
  }
  return Snapshot{wanted.generation, std::move(services), timeouts(wanted)};
}

Service SlotDirectory::build(const WantedService& wanted) {
  const SchedulerRow* scheduler = find_scheduler(wanted.scheduler);
  if (scheduler == nullptr) throw std::invalid_argument("unknown scheduler " + wanted.scheduler);
  Service service{wanted.endpoint, wanted.protocol, service_slot(wanted), scheduler, {}};
  service.destinations.reserve(wanted.destinations.size());
  for (const WantedDestination& destination : wanted.destinations) {
    const uint16_t address_delta = delta(wanted.endpoint.address, destination.endpoint.address);
    const uint16_t port_delta = delta16(wanted.endpoint.port, destination.endpoint.port);
    service.destinations.push_back({destination.endpoint, destination.weight, destination_slot(service.slot, destination.endpoint),
                                    address_delta, fold(static_cast<uint64_t>(address_delta) + port_delta)});
  }
  return service;
}

uint32_t SlotDirectory::service_slot(const WantedService& wanted) {
  const ServiceName name{bytes_of(wanted.endpoint.address), wanted.endpoint.port, wanted.protocol};
  if (const auto found = services_.find(name); found != services_.end()) return found->second;
  const uint32_t at = take(free_services_, "service");
  ServiceSlot& slot = block_.services[at];
  slot.endpoint = wanted.endpoint;
  slot.protocol = wanted.protocol;
  slot.scheduler = {};
  slot.in_use = 1;
  services_[name] = at;
  return at;
}

uint32_t SlotDirectory::destination_slot(uint32_t service, const Endpoint& endpoint) {
  const DestinationName name{service, bytes_of(endpoint.address), endpoint.port};
  if (const auto found = destinations_.find(name); found != destinations_.end()) return found->second;
  const uint32_t at = take(free_destinations_, "destination");
  DestinationSlot& slot = block_.destinations[at];
  slot.endpoint = endpoint;
  slot.service = service;
  slot.in_use = 1;
  destinations_[name] = at;
  return at;
}

void SlotDirectory::collect(const Snapshot& current) {
  std::set<uint32_t> services, destinations;
  for (const Service& service : current.services()) {
    services.insert(service.slot);
    for (const Destination& destination : service.destinations) destinations.insert(destination.slot);
  }
  for (auto entry = destinations_.begin(); entry != destinations_.end();) {
    const DestinationSlot& slot = block_.destinations[entry->second];
    if (destinations.contains(entry->second) || slot.flows.get() > 0) {
      services.insert(slot.service);
      ++entry;
    } else {
      give_up(entry->second);
      entry = destinations_.erase(entry);
    }
  }
  std::erase_if(services_, [&](const auto& entry) {
    if (services.contains(entry.second)) return false;
    ServiceSlot& slot = block_.services[entry.second];
    add(gone_, slot.past);
    for (Counter* counter :
         {&slot.past.connections, &slot.past.packets_in, &slot.past.packets_out, &slot.past.bytes_in, &slot.past.bytes_out}) {
      counter->set(0);
    }
    slot.in_use = 0;
    free_services_.push_back(entry.second);
    return true;
  });
}

// What the destination has carried stays with its service.
void SlotDirectory::give_up(uint32_t destination) {
  DestinationSlot& slot = block_.destinations[destination];
  Traffic& past = block_.services[slot.service].past;
  const auto move = [](Counter& from, Counter& to) {
    to.add(from.get());
    from.set(0);
  };
  move(slot.connections, past.connections);
  move(slot.packets_in, past.packets_in);
  move(slot.packets_out, past.packets_out);
  move(slot.bytes_in, past.bytes_in);
  move(slot.bytes_out, past.bytes_out);
  slot.in_use = 0;
  free_destinations_.push_back(destination);
}

SlotDirectory::Sum SlotDirectory::sum(uint32_t service) const {
  Sum sum;
  add(sum, block_.services[service].past);
  for (auto entry = destinations_.lower_bound({service, {}, 0}); entry != destinations_.end() && std::get<0>(entry->first) == service;
       ++entry) {
    add(sum, block_.destinations[entry->second]);
  }
  return sum;
}

SlotDirectory::Sum SlotDirectory::total() const {
  Sum sum = gone_;
  for (const auto& [name, slot] : services_) add(sum, block_.services[slot].past);
  for (const auto& [name, slot] : destinations_) add(sum, block_.destinations[slot]);
  return sum;
}

}  // namespace natlb
