// Sorted arrays and binary search: services are looked up for first packets only.
#include "core/snapshot.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <tuple>
#include <utility>

namespace natlb {

namespace {

constexpr size_t kProfiles = 256;  // so that any number in a slot is one

using Bytes = std::array<uint8_t, 16>;
Bytes bytes_of(const Address& address) noexcept {
  Bytes bytes;
  std::memcpy(bytes.data(), address.bytes, bytes.size());
  return bytes;
}

std::tuple<Bytes, uint8_t, uint16_t> single_order(const Listener& listener) noexcept {
  return {bytes_of(listener.address), listener.protocol, listener.first_port};
}

std::tuple<Bytes, uint8_t> range_order(const Listener& listener) noexcept { return {bytes_of(listener.address), listener.protocol}; }

// std::ranges::equal_range, of which Debian 12's clang, which builds the fuzzers, cannot read the result.
template <typename One, typename Wanted, typename Order>
std::span<const One> equal(const std::vector<One>& sorted, const Wanted& wanted, const Order& order) noexcept {
  return {std::ranges::lower_bound(sorted, wanted, {}, order), std::ranges::upper_bound(sorted, wanted, {}, order)};
}

}  // namespace

Snapshot::Snapshot(SnapshotParts parts) : parts_{std::move(parts)} {
  if (parts_.profiles.empty()) parts_.profiles.push_back({});
  parts_.profiles.resize(kProfiles, parts_.profiles[0]);
  for (Service& service : parts_.services) {
    for (const Destination& destination : service.destinations) {
      service.max_weight = std::max(service.max_weight, destination.weight);
      service.weight_gcd = std::gcd(service.weight_gcd, destination.weight);
      add_places(service, destination);
    }
    if (service.scheduler->prepare != nullptr) service.scheduler->prepare(service);
    for (const Listener& listener : service.listeners) (listener.is_single() ? singles_ : ranges_).push_back({&service, &listener});
    mark_ranges_ = mark_ranges_ || (service.is_mark && !std::ranges::all_of(service.listeners, &Listener::is_single));
    helps_ftp_ = helps_ftp_ || service.helps_ftp;
    if (service.slot >= by_slot_.size()) by_slot_.resize(service.slot + 1, nullptr);
    by_slot_[service.slot] = &service;
  }
  std::ranges::stable_sort(singles_, [](const Entry& a, const Entry& b) {
    return std::tuple_cat(single_order(*a.listener), std::tuple{!a.service->is_mark}) <
           std::tuple_cat(single_order(*b.listener), std::tuple{!b.service->is_mark});
  });
  std::ranges::stable_sort(ranges_, [](const Entry& a, const Entry& b) { return range_order(*a.listener) < range_order(*b.listener); });
  const auto place_order = [](const Place& place) { return std::tuple{bytes_of(place.address), place.port, place.protocol}; };
  std::ranges::stable_sort(destinations_, {}, place_order);
}

// One for each protocol that leads to it.
void Snapshot::add_places(const Service& service, const Destination& destination) {
  std::array<bool, 256> known{};
  for (const Listener& listener : service.listeners) {
    if (!std::exchange(known[listener.protocol], true))
      destinations_.push_back({destination.address, destination.port, listener.protocol, &service, &destination});
  }
}

uint32_t Snapshot::next_serial() noexcept {
  static std::atomic<uint32_t> last{0};
  return ++last;
}

Snapshot::Match Snapshot::find_service(const Address& address, uint16_t port, uint8_t protocol) const noexcept {
  if (mark_ranges_) {
    if (const Match found = find_range(address, port, protocol, true); found.service != nullptr) return found;
  }
  const std::tuple wanted{bytes_of(address), protocol, to_host(port)};
  const auto at = std::ranges::lower_bound(singles_, wanted, {}, [](const Entry& entry) { return single_order(*entry.listener); });
  if (at != singles_.end() && single_order(*at->listener) == wanted) return {at->service, at->listener};
  return find_range(address, port, protocol, false);
}

Snapshot::Match Snapshot::find_range(const Address& address, uint16_t port, uint8_t protocol, bool mark) const noexcept {
  const std::tuple wanted{bytes_of(address), protocol};
  const uint16_t host = to_host(port);
  const auto order = [](const Entry& entry) { return range_order(*entry.listener); };
  for (const Entry& entry : equal(ranges_, wanted, order)) {
    if (entry.service->is_mark == mark && entry.listener->first_port <= host && host <= entry.listener->last_port)
      return {entry.service, entry.listener};
  }
  return {};
}

std::span<const Snapshot::Place> Snapshot::places(const Address& address, uint16_t port, uint8_t protocol) const noexcept {
  const std::tuple wanted{bytes_of(address), port, protocol};
  return equal(destinations_, wanted, [](const Place& place) { return std::tuple{bytes_of(place.address), place.port, place.protocol}; });
}

bool Snapshot::is_destination(const Address& address, uint16_t port, uint8_t protocol) const noexcept {
  return !places(address, port, protocol).empty() || !places(address, 0, protocol).empty();
}

Snapshot::Source Snapshot::find_one_packet(const Address& address, uint16_t port) const noexcept {
  for (const uint16_t listed : {port, uint16_t{0}}) {
    for (const Place& place : places(address, listed, kUdp)) {
      if (place.service->one_packet) return {place.service, place.destination};
    }
  }
  return {};
}

}  // namespace natlb
