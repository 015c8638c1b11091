// A small machine per line: a keyword, then a token, then nothing of interest up to the end of the line.
#include "core/ftp.h"

#include <algorithm>
#include <string_view>

#include "core/ftp_numbers.h"
#include "core/wire.h"

namespace natlb::ftp {

namespace {

using Where = Scanner::Where;
using Line = Scanner::Line;

constexpr size_t kLongestSix = 23, kLongestExtended = kLongestToken - 1;
// RFC 959 has no bound; no client or server writes longer lines that mean anything here.
constexpr uint16_t kLongestLine = 512;
// Ports below belong to services, not to data connections (RFC 2577 3).
constexpr uint16_t kFirstPort = 1024;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_number(char c) noexcept { return is_digit(c) || c == ','; }
constexpr bool is_end(char c) noexcept { return c == '\r' || c == '\n'; }
constexpr bool is_delimiter(char c) noexcept { return c >= 33 && c <= 126; }
constexpr bool is_reply(Line line) noexcept { return line == Line::pasv || line == Line::epsv; }
constexpr bool is_six(Line line) noexcept { return line == Line::port || line == Line::pasv; }

// FTP does not care for case (RFC 959 5.3).
bool is(const Scanner& scanner, std::string_view word) noexcept {
  return std::equal(scanner.text.begin(), scanner.text.begin() + scanner.length, word.begin(), word.end(),
                    [](char a, char b) { return a == b || (a >= 'a' && a <= 'z' && a - 'a' + 'A' == b); });
}

void keep(Scanner& scanner, char byte) noexcept { scanner.text[scanner.length++] = byte; }

Step go(Scanner& scanner, Where where) noexcept {
  scanner.where = where;
  scanner.length = 0;
  scanner.delimiters = 0;
  return Step::passed;
}

Step look_for(Scanner& scanner, Line line) noexcept {
  scanner.line = line;
  return go(scanner, Where::seek);
}

void count_one(uint8_t& asked) noexcept { asked = static_cast<uint8_t>(std::min(asked + 1, 255)); }

Step end_command(Scanner& scanner, Dialogue& dialogue) noexcept {
  if (is(scanner, "PASV") && !dialogue.only_epsv) count_one(dialogue.asked_pasv);
  if (is(scanner, "EPSV")) count_one(dialogue.asked_epsv);
  return go(scanner, Where::rest);
}

Step step_keyword(Scanner& scanner, Dialogue& dialogue, Speaker speaker, char byte) noexcept {
  constexpr size_t kCode = 3, kCommand = 4;
  const bool is_server = speaker == Speaker::server;
  if (scanner.column == 1) scanner.length = 0;
  if (scanner.length < (is_server ? kCode : kCommand)) {
    keep(scanner, byte);
    return Step::passed;
  }
  if (byte != ' ' && !is_server) return is_end(byte) ? end_command(scanner, dialogue) : go(scanner, Where::rest);
  if (byte != ' ') return go(scanner, Where::rest);
  if (is_server)
    return is(scanner, "227")   ? look_for(scanner, Line::pasv)
           : is(scanner, "229") ? look_for(scanner, Line::epsv)
                                : go(scanner, Where::rest);
  if (is(scanner, "PORT")) return look_for(scanner, Line::port);
  if (is(scanner, "EPRT")) return look_for(scanner, Line::eprt);
  if (is(scanner, "EPSV")) return go(scanner, Where::argument);
  return end_command(scanner, dialogue);
}

// Of EPSV: a protocol number, or ALL.
Step step_argument(Scanner& scanner, Dialogue& dialogue, char byte) noexcept {
  if (!is_end(byte)) {
    if (byte != ' ' && scanner.length < 4) keep(scanner, byte);
    return Step::passed;
  }
  if (is(scanner, "ALL")) {
    dialogue.only_epsv = true;
  } else {
    count_one(dialogue.asked_epsv);
  }
  return go(scanner, Where::rest);
}

// A reply's numbers begin at its first digit (RFC 1123 4.1.2.6), its delimited fields behind the parenthesis; a command's argument behind
// its spaces. `delimiters` remembers that the parenthesis has been.
Step step_seek(Scanner& scanner, char byte) noexcept {
  if (scanner.line == Line::epsv && scanner.delimiters == 0) {
    if (byte == '(') scanner.delimiters = 1;
    return Step::passed;
  }
  if (is_six(scanner.line) ? is_digit(byte) : is_delimiter(byte)) {
    go(scanner, Where::token);
    keep(scanner, byte);
    scanner.delimiters = 1;
    return Step::kept;
  }
  return scanner.line == Line::pasv || byte == ' ' ? Step::passed : go(scanner, Where::rest);
}

// The text stays until the next byte, so that it can be interpreted.
Step end(Scanner& scanner, Step how) noexcept {
  scanner.where = scanner.line == Line::pasv ? Where::passed_over : Where::rest;
  return how;
}

Step give_up(Scanner& scanner) noexcept {
  scanner.line = Line::other;
  return end(scanner, Step::ended_before);
}

Step step_six(Scanner& scanner, char byte) noexcept {
  if (!is_number(byte)) return end(scanner, Step::ended_before);
  if (scanner.length < kLongestSix) {
    keep(scanner, byte);
    return Step::kept;
  }
  return give_up(scanner);  // too long to be one
}

Step step_extended(Scanner& scanner, char byte) noexcept {
  constexpr uint8_t kDelimiters = 4;
  if (!is_delimiter(byte) || scanner.length == kLongestExtended) return give_up(scanner);
  keep(scanner, byte);
  if (byte != scanner.text[0]) return Step::kept;
  return ++scanner.delimiters < kDelimiters ? Step::kept : end(scanner, Step::ended_with);
}

// Behind numbers that were none there may be others: `227 Passive mode 2 (10,11,12,1,195,80)`.
Step step_passed_over(Scanner& scanner, char byte) noexcept { return is_number(byte) ? Step::passed : go(scanner, Where::seek); }

std::string_view token(const Scanner& scanner) noexcept { return {scanner.text.data(), scanner.length}; }

// Where the token says that a connection shall go. Its address is `otherwise` where it names none.
std::optional<Endpoint> named(const Scanner& scanner, const Address& otherwise) noexcept {
  if (is_six(scanner.line)) return read_six(token(scanner));
  const auto extended = read_extended(token(scanner));
  // Only a reply may leave the address out (RFC 2428 2, 3).
  if (!extended || (!extended->address && scanner.line == Line::eprt)) return std::nullopt;
  return Endpoint{extended->address.value_or(otherwise), extended->port};
}

bool names_address(const Scanner& scanner) noexcept { return is_six(scanner.line) || scanner.text[1] != scanner.text[0]; }

// The token with another address: the port stays as it was written.
void replace_address(Meaning& meaning, const Scanner& scanner, const Address& shown) noexcept {
  const std::string_view text = token(scanner);
  char* const begin = meaning.text.data();
  char* at = begin;
  if (is_six(scanner.line)) {
    at += write_four(at, shown);
  } else {
    at = std::fill_n(at, 3, text.front());  // RFC 2428 3: all fields but the port must be blank
  }
  const size_t port = is_six(scanner.line) ? text.rfind(',', text.rfind(',') - 1) : text.rfind(text.front(), text.size() - 2) + 1;
  at = std::copy(text.begin() + static_cast<std::ptrdiff_t>(port), text.end(), at);
  meaning.length = static_cast<uint8_t>(at - begin);
}

bool is_asked(const Scanner& scanner, const Dialogue& dialogue) noexcept {
  switch (scanner.line) {
    case Line::pasv:
      return dialogue.asked_pasv != 0;
    case Line::epsv:
      return dialogue.asked_epsv != 0;
    case Line::port:
    case Line::eprt:
      return !dialogue.only_epsv;
    case Line::other:
      break;
  }
  return false;
}

}  // namespace

Step step(Scanner& scanner, Dialogue& dialogue, Speaker speaker, char byte) noexcept {
  if (scanner.where != Where::token && ++scanner.column > kLongestLine && scanner.where != Where::rest) go(scanner, Where::rest);
  Step taken = Step::passed;
  switch (scanner.where) {
    case Where::keyword:
      taken = step_keyword(scanner, dialogue, speaker, byte);
      break;
    case Where::argument:
      taken = step_argument(scanner, dialogue, byte);
      break;
    case Where::seek:
      taken = step_seek(scanner, byte);
      break;
    case Where::token:
      taken = is_six(scanner.line) ? step_six(scanner, byte) : step_extended(scanner, byte);
      break;
    case Where::passed_over:
      taken = step_passed_over(scanner, byte);
      break;
    case Where::rest:
      break;
  }
  if (byte != '\n') return taken;
  scanner.column = 0;
  scanner.where = Where::keyword;  // a token that has just ended stays in `text`
  return taken;
}

Meaning interpret(const Scanner& scanner, const Dialogue& dialogue, const Parties& parties) noexcept {
  Meaning meaning;
  const bool reply = is_reply(scanner.line);
  const auto endpoint = named(scanner, parties.destination);
  if (!endpoint || !is_asked(scanner, dialogue)) return meaning;
  // Anybody else's address is a bounce (RFC 2577 3). A destination may be set up to name the virtual address itself.
  const bool is_own = endpoint->address == (reply ? parties.destination : parties.client);
  if (!is_own && !(reply && endpoint->address == parties.virtual_address)) return meaning;
  if (to_host(endpoint->port) < kFirstPort) return meaning;
  meaning.agreed = true;
  meaning.agreement = {reply ? Speaker::server : Speaker::client, {reply ? parties.destination : parties.client, endpoint->port}};
  if (reply && is_own && names_address(scanner)) replace_address(meaning, scanner, parties.virtual_address);
  return meaning;
}

void settle(const Scanner& scanner, Dialogue& dialogue) noexcept {
  if (scanner.line == Line::pasv) --dialogue.asked_pasv;
  if (scanner.line == Line::epsv) --dialogue.asked_epsv;
}

}  // namespace natlb::ftp
