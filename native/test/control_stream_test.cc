// FTP control connections over a network that cuts, loses, repeats and reorders segments, against the plain text: whatever TCP does, the
// receiver must read the server's lines with the virtual address in them, everything once and in order, and each agreement once.
#include "core/control_stream.h"

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/wire.h"
#include "io/address_text.h"

using namespace natlb;
using namespace natlb::ftp;

namespace {

constexpr uint32_t kFirst = 0xffffff80;  // the numbers wrap on the way
constexpr size_t kLimit = 300;

struct Listening final : Expecting {
  std::string agreed;
  bool able = true;

  bool expect(const Agreement& agreement) noexcept override {
    if (!able) return false;
    agreed += std::to_string(to_host(agreement.listener.port)) + " ";
    return true;
  }
};

Parties parties() {
  return {parse_address("198.51.100.7").value(), parse_address("10.11.12.1").value(), parse_address("203.0.113.10").value()};
}

// What has been sent and what arrives of it.
struct Sent {
  uint32_t sequence;
  std::string text;
  bool is_last;
};

// One direction of a control connection: a sender that keeps to RFC 9293, natlb, and a receiver that checks every byte it takes.
class Talk {
 public:
  Talk(Speaker speaker, std::string says, std::string reads, size_t limit = kLimit)
      : speaker_{speaker}, says_{std::move(says)}, reads_{std::move(reads)}, limit_{limit} {
    conversation.dialogue = {3, 3, false};
    begin(conversation, speaker, kFirst);
  }

  [[nodiscard]] bool is_over() const { return acknowledged_ == says_.size() + 1; }
  [[nodiscard]] size_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] size_t received() const { return received_; }
  [[nodiscard]] size_t sent() const { return sent_; }
  [[nodiscard]] size_t size() const { return says_.size(); }

  // Sends bytes from `from` on, and FIN behind the last; they arrive unless `lost`. Returns what came through.
  Sent send(size_t from, size_t length, bool lost = false) {
    from = std::min(from, says_.size());
    const size_t end = std::min(from + length, says_.size());
    const bool is_last = from + length > says_.size();
    sent_ = std::max(sent_, end + (is_last ? 1 : 0));
    std::string text = says_.substr(from, end - from);
    text.resize(std::max(limit_, end - from));
    Segment segment{kFirst + static_cast<uint32_t>(from), reinterpret_cast<uint8_t*>(text.data()), end - from, text.size(), is_last};
    pass_on(conversation, speaker_, segment, parties(), listening);
    CHECK(segment.length <= text.size());
    const Sent out{segment.sequence, text.substr(0, segment.length), segment.is_last};
    if (!lost) receive(out);
    return out;
  }

  // The receiver's answer to what it has, or had when `number` was its answer.
  void answer(size_t number) {
    const uint32_t wire = kFirst + static_cast<uint32_t>(number);
    const uint32_t heard = conversation.of(speaker_).sequence.acknowledged(wire) - kFirst;
    acknowledge(conversation, speaker_ == Speaker::client ? Speaker::server : Speaker::client, wire);
    REQUIRE(heard <= sent_);
    acknowledged_ = std::max<size_t>(acknowledged_, heard);
  }
  void answer() { answer(received_); }

  Conversation conversation;
  Listening listening;

 private:
  void receive(const Sent& in) {
    const int32_t at = static_cast<int32_t>(in.sequence - kFirst);
    REQUIRE(at <= static_cast<int32_t>(reads_.size()) + 1);
    if (at > static_cast<int32_t>(received_)) return;  // a hole: this receiver keeps nothing behind one
    const size_t known = static_cast<size_t>(static_cast<int32_t>(received_) - at);
    if (in.text.size() > known) {
      REQUIRE(in.text.substr(known) == reads_.substr(received_, in.text.size() - known));
      received_ += in.text.size() - known;
    }
    const bool complete = static_cast<uint32_t>(in.sequence + in.text.size()) == static_cast<uint32_t>(kFirst + received_);
    if (in.is_last && complete && received_ == reads_.size()) ++received_;
  }

  const Speaker speaker_;
  const std::string says_, reads_;
  const size_t limit_;
  size_t sent_ = 0, acknowledged_ = 0;  // bytes of `says`; FIN is the last
  size_t received_ = 0;                 // of `reads`
};

const std::string kSays =
    "220 here\r\n227 Entering Passive Mode (10,11,12,1,195,80).\r\n150 v1.2 (3 files)\r\n229 Extended (|1|10.11.12.1|50001|)\r\n"
    "227 at 3 (10,11,12,1,195,82)\r\n229 Extended (|||50003|)\r\n227 other (10,11,12,2,9,9)\r\n";
const std::string kReads =
    "220 here\r\n227 Entering Passive Mode (203,0,113,10,195,80).\r\n150 v1.2 (3 files)\r\n229 Extended (|||50001|)\r\n"
    "227 at 3 (203,0,113,10,195,82)\r\n229 Extended (|||50003|)\r\n227 other (10,11,12,2,9,9)\r\n";
const std::string kAgreed = "50000 50001 50002 50003 ";
const std::string kCommands =
    "USER a\r\nPORT 198,51,100,7,195,80\r\nEPRT |1|198.51.100.7|50001|\r\nPORT 192,0,2,1,195,80\r\nSTOR PORT 198,51,100,7,4,4\r\n";
const std::string kCommandsAgreed = "50000 50001 ";

// Sends what is left, each piece when the one before it is acknowledged (Nagle); what was not acknowledged goes again with what follows.
void finish(Talk& talk) {
  for (int attempt = 0; attempt < 200 && !talk.is_over(); ++attempt) {
    talk.send(talk.acknowledged(), talk.size() + 1);
    talk.answer();
  }
  REQUIRE(talk.is_over());
}

}  // namespace

TEST_CASE("a dialogue cut at every position reads as one in one piece") {
  for (size_t cut = 0; cut <= kSays.size(); ++cut) {
    CAPTURE(cut);
    Talk talk{Speaker::server, kSays, kReads};
    talk.send(0, cut);
    talk.answer();
    CHECK(talk.acknowledged() == cut);  // nothing waits for a timeout
    finish(talk);
    CHECK(talk.listening.agreed == kAgreed);
  }
}

TEST_CASE("cut twice at any two positions") {
  for (size_t first = 0; first <= kSays.size(); ++first) {
    for (size_t second = first; second <= kSays.size(); ++second) {
      CAPTURE(first);
      CAPTURE(second);
      Talk talk{Speaker::server, kSays, kReads};
      talk.send(0, first);
      talk.send(first, second - first);
      talk.answer();
      finish(talk);
      REQUIRE(talk.listening.agreed == kAgreed);
    }
  }
}

TEST_CASE("byte by byte, with and without waiting for acknowledgements") {
  for (const bool waits : {false, true}) {
    Talk talk{Speaker::server, kSays, kReads};
    for (size_t at = 0; at < talk.size(); ++at) {
      talk.send(at, 1);
      if (waits) talk.answer();
    }
    talk.answer();
    finish(talk);
    CHECK(talk.listening.agreed == kAgreed);
  }
}

TEST_CASE("a part that is lost behind natlb comes again as it was") {
  for (size_t from = 0; from < kSays.size(); ++from) {
    for (const size_t length : {1, 7, 40, 300}) {
      CAPTURE(from);
      CAPTURE(length);
      Talk talk{Speaker::server, kSays, kReads};
      talk.send(0, from);
      talk.send(from, length, true);
      talk.send(from + length, 20);
      talk.answer();
      finish(talk);
      REQUIRE(talk.listening.agreed == kAgreed);
    }
  }
}

TEST_CASE("a part that is lost before natlb holds up what follows, and the receiver is asked") {
  Talk talk{Speaker::server, kSays, kReads};
  talk.send(0, 10);
  talk.answer();
  const Sent asked = talk.send(20, 30);
  CHECK(asked.text.empty());
  CHECK(asked.sequence == kFirst + 9);
  talk.answer();
  CHECK(talk.acknowledged() == 10);
  finish(talk);
}

TEST_CASE("what the receiver has acknowledged without us is not waited for") {
  Talk talk{Speaker::server, kSays, kSays};
  talk.send(0, 10);
  talk.send(30, 20);  // 10 to 30 went by another router
  talk.answer(30);
  CHECK(talk.conversation.server.next == kFirst + 30);
  acknowledge(talk.conversation, Speaker::client, kFirst + 90);  // never sent: somebody makes it up
  CHECK(talk.conversation.server.next == kFirst + 30);
}

TEST_CASE("random cuts, losses, repetitions and late acknowledgements") {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto below = [&](size_t bound) { return random() % bound; };
    const bool is_server = below(4) != 0;
    // The smallest limit is that of the longest piece that goes in one.
    const size_t limit = 60 + below(200), longest = 1 + below(120);
    Talk talk{is_server ? Speaker::server : Speaker::client, is_server ? kSays : kCommands, is_server ? kReads : kCommands, limit};
    size_t steps = 0;
    for (; !talk.is_over() && steps < 100000; ++steps) {
      switch (below(5)) {
        case 0:
        case 1:
          talk.send(std::min(talk.sent(), talk.size()), 1 + below(longest), below(4) == 0);
          break;
        case 2:
          talk.send(talk.acknowledged() - below(std::min<size_t>(talk.acknowledged(), 9) + 1), 1 + below(longest), below(4) == 0);
          break;
        case 3:
          talk.answer(talk.received() - below(std::min<size_t>(talk.received(), 30) + 1));
          break;
        default:
          talk.answer();
      }
    }
    REQUIRE(talk.is_over());
    REQUIRE(talk.listening.agreed == (is_server ? kAgreed : kCommandsAgreed));
  }
}

TEST_CASE("a reply nothing can be expected for stays as it is") {
  Talk talk{Speaker::server, kSays, kSays};
  talk.listening.able = false;
  finish(talk);
}

TEST_CASE("what a longer text pushes out of the packet is sent again") {
  const std::string tail(100, '.');
  Talk talk{Speaker::server, "227 (10,11,12,1,195,80)\r\n" + tail, "227 (203,0,113,10,195,80)\r\n" + tail, 60};
  const Sent first = talk.send(0, 60);
  CHECK(first.text == "227 (203,0,113,10,195,80)\r\n" + tail.substr(0, 33));
  talk.answer();
  CHECK(talk.acknowledged() == 58);
  finish(talk);
}

TEST_CASE("more changes than are remembered wait for the receiver") {
  std::string says, reads;
  for (int line = 0; line < 12; ++line) {
    says += "227 (10,11,12,1,195,80)\r\n";
    reads += "227 (203,0,113,10,195,80)\r\n";
  }
  Talk talk{Speaker::server, says, reads, 1000};
  talk.conversation.dialogue.asked_pasv = 12;
  const Sent first = talk.send(0, says.size());
  CHECK(first.text == reads.substr(0, 4 * 27 + 5));  // four lines, and the fifth up to what must not show
  finish(talk);
}

TEST_CASE("a segment without text says where the stream is") {
  Talk talk{Speaker::server, kSays, kReads};
  talk.send(0, 60);
  CHECK(talk.send(60, 0).sequence == kFirst + 62);
  talk.answer();
  CHECK(talk.send(60, 0).sequence == kFirst + 62);
}

TEST_CASE("a token that the end of the stream breaks off goes as it is") {
  Talk talk{Speaker::server, "227 (10,11,12", "227 (10,11,12"};
  talk.send(0, 13);
  talk.answer();
  CHECK(talk.received() == 5);
  CHECK(talk.acknowledged() == 13);
  CHECK(talk.send(13, 1, true).text == "10,11,12");
  CHECK(talk.send(13, 1).text == "10,11,12");
  talk.answer();
  CHECK(talk.is_over());
}
