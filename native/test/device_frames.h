// Frames of the device tests, put together from their layers. No checksum is right: the steering programs do not look.
#pragma once

#include "device_lab.h"

namespace lab {

inline Bytes operator+(Bytes front, const Bytes& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

inline Bytes big_endian(uint16_t value) { return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)}; }

inline Bytes ethernet(uint16_t type, Bytes to = {}) {
  const auto mac = router_mac();
  if (to.empty()) to.assign(mac.begin(), mac.end());
  return to + Bytes{2, 0, 0, 0, 0, 9} + big_endian(type);
}

inline Bytes wire(const char* text) {
  const natlb::Address address = lab::address(text);
  return {address.wire(), address.bytes + 16};
}

// `fragment`: the flags and offset as they stand in the header. `options` bytes follow it.
inline Bytes ip4(const char* from, const char* to, uint8_t protocol, const Bytes& payload, uint16_t fragment = 0,
                 const Bytes& options = {}) {
  const auto words = static_cast<uint8_t>(0x45 + options.size() / 4);
  const auto length = static_cast<uint16_t>(20 + options.size() + payload.size());
  return Bytes{words, 0} + big_endian(length) + Bytes{0, 1} + big_endian(fragment) + Bytes{64, protocol, 0, 0} + wire(from) + wire(to) +
         options + payload;
}

inline Bytes ip6(const char* from, const char* to, uint8_t protocol, const Bytes& payload) {
  return Bytes{0x60, 0, 0, 0} + big_endian(static_cast<uint16_t>(payload.size())) + Bytes{protocol, 64} + wire(from) + wire(to) + payload;
}

inline Bytes l4(uint16_t from, uint16_t to) { return big_endian(from) + big_endian(to) + Bytes(16, 0); }
inline Bytes icmp_message(uint8_t type, const Bytes& quoted = Bytes(8, 0)) { return Bytes{type, 0, 0, 0, 0, 0, 0, 0} + quoted; }
inline Bytes frame4(const Bytes& packet) { return ethernet(0x0800) + packet; }
inline Bytes frame6(const Bytes& packet) { return ethernet(0x86dd) + packet; }
inline Bytes extension(uint8_t next, uint8_t extra = 0) { return Bytes{next, extra} + Bytes(6 + 8 * extra, 0); }
inline Bytes fragment6(uint8_t next, uint16_t offset_and_more) { return Bytes{next, 0} + big_endian(offset_and_more) + Bytes(4, 0); }

}  // namespace lab
