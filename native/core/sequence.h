// The sequence numbers of a TCP stream whose text changes its length under way: what its sender counts is not what its receiver counts.
// One record for one direction. Kernel's ip_vs_seq remembers the last change alone; here every change stays until the receiver has
// acknowledged it, so retransmissions, reordered acknowledgements and SACK blocks (RFC 2018) from before it still come out right. After
// that a number from before a change can only be of bytes the receiver has, and both ends ignore those wherever they fall.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace natlb {

// Whether a comes after b (RFC 9293 3.4: numbers wrap).
constexpr bool is_after(uint32_t a, uint32_t b) noexcept { return static_cast<int32_t>(a - b) > 0; }

// A piece of the stream that its receiver gets in one piece, with another text or not.
struct Edit {
  uint32_t from;  // its first byte, as the sender counts
  uint8_t sent;   // bytes the sender sent
  uint8_t shown;  // bytes the receiver gets in their place: `text`
  uint8_t held;   // of `sent`, bytes that were kept back, and acknowledged on the receiver's behalf, until the others came
  std::array<char, 52> text;
};

struct Sequence {
  static constexpr size_t kEdits = 4;

  uint32_t shift = 0;      // what edits that are forgotten add to the sender's numbers
  uint32_t open_from = 0;  // the first byte of those kept back now
  uint8_t open = 0;        // how many are
  uint8_t count = 0;
  std::array<Edit, kEdits> edits{};  // in the stream's order

  [[nodiscard]] bool is_full() const noexcept { return count == kEdits; }
  [[nodiscard]] bool is_plain() const noexcept { return count == 0 && open == 0 && shift == 0; }
  // Appends what begins behind all others; there must be room.
  void add(const Edit& edit) noexcept { edits[count++] = edit; }
  // The receiver has everything before `acknowledged`, as it counts.
  void forget(uint32_t acknowledged) noexcept;

  // Where the receiver finds the byte its sender calls `number`; a byte inside an edit or kept back is where that begins.
  [[nodiscard]] uint32_t to_receiver(uint32_t number) const noexcept;
  // What the sender must be told when the receiver has everything before `number`. With bytes kept back, these too: they are ours to
  // deliver.
  [[nodiscard]] uint32_t acknowledged(uint32_t number) const noexcept;
  // Edges of a block the receiver has; an edge inside an edit moves to the end or to the beginning of that.
  [[nodiscard]] uint32_t left_edge(uint32_t number) const noexcept;
  [[nodiscard]] uint32_t right_edge(uint32_t number) const noexcept;
};

// Acknowledgement number and SACK blocks of a segment on its way to the stream's sender, of whose `header` bytes the checksum stays as it
// is.
void adjust_acknowledgement(uint8_t* tcp, size_t header, const Sequence& sequence) noexcept;

}  // namespace natlb
