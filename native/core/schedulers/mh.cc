// Maglev hashing: each destination fills the table's places in an order of its own, so that few clients move when one comes or goes
// (Eisenbud et al., NSDI 2016, 3.4; ip_vs_mh.c). Hashes, keys and order are IPVS's, so that a client finds the same server through either.
#include <algorithm>
#include <bit>
#include <numeric>

#include "core/schedulers/hashed.h"

namespace natlb {

namespace {

constexpr uint32_t kPlaces = 4093;  // CONFIG_IP_VS_MH_TAB_INDEX=12
constexpr uint32_t kTurnBits = 6;   // IP_VS_MH_TAB_BITS: how long the weights may be
constexpr uint32_t kUnfilled = UINT32_MAX;
constexpr uint64_t kFirstKey = 2654435761, kSecondKey = 2654446892;

struct Sip {
  uint64_t a, b, c, d;

  constexpr void round() noexcept {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  }
};

// SipHash-1-3 of four bytes under a key of twice the same word, cut to 32 bits: what Linux's hsiphash is on 64-bit machines
// (lib/siphash.c).
constexpr uint32_t sip_hash(uint32_t value, uint64_t key) noexcept {
  Sip sip{0x736f6d6570736575 ^ key, 0x646f72616e646f6d ^ key, 0x6c7967656e657261 ^ key, 0x7465646279746573 ^ key};
  const uint64_t last = uint64_t{4} << 56 | value;
  sip.d ^= last;
  sip.round();
  sip.a ^= last;
  sip.c ^= 0xff;
  for (int i = 0; i < 3; ++i) sip.round();
  return static_cast<uint32_t>(sip.a ^ sip.b ^ sip.c ^ sip.d);
}

// One that is quiesced keeps its places, so that its clients come back to it.
uint32_t lasting_weight(const Destination& destination) noexcept {
  return destination.weight != 0 ? destination.weight : destination.last_weight;
}

// The order in which a destination wants places, and how many it takes in a turn.
struct Taker {
  uint32_t next, skip, turns;

  void advance() noexcept { next = (next + skip) % kPlaces; }
};

struct Scale {
  uint32_t divisor = 0;
  uint32_t shift = 0;

  explicit Scale(const Service& service) noexcept {
    uint32_t heaviest = 0;
    for (const Destination& destination : service.destinations) {
      divisor = std::gcd(divisor, lasting_weight(destination));
      heaviest = std::max(heaviest, lasting_weight(destination));
    }
    if (divisor == 0) return;
    const auto bits = static_cast<uint32_t>(std::bit_width(heaviest / divisor));
    shift = bits > kTurnBits ? bits - kTurnBits : 0;
  }
  [[nodiscard]] uint32_t turns(uint32_t weight) const noexcept { return weight == 0 ? 0 : std::max(1U, weight / divisor >> shift); }
};

std::vector<Taker> takers_of(const Service& service, const Scale& scale) {
  std::vector<Taker> takers;
  for (const Destination& destination : service.destinations) {
    const uint32_t name = fold_address(destination.address) + to_host(destination.port);
    takers.push_back(
        {sip_hash(name, kFirstKey) % kPlaces, sip_hash(name, kSecondKey) % (kPlaces - 1) + 1, scale.turns(lasting_weight(destination))});
  }
  return takers;
}

}  // namespace

void prepare_maglev(Service& service) {
  const Scale scale{service};
  if (scale.divisor == 0) return;
  std::vector<Taker> takers = takers_of(service, scale);
  service.table.assign(kPlaces, kUnfilled);
  for (uint32_t filled = 0, at = 0; filled < kPlaces; at = at + 1 == takers.size() ? 0 : at + 1) {
    Taker& taker = takers[at];
    for (uint32_t turn = 0; turn < taker.turns && filled < kPlaces; ++turn, ++filled) {
      while (service.table[taker.next] != kUnfilled) taker.advance();
      service.table[taker.next] = at;
    }
  }
}

const Destination* pick_maglev(const Choice& choice) noexcept {
  const uint32_t client = fold_client(choice);
  return pick_from_table(choice, [client](uint32_t offset) { return sip_hash(client + offset, kFirstKey) % kPlaces; });
}

}  // namespace natlb
