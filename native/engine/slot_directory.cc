// Slots are named by what they stand for: a service by its name, a virtual address by itself, a destination by its service, address and
// port.
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

// Whatever is alike gets the same row.
uint8_t profile(std::vector<Timeouts>& rows, const WantedTimeouts& own, const WantedTimeouts& common) {
  Timeouts ticks{};
  for (size_t state = 0; state < kFlowStates; ++state) {
    const uint32_t ms = own[state] != 0 ? own[state] : common[state];
    ticks[state] = ms != 0 ? std::max(1U, ms / kMillisPerTick) : kFlowStateRows[state].seconds * kTicksPerSecond;
  }
  const auto found = std::ranges::find(rows, ticks);
  const auto at = static_cast<size_t>(found - rows.begin());
  if (at > UINT8_MAX) throw std::length_error("more than 256 different sets of timeouts");
  if (found == rows.end()) rows.push_back(ticks);
  return static_cast<uint8_t>(at);
}

// Two lanes of FNV-1a over the name: a digest that only has to tell some ten thousand names apart.
ServiceName digest(const std::string& name) {
  ServiceName digest{{0xcbf29ce484222325, 0x9e3779b97f4a7c15}};
  for (const char letter : name) {
    for (uint64_t& word : digest.words) word = (word ^ static_cast<uint8_t>(letter)) * 0x100000001b3;
    digest.words[1] ^= digest.words[1] >> 29;
  }
  return digest;
}

uint64_t mixed(uint64_t random, uint32_t slot) noexcept { return random == 0 ? 0 : (random ^ slot) * 0x9e3779b97f4a7c15 | 1; }

uint8_t protocol_of(const WantedService& wanted) {
  const uint8_t first = wanted.listeners[0].protocol;
  const bool alike = std::ranges::all_of(wanted.listeners, [first](const WantedListener& one) { return one.protocol == first; });
  return alike ? first : 0;
}

}  // namespace

SlotDirectory::SlotDirectory(Block& block, uint64_t random) : block_{block}, random_{random} {
  for (uint32_t slot = kMaxServices; slot-- > 0;) {
    const ServiceSlot& service = block.services[slot];
    if (service.in_use == 0) {
      free_services_.push_back(slot);
    } else {
      services_[service.name] = slot;
    }
  }
  for (uint32_t slot = kMaxVirtualAddresses; slot-- > 0;) {
    if (block.addresses[slot].in_use == 0) {
      free_addresses_.push_back(slot);
    } else {
      addresses_[bytes_of(block.addresses[slot].address)] = slot;
    }
  }
  for (uint32_t slot = kMaxDestinations; slot-- > 0;) {
    DestinationSlot& destination = block.destinations[slot];
    if (destination.in_use != 0 && is_orphan(destination, block)) destination.in_use = 0;
    if (destination.in_use == 0) {
      free_destinations_.push_back(slot);
    } else {
      destinations_[{destination.service, bytes_of(destination.address), destination.port}] = slot;
    }
  }
}

Snapshot SlotDirectory::build(const WantedSnapshot& wanted) {
  SnapshotParts parts;
  parts.generation = wanted.generation;
  parts.takeover_ticks = wanted.takeover_ms / kMillisPerTick;
  parts.half_open = wanted.half_open;
  profile(parts.profiles, {}, wanted.timeouts);
  parts.services.reserve(wanted.services.size());
  std::set<uint32_t> seen;
  for (const WantedService& service : wanted.services) {
    parts.services.push_back(build(service));
    parts.services.back().profile = profile(parts.profiles, service.timeouts, wanted.timeouts);
    if (!seen.insert(parts.services.back().slot).second) throw std::invalid_argument("service " + service.name + " is given twice");
  }
  apply(wanted, parts);
  Snapshot snapshot{std::move(parts)};
  stand(snapshot);
  return snapshot;
}

Service SlotDirectory::build(const WantedService& wanted) {
  Service service;
  service.scheduler = find_scheduler(wanted.scheduler);
  if (service.scheduler == nullptr) throw std::invalid_argument("unknown scheduler " + wanted.scheduler);
  if (wanted.listeners.empty()) throw std::invalid_argument("service " + wanted.name + " has no listener");
  service.slot = service_slot(digest(wanted.name));
  names_[service.slot] = wanted.name;
  service.scheduler_flags = wanted.scheduler_flags;
  service.is_mark = wanted.is_mark;
  service.is_v4 = wanted.listeners[0].address.is_v4();
  service.one_packet = wanted.one_packet;
  service.helps_ftp = wanted.helps_ftp;
  service.resets = wanted.resets;
  service.no_destination = wanted.no_destination;
  service.sloppy = wanted.sloppy;
  service.protocol = protocol_of(wanted);
  service.persistence_bits = static_cast<uint8_t>(wanted.persistence_prefix + (service.is_v4 ? 96 : 0));
  service.persistence_ticks = wanted.persistence_ms / kMillisPerTick;
  for (const WantedListener& one : wanted.listeners) {
    service.listeners.push_back({one.address, one.protocol, one.first_port, one.last_port, address_slot(one.address)});
  }
  service.destinations.reserve(wanted.destinations.size());
  for (const WantedDestination& one : wanted.destinations) {
    service.destinations.push_back({one.address, one.port, one.weight, destination_slot(service.slot, one)});
  }
  return service;
}

uint32_t SlotDirectory::service_slot(const ServiceName& name) {
  if (const auto found = services_.find(name); found != services_.end()) return found->second;
  const uint32_t at = take(free_services_, "service");
  ServiceSlot& slot = block_.services[at];
  slot.name = name;
  slot.scheduler = {};
  slot.scheduler.random = mixed(random_, at);
  slot.half_open = 0;
  slot.in_use = 1;
  services_[name] = at;
  return at;
}

uint16_t SlotDirectory::address_slot(const Address& address) {
  const Bytes name = bytes_of(address);
  if (const auto found = addresses_.find(name); found != addresses_.end()) return static_cast<uint16_t>(found->second);
  const uint32_t at = take(free_addresses_, "virtual address");
  block_.addresses[at].address = address;
  block_.addresses[at].in_use = 1;
  addresses_[name] = at;
  return static_cast<uint16_t>(at);
}

uint32_t SlotDirectory::destination_slot(uint32_t service, const WantedDestination& wanted) {
  const DestinationName name{service, bytes_of(wanted.address), wanted.port};
  if (const auto found = destinations_.find(name); found != destinations_.end()) return found->second;
  const uint32_t at = take(free_destinations_, "destination");
  DestinationSlot& slot = block_.destinations[at];
  slot.address = wanted.address;
  slot.port = wanted.port;
  slot.service = service;
  slot.overloaded.store(false, std::memory_order_relaxed);
  slot.in_use = 1;
  destinations_[name] = at;
  return at;
}

namespace {

// As in IPVS: what it was before it became 0, but not what it was before it was taken out of the service (__ip_vs_update_dest).
void keep_weight(Destination& destination, DestinationSlot& slot) noexcept {
  const bool is_new = slot.standing.load(std::memory_order_relaxed) == Standing::gone;
  if (is_new || destination.weight != 0) slot.last_weight = destination.weight;
  destination.last_weight = slot.last_weight;
}

// As in IPVS: with another limit, higher or none, it may have flows again at once (__ip_vs_update_dest).
void set_thresholds(DestinationSlot& slot, const WantedDestination& wanted) noexcept {
  const bool is_more = wanted.upper_threshold == 0 || wanted.upper_threshold > slot.upper_threshold;
  slot.upper_threshold = wanted.upper_threshold;
  slot.lower_threshold = wanted.lower_threshold;
  if (is_more) slot.overloaded.store(false, std::memory_order_relaxed);
}

}  // namespace

// What the worker reads in the slots themselves. It may do so before it sees the snapshot: each value is right by itself.
void SlotDirectory::apply(const WantedSnapshot& wanted, SnapshotParts& parts) {
  for (size_t i = 0; i < parts.services.size(); ++i) {
    Service& service = parts.services[i];
    for (size_t j = 0; j < service.destinations.size(); ++j) {
      DestinationSlot& slot = block_.destinations[service.destinations[j].slot];
      keep_weight(service.destinations[j], slot);
      service.destinations[j].has_limit = wanted.services[i].destinations[j].upper_threshold != 0;
      service.destinations[j].is_down = wanted.services[i].destinations[j].is_down;
      set_thresholds(slot, wanted.services[i].destinations[j]);
    }
  }
}

namespace {

Standing standing_of(const Destination& destination) noexcept {
  if (destination.weight != 0) return Standing::serving;
  return destination.is_down ? Standing::down : Standing::quiesced;
}

}  // namespace

// A destination that is gone keeps to its service's timeouts: rows are numbered anew in each snapshot.
void SlotDirectory::stand(const Snapshot& current) {
  std::map<uint32_t, Standing> standings;
  for (const Service& service : current.services()) {
    for (const Destination& destination : service.destinations) {
      standings[destination.slot] = standing_of(destination);
    }
  }
  for (const auto& [name, at] : destinations_) {
    DestinationSlot& slot = block_.destinations[at];
    const auto found = standings.find(at);
    const Service* service = current.service_in(slot.service);
    slot.profile = service == nullptr ? 0 : service->profile;
    slot.standing.store(found == standings.end() ? Standing::gone : found->second, std::memory_order_relaxed);
  }
}

void SlotDirectory::collect_addresses(const Snapshot& current) {
  std::set<uint32_t> listened;
  for (const Service& service : current.services()) {
    for (const Listener& listener : service.listeners) listened.insert(listener.slot);
  }
  std::erase_if(addresses_, [&](const auto& entry) {
    VirtualAddressSlot& slot = block_.addresses[entry.second];
    if (listened.contains(entry.second) || slot.flows.get_settled() > 0) return false;
    slot.in_use = 0;
    free_addresses_.push_back(entry.second);
    return true;
  });
}

void SlotDirectory::collect(const Snapshot& current) {
  collect_addresses(current);
  std::set<uint32_t> services, destinations;
  for (const Service& service : current.services()) {
    services.insert(service.slot);
    for (const Destination& destination : service.destinations) destinations.insert(destination.slot);
  }
  for (auto entry = destinations_.begin(); entry != destinations_.end();) {
    const DestinationSlot& slot = block_.destinations[entry->second];
    if (destinations.contains(entry->second) || slot.flows.get_settled() > 0) {
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
