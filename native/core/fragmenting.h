// Cutting an IPv4 packet for a way out that does not take it whole. Read RFC 791 2.3 and 3.2. IPv6 routers never do (RFC 8200 5).
#pragma once

#include <cstddef>
#include <cstdint>

namespace natlb {

class Cut {
 public:
  // `ip`: a whole packet or a fragment, its header sound. No piece will be longer than `mtu`.
  Cut(uint8_t* ip, size_t mtu) noexcept;

  // 0: the MTU leaves no room for eight bytes behind the header.
  [[nodiscard]] size_t pieces() const noexcept { return step_ == 0 ? 0 : (payload_ + step_ - 1) / step_; }
  // Copies piece `number`, counted from 0, to `to`, which has room for the MTU. Returns its length.
  size_t write(size_t number, uint8_t* to) const noexcept;
  // Makes the packet its own first piece, and returns that one's length. When nothing is left to be written.
  [[nodiscard]] size_t shorten() const noexcept;

 private:
  [[nodiscard]] size_t length_of(size_t number) const noexcept;
  void finish(uint8_t* ip, size_t number) const noexcept;

  uint8_t* ip_;
  size_t header_, payload_;
  size_t step_;  // bytes of payload in every piece but the last
};

}  // namespace natlb
