// Mirrors what the kernel says. Neighbours and links are kept from news alone; routes are listed anew when anything about them changed,
// since the kernel drops routes of a link that goes down without a word about each.
#include "io/mirror.h"

#include <linux/neighbour.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ranges>
#include <utility>
#include <variant>

#include "core/hash.h"

namespace natlb {

namespace {

constexpr uint64_t kConfirmMs = 3000;
constexpr uint64_t kAskAgainMs = 1000;
constexpr size_t kAskedAtMost = 4096;
// A table no larger is listed anew at every change, a larger one at most once per tick.
constexpr size_t kFewRoutes = 10000;

constexpr std::array kTopics{Topic::links, Topic::addresses, Topic::routes, Topic::neighbours};

// With these the kernel would send to the MAC it knows.
constexpr uint16_t kUsable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
// In these there is nothing for the kernel to do, or it is at it already.
constexpr uint16_t kSettled = NUD_REACHABLE | NUD_DELAY | NUD_PROBE | NUD_INCOMPLETE | NUD_PERMANENT | NUD_NOARP;

uint64_t random_seed() {
  uint64_t seed = 0;
  [[maybe_unused]] const ssize_t got = getrandom(&seed, sizeof seed, 0);
  return seed;
}

bool same(const MacAddress& a, const MacAddress& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool is_usable(uint16_t state) { return (state & kUsable) != 0; }

bool contains(const RouteNews& outer, const Address& inner) {
  for (int bit = 0; bit < outer.length; ++bit) {
    if (((outer.prefix.bytes[bit / 8] ^ inner.bytes[bit / 8]) & (0x80 >> (bit % 8))) != 0) return false;
  }
  return true;
}

// The kernel asks the local table first, so a prefix there hides longer ones in the main table.
bool is_hidden(const RouteNews& route, const std::vector<const RouteNews*>& local_prefixes) {
  return !route.local_table && std::ranges::any_of(local_prefixes, [&route](const RouteNews* local) {
    return local->length <= route.length && local->prefix.is_v4() == route.prefix.is_v4() && contains(*local, route.prefix);
  });
}

bool preferred(const RouteNews& a, const RouteNews& b) { return a.local_table != b.local_table ? a.local_table : a.metric < b.metric; }

}  // namespace

size_t Mirror::HashPlace::operator()(const Place& place) const noexcept {
  return multiply_fold(place.address.low() ^ seed, place.address.high() ^ (seed << 32 | place.index));
}

Mirror::Mirror(std::vector<std::string> interfaces)
    : seed_{random_seed()}, names_{std::move(interfaces)}, news_{kTopics}, neighbours_{0, HashPlace{seed_}}, asked_{0, HashPlace{seed_}} {
  reload();
}

bool Mirror::drain() {
  bool changed = false;
  const bool was_unsure = std::exchange(unsure_, true);
  const bool complete = news_.drain([&](const News& news) { changed |= apply(news); });
  if (!complete || was_unsure) {
    reload();
    changed = true;
  }
  if (links_stale_) lay_out();
  if (routes_stale_ && kernel_routes_.size() <= kFewRoutes) changed |= reload_routes();
  unsure_ = false;
  return changed;
}

std::unique_ptr<const Routes> Mirror::routes() const {
  std::vector<Neighbour> usable;
  for (const auto& [place, known] : neighbours_) {
    if (is_usable(known.state)) usable.push_back({place.address, position(place.index), known.mac});
  }
  return std::make_unique<const Routes>(interfaces(), forwarding_, usable, seed_);
}

void Mirror::resolve(uint32_t interface_position, const Address& neighbour) {
  if (interface_position >= mirrored_ || asked_.size() >= kAskedAtMost) return;
  const Place place{order_[interface_position], neighbour};
  if (asked_.insert(place).second) ask({&place, 1});
}

void Mirror::watch(std::vector<Address> addresses) {
  watched_ = std::move(addresses);
  lead();
}

bool Mirror::tick(uint64_t now_ms) {
  if (now_ms - asked_since_ms_ >= kAskAgainMs) {
    asked_.clear();
    asked_since_ms_ = now_ms;
  }
  const bool changed = routes_stale_ && reload_routes();
  if (now_ms - confirmed_at_ms_ >= kConfirmMs) {
    ask(watched_places_);
    confirmed_at_ms_ = now_ms;
  }
  return changed;
}

bool Mirror::apply(const News& news) {
  if (const auto* neighbour = std::get_if<NeighbourNews>(&news)) return apply_neighbour(*neighbour);
  bool changed = false;
  if (const auto* link = std::get_if<LinkNews>(&news)) changed = links_.apply(*link);
  if (const auto* address = std::get_if<AddressNews>(&news)) changed = links_.apply(*address);
  links_stale_ |= changed;
  routes_stale_ |= changed || std::holds_alternative<RouteNews>(news);
  return changed;
}

// Only what changes where packets go is a change: that an entry grew stale is none.
bool Mirror::apply_neighbour(const NeighbourNews& news) {
  if (!is_mirrored(news.index)) return false;
  const Place place{news.index, news.address};
  const auto known = neighbours_.find(place);
  const bool was_usable = known != neighbours_.end() && is_usable(known->second.state);
  const bool will_be_usable = !news.gone && is_usable(news.state);
  const bool changed = was_usable != will_be_usable || (was_usable && !same(known->second.mac, news.mac));
  if (!news.gone) {
    neighbours_.insert_or_assign(place, Known{news.mac, news.state});
  } else if (known != neighbours_.end()) {
    neighbours_.erase(known);
  }
  return changed;
}

void Mirror::reload() {
  links_.reload(netlink_);
  kernel_routes_ = netlink_.routes();
  routes_stale_ = false;
  order_.clear();
  lay_out();
}

bool Mirror::reload_routes() {
  std::vector<RouteNews> listed = netlink_.routes();
  routes_stale_ = false;
  if (listed == kernel_routes_) return false;
  kernel_routes_ = std::move(listed);
  lead();
  return true;
}

// Which link stands where in Routes. A name may have moved to another link, whose neighbours were not listened to so far.
void Mirror::lay_out() {
  links_stale_ = false;
  std::vector<uint32_t> order;
  for (const std::string& name : names_) {
    const Link* link = links_.find(name);
    order.push_back(link == nullptr ? 0 : link->index);
  }
  for (const auto& [index, link] : links_.by_index()) {
    if (std::ranges::count(names_, link.name) == 0 && stands_on_ours(index)) order.push_back(index);
  }
  const bool moved = !std::ranges::equal(order, order_ | std::views::take(mirrored_));
  mirrored_ = order.size();
  for (const auto& [index, link] : links_.by_index()) {
    if (std::ranges::count(order, index) == 0) order.push_back(index);
  }
  order_ = std::move(order);
  if (moved) reload_neighbours();
  lead();
}

void Mirror::reload_neighbours() {
  neighbours_.clear();
  for (const NeighbourNews& neighbour : netlink_.neighbours()) apply_neighbour(neighbour);
}

// Finds out which way everything lies, and makes sure of the neighbours there.
void Mirror::lead() {
  forwarding_ = forwarding_routes();
  const Routes paths{interfaces(), forwarding_, {}, seed_};
  std::unordered_set<Place, HashPlace> places{0, HashPlace{seed_}};
  const auto add = [&](uint32_t interface, const Address& neighbour) {
    if (interface < mirrored_) places.insert({order_[interface], neighbour});
  };
  for (const Neighbour& gateway : paths.gateways()) add(gateway.interface, gateway.address);
  for (const Address& address : watched_) {
    const NextHop hop = paths.find(address);
    add(hop.interface, hop.neighbour);
  }
  watched_places_.assign(places.begin(), places.end());
  ask(watched_places_);
}

void Mirror::ask(std::span<const Place> places) {
  std::vector<NeighbourRequest> requests;
  for (const Place& place : places) {
    const auto link = links_.by_index().find(place.index);
    if (link == links_.by_index().end() || !link->second.up) continue;
    const auto known = neighbours_.find(place);
    if (known == neighbours_.end()) {
      requests.push_back({place.index, place.address, false});
    } else if ((known->second.state & kSettled) == 0) {
      requests.push_back({place.index, place.address, true});
    }
  }
  netlink_.resolve(requests);
}

bool Mirror::is_mirrored(uint32_t index) const noexcept {
  const auto mirrored = order_ | std::views::take(mirrored_);
  return std::ranges::find(mirrored, index) != mirrored.end();
}

bool Mirror::stands_on_ours(uint32_t index) const noexcept {
  return std::ranges::any_of(names_, [&](const std::string& name) {
    const Link* link = links_.find(name);
    return link != nullptr && links_.is_on(index, link->index);
  });
}

uint32_t Mirror::position(uint32_t index) const noexcept {
  const auto at = std::ranges::find(order_, index);
  return index == 0 || at == order_.end() ? kNoInterface : static_cast<uint32_t>(at - order_.begin());
}

std::vector<Interface> Mirror::interfaces() const {
  std::vector<Interface> all;
  for (const uint32_t index : order_) {
    const auto link = links_.by_index().find(index);
    if (link == links_.by_index().end()) {
      all.push_back({0, {}, 0, false, {}});
      continue;
    }
    const Carrier carrier = all.size() < mirrored_ ? links_.carrier(index) : Carrier{};
    all.push_back({index, link->second.mac, link->second.mtu, link->second.up, {}, carrier.root, carrier.tags, link->second.macvlan});
    for (const LinkAddress& held : link->second.addresses) all.back().addresses.push_back(held.address);
  }
  return all;
}

// The kernel's routes in its own order of preference: for Routes the first of one prefix counts.
std::vector<Route> Mirror::forwarding_routes() const {
  std::vector<RouteNews> sorted = kernel_routes_;
  std::ranges::stable_sort(sorted, preferred);
  std::vector<const RouteNews*> local_prefixes;  // host routes hide nothing but their equals
  for (const RouteNews& route : sorted) {
    if (route.local_table && route.length < 128) local_prefixes.push_back(&route);
  }
  std::vector<Route> all;
  for (const RouteNews& route : sorted) {
    if (!is_hidden(route, local_prefixes)) all.push_back({route.prefix, route.length, position(route.index), route.gateway, route.mtu});
  }
  return all;
}

}  // namespace natlb
