// Sequence numbers around edits, against a table of every byte written by hand or by a loop.
#include "core/sequence.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/wire.h"

using namespace natlb;

namespace {

constexpr uint32_t kFirst = 0xfffffff0;  // so that the numbers wrap

Edit edit(uint32_t at, uint8_t sent, uint8_t shown, uint8_t held = 0) { return {kFirst + at, sent, shown, held, {}}; }

// Ten bytes become thirteen, then four become two. As the sender counts: 20 to 30, 40 to 44; as the receiver does: 20 to 33, 43 to 45.
Sequence two_edits() {
  Sequence sequence;
  sequence.add(edit(20, 10, 13));
  sequence.add(edit(40, 4, 2));
  return sequence;
}

std::vector<uint8_t> header(uint32_t acknowledged, const std::vector<uint8_t>& options) {
  std::vector<uint8_t> bytes(kTcpHeader);
  bytes[tcp::kFlags] = tcp::kAck;
  put_host32(bytes.data() + tcp::kAcknowledgement, acknowledged);
  bytes.insert(bytes.end(), options.begin(), options.end());
  return bytes;
}

std::vector<uint8_t> sack(const std::vector<uint32_t>& edges) {
  std::vector<uint8_t> option(2 + 4 * edges.size());
  option[0] = 5;
  option[1] = static_cast<uint8_t>(option.size());
  for (size_t i = 0; i < edges.size(); ++i) put_host32(option.data() + 2 + 4 * i, kFirst + edges[i]);
  option.insert(option.begin(), {1, 1});
  return option;
}

std::vector<uint8_t> adjusted(std::vector<uint8_t> tcp, const Sequence& sequence) {
  adjust_acknowledgement(tcp.data(), tcp.size(), sequence);
  return {tcp.begin() + kTcpHeader, tcp.end()};
}

}  // namespace

TEST_CASE("a stream that was never changed keeps its numbers") {
  const Sequence sequence;
  CHECK(sequence.is_plain());
  CHECK(sequence.to_receiver(7) == 7);
  CHECK(sequence.acknowledged(7) == 7);
}

TEST_CASE("numbers behind an edit are shifted by it, those inside it are its beginning") {
  const Sequence sequence = two_edits();
  struct Row {
    uint32_t sender, receiver;
  };
  for (const Row row : {Row{0, 0}, {20, 20}, {21, 20}, {29, 20}, {30, 33}, {39, 42}, {40, 43}, {43, 43}, {44, 45}, {100, 101}}) {
    CAPTURE(row.sender);
    CHECK(sequence.to_receiver(kFirst + row.sender) - kFirst == row.receiver);
  }
}

TEST_CASE("an acknowledgement from inside an edit asks for all of it again") {
  const Sequence sequence = two_edits();
  struct Row {
    uint32_t receiver, sender;
  };
  for (const Row row : {Row{0, 0}, {20, 20}, {21, 20}, {32, 20}, {33, 30}, {42, 39}, {43, 40}, {44, 40}, {45, 44}, {101, 100}}) {
    CAPTURE(row.receiver);
    CHECK(sequence.acknowledged(kFirst + row.receiver) - kFirst == row.sender);
  }
}

TEST_CASE("bytes kept back are acknowledged in the receiver's place, before and after the rest has come") {
  Sequence sequence;
  sequence.open_from = kFirst + 20;
  sequence.open = 6;
  CHECK(sequence.acknowledged(kFirst + 19) == kFirst + 19);
  CHECK(sequence.acknowledged(kFirst + 20) == kFirst + 26);
  CHECK(sequence.to_receiver(kFirst + 26) == kFirst + 20);
  sequence.open = 0;
  sequence.add(edit(20, 10, 13, 6));
  CHECK(sequence.acknowledged(kFirst + 20) == kFirst + 26);
  CHECK(sequence.acknowledged(kFirst + 30) == kFirst + 26);
  CHECK(sequence.acknowledged(kFirst + 33) == kFirst + 30);
}

TEST_CASE("an edit is remembered until all of it is acknowledged") {
  Sequence sequence = two_edits();
  sequence.forget(kFirst + 32);
  CHECK(sequence.count == 2);
  sequence.forget(kFirst + 33);
  CHECK(sequence.count == 1);
  CHECK(sequence.to_receiver(kFirst + 44) == kFirst + 45);
  sequence.forget(kFirst + 20);  // an acknowledgement that comes late
  CHECK(sequence.count == 1);
  sequence.forget(kFirst + 200);
  CHECK(sequence.count == 0);
  CHECK_FALSE(sequence.is_plain());
  CHECK(sequence.to_receiver(kFirst + 44) == kFirst + 45);
  CHECK(sequence.acknowledged(kFirst + 45) == kFirst + 44);
}

TEST_CASE("what is forgotten changes no number that still matters") {
  const Sequence remembers = two_edits();
  Sequence forgets = two_edits();
  forgets.forget(kFirst + 45);
  for (uint32_t number = 44; number < 300; ++number) {
    CHECK(forgets.to_receiver(kFirst + number) == remembers.to_receiver(kFirst + number));
    CHECK(forgets.acknowledged(kFirst + number + 1) == remembers.acknowledged(kFirst + number + 1));
  }
  // From before: only to places the other side has already.
  for (uint32_t number = 0; number < 44; ++number) {
    CHECK_FALSE(is_after(forgets.to_receiver(kFirst + number), kFirst + 45));
    CHECK_FALSE(is_after(forgets.acknowledged(kFirst + number), kFirst + 44));
  }
}

TEST_CASE("SACK blocks name what the sender sent") {
  const Sequence sequence = two_edits();
  CHECK(adjusted(header(kFirst, sack({33, 43})), sequence) == sack({30, 40}));
  CHECK(adjusted(header(kFirst, sack({20, 33, 45, 101})), sequence) == sack({20, 30, 44, 100}));
  // Half an edit is none: the sender must send all of it again.
  CHECK(adjusted(header(kFirst, sack({10, 25})), sequence) == sack({10, 20}));
  CHECK(adjusted(header(kFirst, sack({25, 50})), sequence) == sack({30, 49}));
}

TEST_CASE("a SACK block of which nothing is left is taken out") {
  const Sequence sequence = two_edits();
  std::vector<uint8_t> one = sack({49, 59});
  one.insert(one.end(), 8, 1);
  CHECK(adjusted(header(kFirst, sack({22, 30, 50, 60})), sequence) == one);
  CHECK(adjusted(header(kFirst, sack({22, 30})), sequence) == std::vector<uint8_t>(12, 1));
}

TEST_CASE("options that make no sense are left alone") {
  const Sequence sequence = two_edits();
  for (const std::vector<uint8_t>& options :
       {std::vector<uint8_t>{5, 0, 0, 0}, {5, 1, 0, 0}, {5, 40, 0, 0}, {5, 3, 0, 0}, {1, 1, 1, 5}, {0, 5, 10, 0}, {8, 10, 0, 0}}) {
    CHECK(adjusted(header(kFirst, options), sequence) == options);
  }
}

TEST_CASE("an acknowledgement number counts only with its flag") {
  const Sequence sequence = two_edits();
  std::vector<uint8_t> tcp = header(kFirst + 101, {});
  adjust_acknowledgement(tcp.data(), tcp.size(), sequence);
  CHECK(host32(tcp.data() + tcp::kAcknowledgement) == kFirst + 100);
  tcp[tcp::kFlags] = 0;
  adjust_acknowledgement(tcp.data(), tcp.size(), sequence);
  CHECK(host32(tcp.data() + tcp::kAcknowledgement) == kFirst + 100);
}
