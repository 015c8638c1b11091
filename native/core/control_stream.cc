// One segment: first what was read before, as it was changed then, then what is new.
#include "core/control_stream.h"

#include <algorithm>
#include <cstring>

namespace natlb::ftp {

namespace {

class Passage {
 public:
  Passage(Conversation& conversation, Speaker speaker, Segment& segment, const Parties& parties, Expecting& expecting) noexcept
      : conversation_{conversation},
        stream_{conversation.of(speaker)},
        sequence_{stream_.sequence},
        speaker_{speaker},
        segment_{segment},
        parties_{parties},
        expecting_{expecting},
        begin_{segment.sequence},
        end_{segment.sequence + static_cast<uint32_t>(segment.length)} {}

  void run() noexcept {
    const uint32_t behind = end_ + (segment_.is_last ? 1 : 0);
    if (is_after(behind, stream_.sent)) stream_.sent = behind;
    const bool is_empty = segment_.length == 0 && !segment_.is_last;
    if (is_after(begin_, stream_.next) && !is_empty) return ask();
    segment_.sequence = sequence_.to_receiver(begin_);
    if (is_empty) return;
    repeat();
    if (!cut_ && !is_after(stream_.next, end_)) read();
    if (segment_.length == 0 && !segment_.is_last) ask();
  }

 private:
  // Nothing goes on: the receiver is asked for what it has.
  void ask() noexcept {
    segment_.sequence = (stream_.is_heard ? stream_.heard : sequence_.to_receiver(stream_.next)) - 1;
    segment_.length = 0;
    segment_.is_last = false;
  }

  // Puts `text` in the place of `removed` bytes at `at`, at the cost of the segment's end. False when not even so there is room.
  bool replace(size_t at, size_t removed, const char* text, size_t shown) noexcept {
    if (at + shown > segment_.limit) return false;
    const size_t tail = segment_.length - at - removed;
    const size_t kept = std::min(tail, segment_.limit - at - shown);
    std::memmove(segment_.text + at + shown, segment_.text + at + removed, kept);
    std::copy_n(text, shown, segment_.text + at);
    segment_.length = at + shown + kept;
    if (kept == tail) return true;
    segment_.is_last = false;
    end_ -= static_cast<uint32_t>(tail - kept);
    return true;
  }

  void cut(size_t at) noexcept {
    segment_.length = at;
    segment_.is_last = false;
    cut_ = true;
  }

  // An edit goes in one piece, and also when the segment begins where only bytes acknowledged in the receiver's place lie before it.
  [[nodiscard]] bool touches(const Edit& edit) const noexcept {
    const uint32_t behind = edit.from + edit.sent;
    return is_after(end_, edit.from) && (is_after(behind, begin_) || (behind == begin_ && edit.held == edit.sent));
  }

  // What was read before; `at_` then stands where new bytes begin.
  void repeat() noexcept {
    uint32_t number = begin_;
    bool is_first = true;
    for (size_t i = 0; i < sequence_.count && !cut_; ++i) {
      const Edit& edit = sequence_.edits[i];
      if (!touches(edit)) continue;
      if (is_first && !is_after(edit.from, begin_)) segment_.sequence = sequence_.to_receiver(edit.from);
      is_first = false;
      repeat(edit, number);
    }
    if (cut_) return;
    const uint32_t kept = sequence_.open != 0 ? sequence_.open_from : stream_.next;
    const uint32_t plain = is_after(end_, kept) ? kept : end_;
    if (is_after(plain, number)) advance(plain, number);
    const uint32_t read = is_after(end_, stream_.next) ? stream_.next : end_;
    if (is_after(read, number)) replace(at_, read - number, nullptr, 0);  // kept back: it leaves with its rest
  }

  void advance(uint32_t to, uint32_t& number) noexcept {
    at_ += to - number;
    number = to;
  }

  void repeat(const Edit& edit, uint32_t& number) noexcept {
    if (is_after(edit.from, number)) advance(edit.from, number);
    const uint32_t behind = edit.from + edit.sent;
    const uint32_t last = is_after(behind, end_) ? end_ : behind;
    if (!replace(at_, last - number, edit.text.data(), edit.shown)) return cut(at_);
    at_ += edit.shown;
    number = last;
  }

  // What is new.
  void read() noexcept {
    Scanner& scanner = stream_.scanner;
    token_ = at_;
    while (at_ < segment_.length && has_room()) take(static_cast<char>(segment_.text[at_]));
    if (at_ < segment_.length || !has_room()) cut(at_);
    if (segment_.is_last) {
      if (scanner.is_open()) close({});  // nothing more will come of it
      ++stream_.next;
    } else if (keeps() && scanner.is_open()) {
      sequence_.open = scanner.length;
      sequence_.open_from = stream_.next - scanner.length;
      cut(token_);
    }
  }

  // Only a server's lines name what must not show; a command goes on as it comes.
  [[nodiscard]] bool keeps() const noexcept { return speaker_ == Speaker::server; }

  // Whether a token that ends with the next byte could be changed.
  [[nodiscard]] bool has_room() const noexcept {
    if (!keeps() || !stream_.scanner.is_open()) return true;
    const size_t longest = std::max<size_t>(stream_.scanner.length, kLongestReplacement) + 1;
    return !sequence_.is_full() && token_ + longest <= segment_.limit;
  }

  void take(char byte) noexcept {
    const bool was_open = stream_.scanner.is_open();
    const Step step = ftp::step(stream_.scanner, conversation_.dialogue, speaker_, byte);
    if (step == Step::kept && !was_open) token_ = at_;
    if (step == Step::ended_before) close(meaning());
    ++at_;
    ++stream_.next;
    if (step == Step::ended_with) close(meaning());
  }

  Meaning meaning() noexcept {
    Meaning meaning = interpret(stream_.scanner, conversation_.dialogue, parties_);
    if (!meaning.agreed) return {};
    if (!expecting_.expect(meaning.agreement)) return {};
    settle(stream_.scanner, conversation_.dialogue);
    return meaning;
  }

  // The token ends at `at_`.
  void close(const Meaning& meaning) noexcept {
    const uint8_t held = sequence_.open;
    sequence_.open = 0;
    if (!keeps() || (meaning.length == 0 && held == 0)) return;
    const Scanner& scanner = stream_.scanner;
    Edit edit{stream_.next - scanner.length, scanner.length, scanner.length, held, scanner.text};
    if (meaning.length != 0) {
      edit.shown = meaning.length;
      std::copy_n(meaning.text.begin(), meaning.length, edit.text.begin());
    }
    replace(token_, at_ - token_, edit.text.data(), edit.shown);
    sequence_.add(edit);
    at_ = token_ + edit.shown;
  }

  Conversation& conversation_;
  Stream& stream_;
  Sequence& sequence_;
  const Speaker speaker_;
  Segment& segment_;
  const Parties& parties_;
  Expecting& expecting_;
  const uint32_t begin_;  // as the speaker counts
  uint32_t end_;
  size_t at_ = 0;     // in segment_.text: before it what goes on, from it on what has not been read
  size_t token_ = 0;  // where the open token begins, or would if it did not begin in an earlier segment
  bool cut_ = false;
};

}  // namespace

void begin(Conversation& conversation, Speaker speaker, uint32_t sequence) noexcept {
  Stream& stream = conversation.of(speaker);
  stream = {};
  stream.known = true;
  stream.next = stream.sent = sequence;
}

void pass_on(Conversation& conversation, Speaker speaker, Segment& segment, const Parties& parties, Expecting& expecting) noexcept {
  if (!conversation.of(speaker).known) begin(conversation, speaker, segment.sequence);
  Passage{conversation, speaker, segment, parties, expecting}.run();
}

// What its receiver has acknowledged nobody needs to read any more: it took another way, through a router that was master for a while.
void acknowledge(Conversation& conversation, Speaker listener, uint32_t number) noexcept {
  Stream& stream = conversation.of(listener == Speaker::client ? Speaker::server : Speaker::client);
  if (!stream.known) return;
  const uint32_t heard = stream.sequence.acknowledged(number);
  if (is_after(heard, stream.sent)) return;
  stream.sequence.forget(number);
  if (!stream.is_heard || is_after(number, stream.heard)) stream.heard = number;
  stream.is_heard = true;
  if (!is_after(heard, stream.next)) return;
  stream.next = heard;
  stream.scanner = {};
  stream.sequence.open = 0;
}

}  // namespace natlb::ftp
