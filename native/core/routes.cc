// Longest-prefix match and neighbour lookup over what the kernel said; building may take its time, finding allocates nothing.
#include "core/routes.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "core/hash.h"

namespace natlb {

namespace {

constexpr uint8_t kV4Bits = 96;  // an IPv4 prefix begins behind ::ffff:0:0/96
constexpr Neighbour kFreeNeighbour{{}, kNoInterface, {}};
constexpr NextHop kNowhere{kNoInterface, false, {}, {}, 0, {}};

// Any total order does: only equality is ever looked for.
bool before(const Address& a, const Address& b) noexcept { return a.high() != b.high() ? a.high() < b.high() : a.low() < b.low(); }

Address mask_of(uint8_t length) noexcept {
  Address mask{};
  for (uint8_t bit = 0; bit < length; ++bit) mask.bytes[bit / 8] |= static_cast<uint8_t>(0x80 >> (bit % 8));
  return mask;
}

Address masked(const Address& address, const Address& mask) noexcept {
  const uint64_t words[2] = {address.high() & mask.high(), address.low() & mask.low()};
  return Address::v6(words);
}

// An IPv6 default route must not catch IPv4, though ::ffff:0:0/96 lies inside ::/0.
bool is_v4(const Route& route) noexcept { return route.length >= kV4Bits && route.prefix.is_v4(); }

// Families apart, the longest first, equal prefixes side by side in the caller's order.
bool earlier(const Route& a, const Route& b) noexcept {
  if (is_v4(a) != is_v4(b)) return is_v4(b);
  if (a.length != b.length) return a.length > b.length;
  return before(a.prefix, b.prefix);
}

bool same_prefix(const Route& a, const Route& b) noexcept { return a.length == b.length && a.prefix == b.prefix; }
bool same_length(const Route& a, const Route& b) noexcept { return a.length == b.length && is_v4(a) == is_v4(b); }

std::vector<Route> sorted(std::vector<Route> routes) {
  for (Route& route : routes) route.prefix = masked(route.prefix, mask_of(route.length));
  std::ranges::stable_sort(routes, earlier);
  routes.erase(std::unique(routes.begin(), routes.end(), same_prefix), routes.end());
  return routes;
}

// Prefixes are the administrator's own: a plain multiplicative hash, whose good bits are the upper ones, will do.
inline uint64_t prefix_hash(uint64_t high, uint64_t low) noexcept {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  return (high * kOdd ^ low) * kOdd;
}

// Neighbours choose their addresses themselves: keyed.
inline size_t neighbour_hash(const Address& address, uint32_t interface, uint64_t seed) noexcept {
  return multiply_fold(address.low() ^ seed, address.high() ^ (seed + 0x9e3779b97f4a7c15)) + interface;
}

// The size of a hash table for so many: a power of two, three quarters of it free, so that most searches end where they begin.
size_t room_for(size_t count) noexcept {
  size_t size = 64;
  while (size < 4 * count) size *= 2;
  return size;
}

}  // namespace

Routes::Routes(std::vector<Interface> interfaces, std::vector<Route> routes, const std::vector<Neighbour>& neighbours, uint64_t seed)
    : seed_{seed}, interfaces_{std::move(interfaces)} {
  add_neighbours(neighbours);
  for (const Interface& interface : interfaces_) locals_.insert(locals_.end(), interface.addresses.begin(), interface.addresses.end());
  std::ranges::sort(locals_, before);

  routes = sorted(std::move(routes));
  const Route* const end = routes.data() + routes.size();
  for (const Route* begin = routes.data(); begin != end;) {
    const Route* next = std::find_if_not(begin, end, [begin](const Route& route) { return same_length(*begin, route); });
    add_length(begin, next);
    begin = next;
  }
}

NextHop Routes::find(const Address& destination) const noexcept {
  const Hop* hop = match(destination);
  if (hop == nullptr) return kNowhere;
  return hop->on_link ? toward(hop->next, destination) : hop->next;
}

uint16_t Routes::reference(const Address& destination) const noexcept {
  const Hop* hop = match(destination);
  if (hop == nullptr || hop->next.interface == kNoInterface) return kNoHop;
  if (!hop->on_link) return hop->next.resolved ? numbered(static_cast<size_t>(hop - hops_.data()), 0) : kNoHop;
  const size_t at = neighbour(hop->next.interface, destination);
  const bool plain = hop->next.mtu == interfaces_[hop->next.interface].mtu;
  return plain && neighbours_[at].interface != kNoInterface ? numbered(at, kOnLink) : kNoHop;
}

// With more hops or neighbours than that, the last ones are looked up for every packet.
uint16_t Routes::numbered(size_t at, uint16_t kind) noexcept {
  const bool fits = at < (kNoHop & ~kOnLink);
  return fits ? static_cast<uint16_t>(at | kind) : kNoHop;
}

NextHop Routes::follow(uint16_t reference) const noexcept {
  if ((reference & kOnLink) == 0) return hops_[reference].next;
  const Neighbour& next = neighbours_[static_cast<uint16_t>(reference & ~kOnLink)];
  const Interface& out = interfaces_[next.interface];
  return {next.interface, true, out.mac, next.mac, out.mtu, next.address};
}

uint32_t Routes::next_serial() noexcept {
  static std::atomic<uint32_t> last{0};
  return ++last;
}

bool Routes::is_local(const Address& address) const noexcept { return std::ranges::binary_search(locals_, address, before); }

void Routes::add_neighbours(const std::vector<Neighbour>& neighbours) {
  neighbours_.assign(room_for(neighbours.size()), kFreeNeighbour);
  for (const Neighbour& one : neighbours) {
    if (one.interface != kNoInterface) neighbours_[neighbour(one.interface, one.address)] = one;
  }
}

// From `begin` to `end` all have one family and length.
void Routes::add_length(const Route* begin, const Route* end) {
  const size_t size = room_for(static_cast<size_t>(end - begin));
  const Length length{mask_of(begin->length), slots_.size(), size - 1, std::countl_zero(size) + 1};
  lengths_[is_v4(*begin)].push_back(length);
  slots_.resize(slots_.size() + size, {{}, kFreeSlot});
  for (const Route* route = begin; route != end; ++route) {
    slots_[slot(length, route->prefix.high(), route->prefix.low())] = {route->prefix, static_cast<uint32_t>(hops_.size())};
    hops_.push_back(hop_of(*route));
  }
}

Routes::Hop Routes::hop_of(const Route& route) {
  if (route.interface >= interfaces_.size()) return {kNowhere, false};
  const Interface& out = interfaces_[route.interface];
  Hop hop{{route.interface, false, out.mac, {}, route.mtu == 0 ? out.mtu : route.mtu, {}}, route.gateway.is_zero()};
  if (!hop.on_link) {
    hop.next = toward(hop.next, route.gateway);
    add_gateway(hop.next);
  }
  return hop;
}

void Routes::add_gateway(const NextHop& next) {
  const auto same = [&](const Neighbour& known) { return known.interface == next.interface && known.address == next.neighbour; };
  if (std::ranges::none_of(gateways_, same)) gateways_.push_back({next.neighbour, next.interface, next.destination});
}

const Routes::Hop* Routes::match(const Address& destination) const noexcept {
  const uint64_t high = destination.high(), low = destination.low();
  for (const Length& length : lengths_[destination.is_v4()]) {
    const Slot& found = slots_[slot(length, high & length.mask.high(), low & length.mask.low())];
    if (found.hop != kFreeSlot) return &hops_[found.hop];
  }
  return nullptr;
}

// Where the prefix stands, or would.
inline size_t Routes::slot(const Length& length, uint64_t high, uint64_t low) const noexcept {
  const Slot* const table = slots_.data() + length.begin;
  size_t at = prefix_hash(high, low) >> length.shift;
  while (table[at].hop != kFreeSlot && (table[at].prefix.low() != low || table[at].prefix.high() != high)) at = (at + 1) & length.last;
  return length.begin + at;
}

inline size_t Routes::neighbour(uint32_t interface, const Address& address) const noexcept {
  const size_t last = neighbours_.size() - 1;
  size_t at = neighbour_hash(address, interface, seed_) & last;
  while (neighbours_[at].interface != kNoInterface && !(neighbours_[at].interface == interface && neighbours_[at].address == address)) {
    at = (at + 1) & last;
  }
  return at;
}

// Whole in one go: a copy that is patched and then copied again costs more than the lookup.
NextHop Routes::toward(const NextHop& way, const Address& neighbour_address) const noexcept {
  const Neighbour& found = neighbours_[neighbour(way.interface, neighbour_address)];
  return {way.interface, found.interface != kNoInterface, way.source, found.mac, way.mtu, neighbour_address};
}

}  // namespace natlb
