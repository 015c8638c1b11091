// The keyed hash of a Key: 64 bits, of which the flow table takes two bucket numbers and a tag. Folded 64x64 multiplications under a random
// secret, so that a client cannot choose packets that collide. Measured in bench/ (engine).
#pragma once

#include <cstdint>

#include "core/packet.h"

namespace natlb {

struct HashSecret {
  uint64_t words[4];
};

inline uint64_t multiply_fold(uint64_t a, uint64_t b) noexcept {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash(const Key& key, const HashSecret& secret) noexcept {
  const uint64_t ports = static_cast<uint64_t>(key.source_port) << 32 | static_cast<uint64_t>(key.target_port) << 8 | key.protocol;
  const uint64_t low = multiply_fold(key.source.low() ^ secret.words[0], key.target.low() ^ secret.words[1]);
  const uint64_t high = multiply_fold(key.source.high() ^ secret.words[2], key.target.high() ^ secret.words[3]);
  return multiply_fold(low ^ ports ^ secret.words[2], high ^ secret.words[0] ^ 0x9e3779b97f4a7c15);
}

}  // namespace natlb
