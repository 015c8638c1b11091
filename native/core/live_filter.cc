// A counting Bloom filter with two counters for each key.
#include "core/live_filter.h"

#include <atomic>

namespace natlb {

namespace {

constexpr uint8_t kFull = 255;

// The kernel reads while we write; nobody else writes.
uint8_t load(uint8_t& counter) noexcept { return std::atomic_ref{counter}.load(std::memory_order_relaxed); }
void store(uint8_t& counter, uint8_t value) noexcept { std::atomic_ref{counter}.store(value, std::memory_order_relaxed); }

void raise(uint8_t& counter) noexcept {
  const uint8_t value = load(counter);
  if (value != kFull) store(counter, static_cast<uint8_t>(value + 1));
}

// Zero only after more removes than adds, which must not begin from the top again.
void lower(uint8_t& counter) noexcept {
  const uint8_t value = load(counter);
  if (value != kFull && value != 0) store(counter, static_cast<uint8_t>(value - 1));
}

}  // namespace

void LiveFilter::add(const LiveKey& key) noexcept {
  if (counters_ == nullptr) return;
  const uint64_t hash = hash_of(key);
  raise(counters_[natlb_live_first(hash)]);
  raise(counters_[natlb_live_second(hash)]);
}

void LiveFilter::remove(const LiveKey& key) noexcept {
  if (counters_ == nullptr) return;
  const uint64_t hash = hash_of(key);
  lower(counters_[natlb_live_first(hash)]);
  lower(counters_[natlb_live_second(hash)]);
}

bool LiveFilter::has(const LiveKey& key) const noexcept {
  if (counters_ == nullptr) return false;
  const uint64_t hash = hash_of(key);
  return load(counters_[natlb_live_first(hash)]) != 0 && load(counters_[natlb_live_second(hash)]) != 0;
}

uint64_t LiveFilter::hash_of(const LiveKey& key) const noexcept {
  const Address &remote = key.remote, &local = key.local.address;
  const natlb_live_key plain{{remote.high(), remote.low()}, {local.high(), local.low()}, key.local.port, key.protocol};
  return natlb_live_hash(&plain, secret_);
}

}  // namespace natlb
