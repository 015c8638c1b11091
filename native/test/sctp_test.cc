// SCTP's checksum when a port changes, also where most of the packet is not at hand.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "core/sctp.h"
#include "core/wire.h"

using namespace natlb;

namespace {

std::vector<uint8_t> packet_of(size_t length, uint32_t seed) {
  std::mt19937 random{seed};
  std::vector<uint8_t> bytes(length);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  const uint32_t checksum = sctp_checksum(bytes.data(), bytes.size());
  for (size_t i = 0; i < 4; ++i) bytes[sctp::kChecksum + i] = static_cast<uint8_t>(checksum >> 8 * i);
  return bytes;
}

uint32_t checksum_in(const std::vector<uint8_t>& bytes) {
  const uint8_t* at = bytes.data() + sctp::kChecksum;
  return at[0] | static_cast<uint32_t>(at[1]) << 8 | static_cast<uint32_t>(at[2]) << 16 | static_cast<uint32_t>(at[3]) << 24;
}

}  // namespace

TEST_CASE("SCTP: a port changes and the checksum stays right, whatever the length, and whichever port") {
  for (const size_t length : {12, 13, 16, 100, 1'472, 65'000}) {
    for (const size_t at : {0, 2}) {
      std::vector<uint8_t> bytes = packet_of(length, static_cast<uint32_t>(length));
      put_sctp_port(bytes.data(), length, length, at, to_wire(9009));
      CHECK(checksum_in(bytes) == sctp_checksum(bytes.data(), length));
    }
  }
}

TEST_CASE("SCTP: the checksum of a packet that is cut off is that of the whole packet") {
  const std::vector<uint8_t> whole = packet_of(1'400, 7);
  std::vector<uint8_t> cut(whole.begin(), whole.begin() + sctp::kHeader);
  put_sctp_port(cut.data(), whole.size(), cut.size(), 0, to_wire(9009));
  std::vector<uint8_t> changed = whole;
  put_sctp_port(changed.data(), changed.size(), changed.size(), 0, to_wire(9009));
  CHECK(checksum_in(cut) == checksum_in(changed));
}

TEST_CASE("SCTP: a checksum that is cut off is not looked for") {
  std::vector<uint8_t> ports{0x13, 0x88, 0, 9, 1, 2, 3, 4};
  put_sctp_port(ports.data(), 1'400, ports.size(), 2, to_wire(9009));
  CHECK(ports == std::vector<uint8_t>{0x13, 0x88, 0x23, 0x31, 1, 2, 3, 4});
}

TEST_CASE("SCTP: a length that cannot be, from a quoted header, does no harm") {
  std::vector<uint8_t> bytes = packet_of(40, 3);
  const uint32_t before = checksum_in(bytes);
  put_sctp_port(bytes.data(), 4, bytes.size(), 0, to_wire(9009));
  CHECK(checksum_in(bytes) == before);
}
