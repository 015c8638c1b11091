// An IPv4 packet in pieces.
#include "core/fragmenting.h"

#include <algorithm>
#include <cstring>

#include "core/checksum.h"
#include "core/wire.h"

namespace natlb {

namespace {

// Options whose first bit is not set are the first fragment's alone (RFC 791 3.1). In the others No Operation stands in their place, as
// Linux has it, so that all headers are of one length.
void blank_options(uint8_t* options, size_t length) noexcept {
  constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1, kCopied = 0x80;
  for (size_t at = 0; at < length && options[at] != kEndOfOptions;) {
    if (options[at] == kNoOperation) {
      ++at;
      continue;
    }
    const size_t size = at + 1 < length ? options[at + 1] : 0;
    if (size < 2 || at + size > length) return;  // nonsense stays what it is
    if ((options[at] & kCopied) == 0) std::memset(options + at, kNoOperation, size);
    at += size;
  }
}

}  // namespace

Cut::Cut(uint8_t* ip, size_t mtu) noexcept : ip_{ip}, header_{static_cast<size_t>(ip[0] & 0x0f) * 4} {
  payload_ = host16(ip + ipv4::kTotalLength) - header_;
  step_ = mtu > header_ ? (mtu - header_) & ~size_t{7} : 0;
}

size_t Cut::write(size_t number, uint8_t* to) const noexcept {
  const size_t length = length_of(number);
  std::memcpy(to, ip_, header_);
  std::memcpy(to + header_, ip_ + header_ + number * step_, length);
  if (number > 0) blank_options(to + kIPv4Header, header_ - kIPv4Header);
  finish(to, number);
  return header_ + length;
}

size_t Cut::shorten() const noexcept {
  finish(ip_, 0);
  return header_ + length_of(0);
}

size_t Cut::length_of(size_t number) const noexcept { return std::min(step_, payload_ - number * step_); }

// The pieces of a fragment are its datagram's, so they count from where it did, and only the last of the last is the end.
void Cut::finish(uint8_t* ip, size_t number) const noexcept {
  const uint16_t before = host16(ip + ipv4::kFragmentOffset);
  const auto offset = static_cast<uint16_t>((before & ipv4::kOffsetMask) + number * step_ / 8);
  const bool last = number + 1 == pieces();
  store16(ip + ipv4::kTotalLength, to_wire(static_cast<uint16_t>(header_ + length_of(number))));
  store16(ip + ipv4::kFragmentOffset,
          to_wire(static_cast<uint16_t>((before & ~ipv4::kOffsetMask) | (last ? 0 : ipv4::kMoreFragments) | (offset & ipv4::kOffsetMask))));
  store16(ip + ipv4::kChecksum, 0);
  store16(ip + ipv4::kChecksum, static_cast<uint16_t>(~fold(sum_bytes(ip, header_))));
}

}  // namespace natlb
