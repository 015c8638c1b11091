// The text of an FTP control connection: what its lines agree on about data connections. Reads byte by byte, so it does not matter how TCP
// cut them. RFC 959 4.1.2 (PORT, PASV), RFC 1123 4.1.2.6 (the 227 reply), RFC 2428 (EPRT, EPSV), RFC 2577 (what must be refused).
//
// Clients keep their address behind natlb, so of all text only the destination's own address in a reply to PASV or EPSV is replaced.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/address.h"

namespace natlb::ftp {

enum class Speaker : uint8_t { client, server };

// The longest that may be kept back until it is understood: EPRT |2|, 39 characters of address, |65535|.
inline constexpr size_t kLongestToken = 52;
// The longest that may stand in its place: six numbers and five commas.
inline constexpr size_t kLongestReplacement = 23;

// What both sides have said so far, as far as it matters to what comes next.
struct Dialogue {
  uint8_t asked_pasv = 0;  // commands whose reply has not come; replies that nobody asked for mean nothing
  uint8_t asked_epsv = 0;
  bool only_epsv = false;  // the client said EPSV ALL (RFC 2428 4)
};

// Where one side is in its line. Plain data: it outlives the process in the worker's block.
struct Scanner {
  enum class Where : uint8_t { keyword, argument, seek, token, passed_over, rest };
  enum class Line : uint8_t { other, port, eprt, pasv, epsv };

  Where where = Where::keyword;
  Line line = Line::other;
  uint8_t length = 0;      // of `text`
  uint8_t delimiters = 0;  // of an extended token, so far
  uint16_t column = 0;
  std::array<char, kLongestToken> text{};  // of the keyword, of its argument or of the token

  // A token has begun and is not over.
  [[nodiscard]] bool is_open() const noexcept { return where == Where::token; }
};

enum class Step : uint8_t {
  passed,        // no part of a token
  kept,          // of a token that is not over
  ended_before,  // a token ended before this byte
  ended_with,    // a token ended with this byte
};

// Takes the next byte of `speaker`. When a token ended its text is scanner.text until the next byte.
Step step(Scanner& scanner, Dialogue& dialogue, Speaker speaker, char byte) noexcept;

// Who talks to whom, as the text has it or should.
struct Parties {
  Address client;
  Address destination;
  Address virtual_address;
};

// A data connection both sides are about to make, opened towards `listener`: an address and port of the client or of the destination.
struct Agreement {
  Speaker listener_is;
  Endpoint listener;
};

// What a token that ended means.
struct Meaning {
  bool agreed = false;  // otherwise its text stays as it is and nothing is expected
  Agreement agreement{};
  uint8_t length = 0;                            // of `text`; 0: the token's text may stay
  std::array<char, kLongestReplacement> text{};  // what the other side must read in the token's place
};
Meaning interpret(const Scanner& scanner, const Dialogue& dialogue, const Parties& parties) noexcept;

// To be told when an agreement is acted upon: a reply is read once, and answers one command.
void settle(const Scanner& scanner, Dialogue& dialogue) noexcept;

}  // namespace natlb::ftp
