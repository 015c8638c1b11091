// What schedulers share that find a destination by a hash, in Service::table.
#pragma once

#include "core/scheduler.h"
#include "core/wire.h"

namespace natlb {

// An address as IPVS's schedulers hash it: the sum without carry of its words of 32 bits.
inline uint32_t fold_address(const Address& address) noexcept {
  const uint64_t low = from_big(address.low());
  if (address.is_v4()) return static_cast<uint32_t>(low);
  const uint64_t both = from_big(address.high()) ^ low;
  return static_cast<uint32_t>(both >> 32) ^ static_cast<uint32_t>(both);
}

// What sh and mh know a client by.
inline uint32_t fold_client(const Choice& choice) noexcept {
  const bool with_port = (choice.service.scheduler_flags & kWithPort) != 0;
  return fold_address(choice.key.source) + (with_port ? to_host(choice.key.source_port) : 0U);
}

// hash_32 of linux/hash.h: Fibonacci hashing, of which the uppermost bits are the best.
constexpr uint32_t hash_to(uint32_t value, uint32_t bits) noexcept { return value * 0x61c88647 >> (32 - bits); }

// `place(0)` is where in the table a client belongs, and where else is no concern of ours, or with the flag `fallback` the places of all
// other offsets, beginning with the client's own so that it does not change from one packet to the next (ip_vs_sh_get_fallback).
template <typename Place>
const Destination* pick_from_table(const Choice& choice, Place&& place) noexcept {
  const auto& table = choice.service.table;
  if (table.empty()) return nullptr;
  const auto at = [&](uint32_t offset) { return &choice.service.destinations[table[place(offset)]]; };
  const Destination* own = at(0);
  if (choice.is_available(*own)) return own;
  if ((choice.service.scheduler_flags & kFallback) == 0) return nullptr;
  const auto size = static_cast<uint32_t>(table.size());
  const uint32_t first = place(0);
  for (uint32_t step = 0; step < size; ++step) {
    const Destination* other = at((first + step) % size);
    if (choice.is_available(*other)) return other;
  }
  return nullptr;
}

}  // namespace natlb
