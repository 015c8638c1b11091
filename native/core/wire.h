// Where things stand in Ethernet, IP, TCP, UDP and ICMP headers, and how to read and write them. Values keep network order unless the name
// of a function says host. RFC 791, 8200, 9293, 768, 792, 4443.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace natlb {

inline uint16_t load16(const uint8_t* at) noexcept {
  uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline uint32_t load32(const uint8_t* at) noexcept {
  uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline uint64_t load64(const uint8_t* at) noexcept {
  uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline void store16(uint8_t* at, uint16_t value) noexcept { std::memcpy(at, &value, sizeof value); }

constexpr uint16_t swap16(uint16_t value) noexcept {
  return std::endian::native == std::endian::little ? static_cast<uint16_t>(value << 8 | value >> 8) : value;
}
constexpr uint16_t to_wire(uint16_t host) noexcept { return swap16(host); }
constexpr uint16_t to_host(uint16_t wire) noexcept { return swap16(wire); }
// A number whose first byte in memory is its highest.
constexpr uint64_t from_big(uint64_t value) noexcept {
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}
inline uint16_t host16(const uint8_t* at) noexcept { return swap16(load16(at)); }
constexpr uint32_t swap32(uint32_t value) noexcept { return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value; }
inline uint32_t host32(const uint8_t* at) noexcept { return swap32(load32(at)); }
inline void put_host32(uint8_t* at, uint32_t value) noexcept {
  const uint32_t wire = swap32(value);
  std::memcpy(at, &wire, sizeof wire);
}

inline constexpr size_t kEthernetHeader = 14;
inline constexpr uint16_t kEtherTypeIPv4 = 0x0800, kEtherTypeIPv6 = 0x86dd, kEtherTypeVlan = 0x8100, kEtherTypeQinQ = 0x88a8;

inline constexpr size_t kIPv4Header = 20, kIPv6Header = 40, kUdpHeader = 8, kTcpHeader = 20, kIcmpHeader = 8;
inline constexpr uint8_t kHopByHop = 0, kIcmp = 1, kTcp = 6, kUdp = 17, kRouting = 43, kFragment = 44, kIcmpV6 = 58, kNoNext = 59,
                         kDestinationOptions = 60, kSctp = 132;

namespace ipv4 {
inline constexpr size_t kTotalLength = 2, kId = 4, kFragmentOffset = 6, kTtl = 8, kProtocol = 9, kChecksum = 10, kSource = 12, kTarget = 16;
inline constexpr uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1fff;  // host order
}  // namespace ipv4
namespace ipv6 {
inline constexpr size_t kPayloadLength = 4, kNextHeader = 6, kHopLimit = 7, kSource = 8, kTarget = 24;
}  // namespace ipv6
namespace tcp {
inline constexpr size_t kSequence = 4, kAcknowledgement = 8, kDataOffset = 12, kFlags = 13, kWindow = 14, kChecksum = 16;
inline constexpr uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10;
}  // namespace tcp
namespace udp {
inline constexpr size_t kLength = 4, kChecksum = 6;
}
namespace icmp {
inline constexpr size_t kType = 0, kCode = 1, kChecksum = 2, kMtu4 = 6, kMtu6 = 4;
inline constexpr uint8_t kUnreachable4 = 3, kSourceQuench4 = 4, kTimeExceeded4 = 11, kParameterProblem4 = 12;
inline constexpr uint8_t kFragmentationNeeded = 4;  // code of kUnreachable4
inline constexpr uint8_t kUnreachable6 = 1, kTooBig6 = 2, kTimeExceeded6 = 3, kParameterProblem6 = 4;
}  // namespace icmp

inline constexpr uint8_t kHostTtl = 64;

}  // namespace natlb
