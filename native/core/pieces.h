// Which parts of one datagram have been there. Read RFC 815 for the idea, RFC 5722 and RFC 8200 4.5 for what may not be.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/packet.h"

namespace natlb {

class Pieces {
 public:
  // A whole 64 KiB datagram for the smallest path any IPv4 host must take whole (576 bytes, RFC 791) makes 119.
  static constexpr size_t kMost = 128;

  // Pending: the piece is new and agrees with the others. Of a piece that does not, nothing is remembered.
  [[nodiscard]] Verdict add(const Fragment& piece) noexcept {
    if (disagrees(piece)) return Verdict::fragment_overlap;
    const Span span{units(piece.begin), units(piece.end)};
    if (span.begin < reach_ && meets_another(span)) {
      return contains(span) ? Verdict::fragment_duplicate : Verdict::fragment_overlap;
    }
    if (count_ == kMost) return Verdict::fragment_excess;
    spans_[count_++] = span;
    reach_ = std::max(reach_, span.end);
    there_ += piece.end - piece.begin;
    if (!piece.more) total_ = piece.end;
    return Verdict::pending;
  }
  [[nodiscard]] bool are_all() const noexcept { return there_ == total_; }
  void clear() noexcept { count_ = 0, reach_ = 0, there_ = 0, total_ = kUnknown; }

 private:
  static constexpr uint32_t kUnknown = UINT32_MAX;
  // In units of eight bytes.
  struct Span {
    uint16_t begin, end;
    friend bool operator==(const Span& a, const Span& b) noexcept { return a.begin == b.begin && a.end == b.end; }
  };

  static uint16_t units(uint32_t bytes) noexcept { return static_cast<uint16_t>((bytes + 7) / 8); }

  // One that says the datagram ends where another says it does not.
  [[nodiscard]] bool disagrees(const Fragment& piece) const noexcept {
    if (total_ != kUnknown) return piece.more ? piece.end > total_ : piece.end != total_;
    return !piece.more && units(piece.end) < reach_;
  }
  // Without an early way out, so that it is done for several at once.
  [[nodiscard]] bool meets_another(const Span& span) const noexcept {
    bool meets = false;
    for (size_t i = 0; i < count_; ++i) meets |= span.begin < spans_[i].end && spans_[i].begin < span.end;
    return meets;
  }
  [[nodiscard]] bool contains(const Span& span) const noexcept {
    return std::find(spans_.begin(), spans_.begin() + count_, span) != spans_.begin() + count_;
  }

  uint16_t count_;
  uint16_t reach_;  // behind the furthest piece, in units
  uint32_t there_;  // bytes
  uint32_t total_;
  std::array<Span, kMost> spans_;
};

}  // namespace natlb
