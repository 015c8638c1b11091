// Fuzzes the reader of FTP control connections: any text, cut at any places, must read as it does in one piece, every byte of it, and be
// acknowledged to its sender in full. An input is a byte of kind, a byte of room, eight bytes of lengths, and the text.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/control_stream.h"

using namespace natlb;
using namespace natlb::ftp;

namespace {

constexpr uint32_t kFirst = 0xffffff00;
constexpr size_t kHead = 10, kSmallest = 60, kLongest = 4096;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

struct Counting final : Expecting {
  size_t count = 0;
  bool expect(const Agreement&) noexcept override { return ++count != 0; }
};

Parties parties() {
  constexpr uint8_t client[4] = {198, 51, 100, 7}, destination[4] = {10, 11, 12, 1}, virtual_address[4] = {203, 0, 113, 10};
  return {Address::v4(client), Address::v4(destination), Address::v4(virtual_address)};
}

struct Read {
  std::string text;
  size_t agreements;
};

// The text in pieces of these lengths, over and over, each sent when the one before it was acknowledged; what was not goes again, with
// more.
Read read(Speaker speaker, const std::string& text, size_t limit, const std::array<uint8_t, 8>& lengths) {
  Conversation conversation;
  conversation.dialogue = {255, 255, false};
  begin(conversation, speaker, kFirst);
  Counting counting;
  std::string received;
  size_t acknowledged = 0, patience = 0;
  for (size_t round = 0; acknowledged < text.size(); ++round) {
    require(patience < 8, "every byte gets through");
    const size_t length = std::min<size_t>(lengths[round % 8] + (patience == 0 ? 1 : kLongest), text.size() - acknowledged);
    std::string piece = text.substr(acknowledged, length);
    piece.resize(std::max(limit, length));
    Segment segment{kFirst + static_cast<uint32_t>(acknowledged), reinterpret_cast<uint8_t*>(piece.data()), length, piece.size(), false};
    pass_on(conversation, speaker, segment, parties(), counting);
    require(segment.length <= piece.size(), "a segment stays in its buffer");
    const size_t at = segment.sequence - kFirst;
    if (segment.length != 0) {
      require(at <= received.size(), "nothing is left out");
      received.resize(at);
      received.append(piece, 0, segment.length);
    }
    const uint32_t wire = kFirst + static_cast<uint32_t>(received.size());
    const size_t heard = conversation.of(speaker).sequence.acknowledged(wire) - kFirst;
    acknowledge(conversation, speaker == Speaker::client ? Speaker::server : Speaker::client, wire);
    require(heard <= acknowledged + length && heard >= acknowledged, "only what was sent is acknowledged");
    patience = heard == acknowledged ? patience + 1 : 0;
    acknowledged = heard;
  }
  if (conversation.of(speaker).sequence.open != 0) {
    received.append(conversation.of(speaker).scanner.text.data(), conversation.of(speaker).sequence.open);
  }
  return {received, counting.count};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kHead) return 0;
  const Speaker speaker = data[0] % 2 != 0 ? Speaker::server : Speaker::client;
  std::array<uint8_t, 8> lengths{}, whole;
  std::copy_n(data + 2, lengths.size(), lengths.begin());
  whole.fill(255);
  const std::string text{reinterpret_cast<const char*>(data) + kHead, std::min(size - kHead, kLongest)};
  const Read cut = read(speaker, text, kSmallest + data[1], lengths);
  const Read one = read(speaker, text, 2 * kLongest, whole);
  require(cut.text == one.text, "cuts change nothing");
  require(cut.agreements == one.agreements, "cuts agree on nothing else");
  require(speaker == Speaker::server || cut.text == text, "a command is never changed");
  return 0;
}
