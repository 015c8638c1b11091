// An IP address of either family in sixteen bytes, in network order: IPv4 stands as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so one comparison
// and one hash serve both families and no address needs a tag beside it.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace natlb {

struct alignas(8) Address {
  uint8_t bytes[16];

  // Written as two words because it is read as two: bytes would have to leave the store buffer first. Measured in bench/ (engine).
  static Address v4(const void* four) noexcept {
    uint32_t value;
    std::memcpy(&value, four, sizeof value);
    const uint64_t wide = value;
    const uint64_t words[2] = {0, std::endian::native == std::endian::little ? 0xffff0000 | wide << 32 : 0xffffULL << 32 | wide};
    return v6(words);
  }
  static Address v6(const void* sixteen) noexcept {
    Address address;
    std::memcpy(address.bytes, sixteen, 16);
    return address;
  }
  [[nodiscard]] uint64_t high() const noexcept { return word(0); }
  [[nodiscard]] uint64_t low() const noexcept { return word(8); }
  [[nodiscard]] bool is_v4() const noexcept {
    static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(bytes, kMapped, sizeof kMapped) == 0;
  }
  // The four (IPv4) or sixteen (IPv6) bytes as they stand in a packet.
  [[nodiscard]] const uint8_t* wire() const noexcept { return is_v4() ? bytes + 12 : bytes; }
  [[nodiscard]] bool is_zero() const noexcept { return (high() | low()) == 0; }

  friend bool operator==(const Address& a, const Address& b) noexcept { return a.high() == b.high() && a.low() == b.low(); }

 private:
  [[nodiscard]] uint64_t word(int at) const noexcept {
    uint64_t value;
    std::memcpy(&value, bytes + at, sizeof value);
    return value;
  }
};

// An address and an L4 port, both in network order.
struct Endpoint {
  Address address;
  uint16_t port;

  friend bool operator==(const Endpoint& a, const Endpoint& b) noexcept { return a.address == b.address && a.port == b.port; }
};

}  // namespace natlb
