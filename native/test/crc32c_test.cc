// CRC32c against the vectors of RFC 3720 B.4 (iSCSI uses the same sum as SCTP), and its two ways against each other.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "core/crc32c.h"

using namespace natlb;

namespace {

std::vector<uint8_t> counting(uint8_t first, int step) {
  std::vector<uint8_t> bytes(32);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(first + step * static_cast<int>(i));
  return bytes;
}

// "An iSCSI - SCSI Read (10) Command PDU".
const std::vector<uint8_t> kReadCommand{
    0x01, 0xc0, 0, 0, 0, 0, 0,    0, 0, 0, 0, 0,    0, 0, 0, 0,     //
    0x14, 0,    0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,  //
    0x28, 0,    0, 0, 0, 0, 0,    0, 2, 0, 0, 0,    0, 0, 0, 0,
};

uint32_t of(const std::vector<uint8_t>& bytes) { return crc32c(bytes.data(), bytes.size()); }

}  // namespace

TEST_CASE("CRC32c of the vectors of RFC 3720 B.4") {
  CHECK(of(std::vector<uint8_t>(32, 0x00)) == 0x8a9136aa);
  CHECK(of(std::vector<uint8_t>(32, 0xff)) == 0x62a8ab43);
  CHECK(of(counting(0x00, 1)) == 0x46dd794e);
  CHECK(of(counting(0x1f, -1)) == 0x113fdb5c);
  CHECK(of(kReadCommand) == 0xd9963a56);
  const std::string digits = "123456789";  // what every catalogue of CRCs gives as the check value
  CHECK(crc32c(reinterpret_cast<const uint8_t*>(digits.data()), digits.size()) == 0xe3069283);
  CHECK(crc32c(nullptr, 0) == 0);
}

TEST_CASE("CRC32c by instruction and by table agree, at any length, alignment and beginning") {
  std::mt19937 random{1};
  std::vector<uint8_t> bytes(300);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  if (!detail::has_crc32c_instruction()) return;
  for (size_t from = 0; from < 9; ++from) {
    for (size_t length = 0; length + from <= bytes.size(); length += 1 + length / 20) {
      const uint32_t running = random();
      CHECK(detail::extend_crc32c_by_instruction(running, bytes.data() + from, length) ==
            detail::extend_crc32c_by_table(running, bytes.data() + from, length));
    }
  }
}

TEST_CASE("CRC32c goes on over zeros as over any other bytes") {
  const std::vector<uint8_t> zeros(70'000);
  for (const size_t length : {0, 1, 7, 255, 256, 257, 1'480, 70'000})
    CHECK(extend_crc32c_by_zeros(0x12345678, length) == extend_crc32c(0x12345678, zeros.data(), length));
}
