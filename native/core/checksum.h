// The Internet checksum (RFC 1071) and its incremental update (RFC 1624, equation 3). Sums are of 16-bit words as they stand in memory:
// one's complement addition does not care for byte order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/address.h"
#include "core/wire.h"

namespace natlb {

constexpr uint16_t fold(uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// The same of a sum of few words, in half the steps.
constexpr uint16_t fold_few(uint32_t sum) noexcept {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Adds `length` bytes to a running sum: eight at a time, the carries gathered in the upper half.
inline uint64_t sum_bytes(const uint8_t* at, size_t length, uint64_t sum = 0) noexcept {
  unsigned __int128 wide = sum;
  for (; length >= 8; at += 8, length -= 8) wide += load64(at);
  if (length >= 4) wide += load32(at), at += 4, length -= 4;
  if (length >= 2) wide += load16(at), at += 2, length -= 2;
  if (length == 1) {
    const uint8_t padded[2] = {*at, 0};
    wide += load16(padded);
  }
  const auto low = static_cast<uint64_t>(wide);
  return (low & 0xffffffff) + (low >> 32) + static_cast<uint64_t>(wide >> 64);
}

// Whether an IPv4 header, nearly always of twenty bytes, proves right: its sum folds to 0xffff, which is to say that 0xffff divides it,
// since no header is all zeros.
inline bool proves_right(const uint8_t* header, size_t length) noexcept {
  if (length != kIPv4Header) return fold(sum_bytes(header, length)) == 0xffff;
  const uint64_t first = load64(header), second = load64(header + 8);
  const uint64_t sum = (first & 0xffffffff) + (first >> 32) + (second & 0xffffffff) + (second >> 32) + load32(header + 16);
  return sum % 0xffff == 0;
}

// What TCP, UDP and ICMPv6 add of the IP header: addresses, protocol, length.
inline uint64_t pseudo_header_sum(const uint8_t* ip, bool is_v4, uint8_t protocol, size_t l4_length) noexcept {
  const uint64_t addresses = is_v4 ? sum_bytes(ip + ipv4::kSource, 8) : sum_bytes(ip + ipv6::kSource, 32);
  return addresses + to_wire(protocol) + to_wire(static_cast<uint16_t>(l4_length)) + to_wire(static_cast<uint16_t>(l4_length >> 16));
}

// What to add to a running sum when `before` is replaced by `after`: ~before + after.
inline uint16_t delta16(uint16_t before, uint16_t after) noexcept { return fold_few(uint32_t{static_cast<uint16_t>(~before)} + after); }
inline uint16_t delta(const Address& before, const Address& after) noexcept {
  uint64_t sum = 0;
  for (size_t at = 0; at < sizeof before.bytes; at += 2)
    sum += static_cast<uint16_t>(~load16(before.bytes + at)) + load16(after.bytes + at);
  return fold(sum);
}
// The delta of the way back is the delta's complement.
constexpr uint16_t opposite(uint16_t delta) noexcept { return static_cast<uint16_t>(~delta); }

// RFC 1624: HC' = ~(~HC + ~m + m'). A delta may be the sum of several.
constexpr uint16_t adjust(uint16_t checksum, uint32_t delta) noexcept {
  return static_cast<uint16_t>(~fold_few(uint32_t{static_cast<uint16_t>(~checksum)} + delta));
}

// A UDP checksum of zero means "none sent" (RFC 768), so one that comes out zero travels as 0xffff.
inline uint16_t adjust_udp(uint16_t checksum, uint32_t delta) noexcept {
  if (checksum == 0) return 0;
  const uint16_t adjusted = adjust(checksum, delta);
  return adjusted == 0 ? 0xffff : adjusted;
}

// A partial checksum is the pseudo-header's sum itself, not its complement.
inline uint16_t adjust_partial(uint16_t sum, uint16_t delta) noexcept { return fold_few(uint32_t{sum} + delta); }

}  // namespace natlb
