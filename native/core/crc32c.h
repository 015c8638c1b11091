// CRC32c (Castagnoli), the checksum of SCTP: RFC 9260 appendix A. A running value is what is left of the division so far; whoever wants the
// checksum of something whole begins with kCrcStart and takes the complement.
#pragma once

#include <cstddef>
#include <cstdint>

namespace natlb {

inline constexpr uint32_t kCrcStart = 0xffffffff;

// The running value after `length` more bytes.
uint32_t extend_crc32c(uint32_t running, const uint8_t* at, size_t length) noexcept;
// The same for bytes that are all zero.
uint32_t extend_crc32c_by_zeros(uint32_t running, size_t length) noexcept;

inline uint32_t crc32c(const uint8_t* at, size_t length) noexcept { return ~extend_crc32c(kCrcStart, at, length); }

namespace detail {
// Both ways of computing it, for the tests to compare; extend_crc32c takes the faster one that the CPU has.
uint32_t extend_crc32c_by_table(uint32_t running, const uint8_t* at, size_t length) noexcept;
uint32_t extend_crc32c_by_instruction(uint32_t running, const uint8_t* at, size_t length) noexcept;
bool has_crc32c_instruction() noexcept;
}  // namespace detail

}  // namespace natlb
