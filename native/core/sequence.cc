// Walks the edits in the stream's order, carrying the shift along.
#include "core/sequence.h"

#include <algorithm>

#include "core/wire.h"

namespace natlb {

namespace {

uint32_t grown(const Edit& edit) noexcept { return static_cast<uint32_t>(edit.shown) - edit.sent; }
uint32_t end_of(const Edit& edit) noexcept { return edit.from + edit.sent; }

// Where `number` of the receiver's falls: behind all edits before it, which add `shift`; inside `inside` or, when that is null, in none.
struct Place {
  uint32_t shift;
  const Edit* inside;
};
Place find(const Sequence& sequence, uint32_t number) noexcept {
  Place place{sequence.shift, nullptr};
  for (size_t i = 0; i < sequence.count; ++i) {
    const Edit& edit = sequence.edits[i];
    const uint32_t begin = edit.from + place.shift;
    if (!is_after(number, begin)) return place;
    if (is_after(begin + edit.shown, number)) return {place.shift, &edit};
    place.shift += grown(edit);
  }
  return place;
}

// A SACK block (RFC 2018 3) as it stands in a header: two numbers. Where nothing is left of it they come out equal.
void adjust_block(uint8_t* block, const Sequence& sequence) noexcept {
  const uint32_t left = sequence.left_edge(host32(block)), right = sequence.right_edge(host32(block + 4));
  put_host32(block, left);
  put_host32(block + 4, is_after(right, left) ? right : left);
}

// Empty blocks are taken out, and where they were stand no-operations.
void adjust_blocks(uint8_t* option, size_t length, const Sequence& sequence) noexcept {
  constexpr size_t kHead = 2, kBlock = 8;
  constexpr uint8_t kNoOperation = 1;
  if ((length - kHead) % kBlock != 0) return;
  size_t kept = kHead;
  for (size_t at = kHead; at + kBlock <= length; at += kBlock) {
    adjust_block(option + at, sequence);
    if (load32(option + at) == load32(option + at + 4)) continue;
    std::copy_n(option + at, kBlock, option + kept);
    kept += kBlock;
  }
  if (kept == length) return;
  option[1] = static_cast<uint8_t>(kept);
  std::fill(option + (kept == kHead ? 0 : kept), option + length, kNoOperation);
}

void adjust_options(uint8_t* options, size_t length, const Sequence& sequence) noexcept {
  constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1, kSack = 5;
  for (size_t at = 0; at < length && options[at] != kEndOfOptions;) {
    if (options[at] == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= length || options[at + 1] < 2 || at + options[at + 1] > length) return;  // nonsense, but not ours to judge
    const size_t option = options[at + 1];
    if (options[at] == kSack) adjust_blocks(options + at, option, sequence);
    at += option;
  }
}

}  // namespace

void Sequence::forget(uint32_t acknowledged) noexcept {
  size_t done = 0;
  for (; done < count; ++done) {
    const Edit& edit = edits[done];
    if (is_after(edit.from + shift + edit.shown, acknowledged)) break;
    shift += grown(edit);
  }
  std::copy(edits.begin() + done, edits.begin() + count, edits.begin());
  count = static_cast<uint8_t>(count - done);
}

uint32_t Sequence::to_receiver(uint32_t number) const noexcept {
  uint32_t added = shift;
  if (open != 0 && is_after(number, open_from)) number = open_from;
  for (size_t i = 0; i < count; ++i) {
    const Edit& edit = edits[i];
    if (!is_after(number, edit.from)) break;
    if (is_after(end_of(edit), number)) return edit.from + added;
    added += grown(edit);
  }
  return number + added;
}

uint32_t Sequence::acknowledged(uint32_t number) const noexcept {
  const Place place = find(*this, number);
  if (place.inside != nullptr) return place.inside->from + place.inside->held;
  const uint32_t sent = number - place.shift;
  if (open != 0 && !is_after(open_from, sent)) return open_from + open;
  for (size_t i = 0; i < count; ++i) {
    if (edits[i].from == sent) return sent + edits[i].held;
  }
  return sent;
}

uint32_t Sequence::left_edge(uint32_t number) const noexcept {
  const Place place = find(*this, number);
  return place.inside != nullptr ? end_of(*place.inside) : number - place.shift;
}

uint32_t Sequence::right_edge(uint32_t number) const noexcept {
  const Place place = find(*this, number);
  return place.inside != nullptr ? place.inside->from : number - place.shift;
}

void adjust_acknowledgement(uint8_t* tcp, size_t header, const Sequence& sequence) noexcept {
  if ((tcp[tcp::kFlags] & tcp::kAck) != 0) {
    put_host32(tcp + tcp::kAcknowledgement, sequence.acknowledged(host32(tcp + tcp::kAcknowledgement)));
  }
  adjust_options(tcp + kTcpHeader, header - kTcpHeader, sequence);
}

}  // namespace natlb
