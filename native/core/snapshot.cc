// Sorted arrays and binary search: services are looked up for first packets only.
#include "core/snapshot.h"

#include <algorithm>
#include <numeric>

namespace natlb {

bool Snapshot::before(const Endpoint& a, uint8_t a_protocol, const Endpoint& b, uint8_t b_protocol) noexcept {
  if (const int order = std::memcmp(a.address.bytes, b.address.bytes, sizeof a.address.bytes); order != 0) return order < 0;
  if (a.port != b.port) return a.port < b.port;
  return a_protocol < b_protocol;
}

Snapshot::Snapshot(uint64_t generation, std::vector<Service> services, const std::array<uint32_t, kFlowStates>& timeouts)
    : generation_{generation}, services_{std::move(services)}, timeouts_{timeouts} {
  std::sort(services_.begin(), services_.end(),
            [](const Service& a, const Service& b) { return before(a.endpoint, a.protocol, b.endpoint, b.protocol); });
  for (Service& service : services_) {
    for (const Destination& destination : service.destinations) {
      service.max_weight = std::max(service.max_weight, destination.weight);
      service.weight_gcd = std::gcd(service.weight_gcd, destination.weight);
      destinations_.push_back({destination.endpoint, service.protocol});
    }
  }
  std::sort(destinations_.begin(), destinations_.end(),
            [](const Place& a, const Place& b) { return before(a.endpoint, a.protocol, b.endpoint, b.protocol); });
}

const Service* Snapshot::find_service(const Endpoint& endpoint, uint8_t protocol) const noexcept {
  const auto at = std::lower_bound(
      services_.begin(), services_.end(), endpoint,
      [protocol](const Service& service, const Endpoint& wanted) { return before(service.endpoint, service.protocol, wanted, protocol); });
  const bool found = at != services_.end() && at->endpoint == endpoint && at->protocol == protocol;
  return found ? &*at : nullptr;
}

bool Snapshot::is_destination(const Endpoint& endpoint, uint8_t protocol) const noexcept {
  const auto at = std::lower_bound(
      destinations_.begin(), destinations_.end(), endpoint,
      [protocol](const Place& place, const Endpoint& wanted) { return before(place.endpoint, place.protocol, wanted, protocol); });
  return at != destinations_.end() && at->endpoint == endpoint && at->protocol == protocol;
}

}  // namespace natlb
