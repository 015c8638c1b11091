// SCTP's checksum when a port changes, also where most of the packet is not at hand.
#include <doctest/doctest.h>

#include <initializer_list>
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

TEST_CASE("SCTP: whatever the bytes, nothing beyond them is read") {
  std::mt19937 random{1};
  const auto often = [&random](std::initializer_list<uint32_t> values) {
    return random() % 4 == 0 ? random() : *(values.begin() + random() % values.size());
  };
  uint32_t sound = 0;
  for (int run = 0; run < 20'000; ++run) {
    std::vector<uint8_t> bytes(random() % 80);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(often({0, 0, 4, 20}));
    if (bytes.size() > 16) {
      bytes[sctp::kHeader] = static_cast<uint8_t>(often({0, 1, 2, 6, 10, 11}));
      store16(&bytes[sctp::kHeader + sctp::kLength],
              to_wire(static_cast<uint16_t>(often({4, 8, 20, static_cast<uint32_t>(bytes.size() - 12)}))));
    }
    Packet packet{};
    packet.frame = bytes.data();
    packet.end = static_cast<uint32_t>(bytes.size());
    packet.offload.checksum = Checksum::unknown;
    packet.leg = random() % 2 == 0 ? Leg::forward : Leg::reverse;
    if (parse_sctp(packet) != Verdict::pending) continue;
    ++sound;
    Flow flow{};
    flow.protocol = kSctp;
    flow.state = FlowState::SCTP_NONE;
    follow_sctp(flow, packet);
    flow.state = next_state(flow.state, packet.leg, event_of(packet));
    CHECK(row(flow.state).protocol == kSctp);
    const SctpAnswer answer = answer_to_stranger(packet);
    CHECK((answer.chunk == 0 || answer.chunk == sctp::kAbort || answer.chunk == sctp::kShutdownComplete));
  }
  CHECK(sound > 1'000);
}
