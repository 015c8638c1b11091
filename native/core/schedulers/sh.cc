// Source hashing: a client has its bucket, a destination as many in a row as it weighs (ip_vs_sh.c). The same hash as IPVS's, so that a
// client finds the same server through either.
#include "core/schedulers/hashed.h"

namespace natlb {

namespace {

constexpr uint32_t kBits = 8;  // CONFIG_IP_VS_SH_TAB_BITS
constexpr uint32_t kBuckets = 1U << kBits;

}  // namespace

// Weight 0 still gets a bucket, so that clients of others stay where they are.
void prepare_source_hash(Service& service) {
  if (service.destinations.empty()) return;
  service.table.reserve(kBuckets);
  for (uint32_t at = 0, given = 0; service.table.size() < kBuckets;) {
    service.table.push_back(at);
    if (++given < service.destinations[at].weight) continue;
    given = 0;
    at = at + 1 == service.destinations.size() ? 0 : at + 1;
  }
}

const Destination* pick_source_hash(const Choice& choice) noexcept {
  const uint32_t hash = hash_to(fold_client(choice), kBits);
  return pick_from_table(choice, [hash](uint32_t offset) { return (hash + offset) % kBuckets; });
}

}  // namespace natlb
