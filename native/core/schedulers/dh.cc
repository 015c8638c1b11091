// Destination hashing: by the address the client asks for, so that a service of several addresses has a destination for each (ip_vs_dh.c).
#include "core/schedulers/hashed.h"

namespace natlb {

namespace {

constexpr uint32_t kBits = 8;  // CONFIG_IP_VS_DH_TAB_BITS
constexpr uint32_t kBuckets = 1U << kBits;

}  // namespace

void prepare_destination_hash(Service& service) {
  if (service.destinations.empty()) return;
  service.table.reserve(kBuckets);
  for (uint32_t at = 0; at < kBuckets; ++at) service.table.push_back(static_cast<uint32_t>(at % service.destinations.size()));
}

const Destination* pick_destination_hash(const Choice& choice) noexcept {
  const Service& service = choice.service;
  if (service.table.empty()) return nullptr;
  const Destination& own = service.destinations[service.table[hash_to(fold_address(choice.key.target), kBits)]];
  return choice.is_available(own) ? &own : nullptr;
}

}  // namespace natlb
