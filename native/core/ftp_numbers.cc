// Strict readers: what is not exactly of the form is none of it.
#include "core/ftp_numbers.h"

#include <algorithm>
#include <array>

#include "core/wire.h"

namespace natlb::ftp {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// All of `text` as a decimal of at most `digits` digits, up to `most`.
std::optional<uint32_t> decimal(std::string_view text, size_t digits, uint32_t most) noexcept {
  if (text.empty() || text.size() > digits) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  return value <= most ? std::optional{value} : std::nullopt;
}

// Cuts `text` behind the next `separator`; none left: takes all of it.
std::string_view take(std::string_view& text, char separator) noexcept {
  const size_t at = std::min(text.find(separator), text.size());
  const std::string_view field = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return field;
}

template <size_t count>
std::optional<std::array<uint8_t, count>> bytes(std::string_view text, char separator) noexcept {
  if (static_cast<size_t>(std::count(text.begin(), text.end(), separator)) != count - 1) return std::nullopt;
  std::array<uint8_t, count> made;
  for (uint8_t& byte : made) {
    const auto value = decimal(take(text, separator), 3, 255);
    if (!value) return std::nullopt;
    byte = static_cast<uint8_t>(*value);
  }
  return made;
}

std::optional<Address> read_v4(std::string_view text) noexcept {
  const auto made = bytes<4>(text, '.');
  return made ? std::optional{Address::v4(made->data())} : std::nullopt;
}

std::optional<uint16_t> hexadecimal(std::string_view text) noexcept {
  if (text.empty() || text.size() > 4) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text) {
    const char lower = static_cast<char>(c | 0x20);
    const bool is_letter = lower >= 'a' && lower <= 'f';
    if (!is_digit(c) && !is_letter) return std::nullopt;
    value = value << 4 | static_cast<uint32_t>(is_letter ? lower - 'a' + 10 : c - '0');
  }
  return static_cast<uint16_t>(value);
}

// Groups of `text` into `at`, of which there are `room`. How many there were; none when one is no group.
std::optional<size_t> read_groups(std::string_view text, uint8_t* at, size_t room) noexcept {
  size_t count = 0;
  while (!text.empty()) {
    if (text.back() == ':' || count == room) return std::nullopt;
    const auto group = hexadecimal(take(text, ':'));
    if (!group) return std::nullopt;
    const uint16_t wire = to_wire(*group);
    store16(at + 2 * count++, wire);
  }
  return count;
}

// RFC 4291 2.2, forms 1 and 2. Form 3 (an IPv4 address at the end) no client that has a use for it writes.
std::optional<Address> read_v6(std::string_view text) noexcept {
  constexpr size_t kGroups = 8;
  uint8_t made[16] = {};
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (read_groups(text, made, kGroups) != kGroups) return std::nullopt;
    return Address::v6(made);
  }
  uint8_t tail[16] = {};
  const auto first = read_groups(text.substr(0, gap), made, kGroups - 1);
  const auto last = read_groups(text.substr(gap + 2), tail, kGroups - 1);
  if (!first || !last || *first + *last >= kGroups) return std::nullopt;
  std::copy_n(tail, *last * 2, made + 16 - *last * 2);
  return Address::v6(made);
}

size_t write_decimal(char* at, uint32_t value) noexcept {
  char digits[10];
  size_t count = 0;
  do digits[count++] = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  std::reverse_copy(digits, digits + count, at);
  return count;
}

}  // namespace

std::optional<Endpoint> read_six(std::string_view text) noexcept {
  const auto made = bytes<6>(text, ',');
  if (!made) return std::nullopt;
  return Endpoint{Address::v4(made->data()), load16(made->data() + 4)};
}

std::optional<Extended> read_extended(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  const char delimiter = text.front();
  if (std::count(text.begin(), text.end(), delimiter) != 4 || text.back() != delimiter) return std::nullopt;
  text.remove_prefix(1);
  const std::string_view family = take(text, delimiter), address = take(text, delimiter);
  const auto port = decimal(take(text, delimiter), 5, 65535);
  if (!port) return std::nullopt;
  Extended made{std::nullopt, to_wire(static_cast<uint16_t>(*port))};
  if (family.empty() && address.empty()) return made;
  made.address = family == "1" ? read_v4(address) : family == "2" ? read_v6(address) : std::nullopt;
  return made.address ? std::optional{made} : std::nullopt;
}

size_t write_four(char* at, const Address& address) noexcept {
  size_t length = 0;
  for (size_t byte = 0; byte < 4; ++byte) {
    if (byte != 0) at[length++] = ',';
    length += write_decimal(at + length, address.wire()[byte]);
  }
  return length;
}

}  // namespace natlb::ftp
