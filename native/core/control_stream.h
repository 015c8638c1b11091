// The two byte streams of an FTP control connection, read and, where a line names an address that must not show, changed under way.
//
// Everything is read in order and once: what comes behind a hole is not let through before the hole is filled, what comes again gets the
// changes it got before. A token that a segment breaks off is kept back here, up to 52 bytes: those are acknowledged for the client, so
// that a server whose Nagle algorithm waits for that sends the rest (RFC 1122 4.2.3.4), and they leave in front of it. A segment of which
// nothing can go on asks instead: empty, numbered below what its receiver has, which makes that say where it is (RFC 9293 3.10.7.4; a
// keep-alive). What a longer text pushes out of the largest packet is cut off: its sender takes it for lost and sends it again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/ftp.h"
#include "core/sequence.h"

namespace natlb::ftp {

// What one side says.
struct Stream {
  bool known = false;
  uint32_t next = 0;  // its first byte that has not been read
  uint32_t sent = 0;  // behind all that was ever seen of it
  bool is_heard = false;
  uint32_t heard = 0;  // what the other has acknowledged, as it counts itself
  Scanner scanner;
  Sequence sequence;
};

struct Conversation {
  Stream client, server;
  Dialogue dialogue;

  Stream& of(Speaker speaker) noexcept { return speaker == Speaker::client ? client : server; }
};

// A segment without its headers; afterwards as it goes on.
struct Segment {
  uint32_t sequence;
  uint8_t* text;
  size_t length;
  size_t limit;  // bytes that `text` may become, at least `length`
  bool is_last;  // FIN
};

// Makes the data connection possible; false when it cannot, and then nobody shall be told of it.
class Expecting {
 public:
  virtual bool expect(const Agreement& agreement) noexcept = 0;

 protected:
  ~Expecting() = default;
};

// The speaker's stream begins with `sequence`.
void begin(Conversation& conversation, Speaker speaker, uint32_t sequence) noexcept;
// Reads and changes what `speaker` sends.
void pass_on(Conversation& conversation, Speaker speaker, Segment& segment, const Parties& parties, Expecting& expecting) noexcept;
// `listener` has everything the other says before `number`, as it counts itself.
void acknowledge(Conversation& conversation, Speaker listener, uint32_t number) noexcept;

}  // namespace natlb::ftp
