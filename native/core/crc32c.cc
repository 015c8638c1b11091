// CRC32c by the instruction that x86 has for it since SSE4.2, or a byte at a time by table.
#include "core/crc32c.h"

#include <algorithm>
#include <array>

#include "core/wire.h"

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace natlb {

namespace detail {

namespace {

// The polynomial 0x1edc6f41, mirrored because the lowest bit of a byte counts first.
constexpr uint32_t kPolynomial = 0x82f63b78;

constexpr std::array<uint32_t, 256> make_table() noexcept {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ ((rest & 1) != 0 ? kPolynomial : 0);
    table[byte] = rest;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = make_table();

}  // namespace

uint32_t extend_crc32c_by_table(uint32_t running, const uint8_t* at, size_t length) noexcept {
  for (size_t i = 0; i < length; ++i) running = running >> 8 ^ kTable[(running ^ at[i]) & 0xff];
  return running;
}

#ifdef __x86_64__
bool has_crc32c_instruction() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) uint32_t extend_crc32c_by_instruction(uint32_t running, const uint8_t* at, size_t length) noexcept {
  uint64_t wide = running;
  for (; length >= 8; at += 8, length -= 8) wide = _mm_crc32_u64(wide, load64(at));
  running = static_cast<uint32_t>(wide);
  for (; length > 0; ++at, --length) running = _mm_crc32_u8(running, *at);
  return running;
}
#else
bool has_crc32c_instruction() noexcept { return false; }

uint32_t extend_crc32c_by_instruction(uint32_t running, const uint8_t* at, size_t length) noexcept {
  return extend_crc32c_by_table(running, at, length);
}
#endif

}  // namespace detail

namespace {

const auto kExtend = detail::has_crc32c_instruction() ? detail::extend_crc32c_by_instruction : detail::extend_crc32c_by_table;

}  // namespace

uint32_t extend_crc32c(uint32_t running, const uint8_t* at, size_t length) noexcept { return kExtend(running, at, length); }

uint32_t extend_crc32c_by_zeros(uint32_t running, size_t length) noexcept {
  static constexpr uint8_t kZeros[256] = {};
  for (size_t left = length; left > 0; left -= std::min(left, sizeof kZeros))
    running = extend_crc32c(running, kZeros, std::min(left, sizeof kZeros));
  return running;
}

}  // namespace natlb
