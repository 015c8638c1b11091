// Where packets wait until their next hop's link-layer address is known, as they would in the kernel: a lost SYN costs its sender a second.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/packet.h"
#include "core/snapshot.h"
#include "core/stages.h"

namespace natlb {

class WaitingRoom {
 public:
  WaitingRoom();

  // Copies the packets whose verdict is no_neighbour, as long as there are seats; their verdict is pending again.
  void admit(Batch& batch, uint32_t now) noexcept;
  // Moves to `batch` those who can go on by now, and those who waited in vain with their old verdict. Their frames last until the next call
  // of admit.
  void call(Batch& batch, const View& view, uint32_t now, Missing& missing) noexcept;
  [[nodiscard]] bool empty() const noexcept { return waiting_ == 0; }

 private:
  static constexpr size_t kSeats = kBatch;
  static constexpr uint32_t kSeatBytes = 2048;  // super-packets do not wait
  static constexpr uint32_t kPatienceTicks = kTicksPerSecond;

  struct Seat {
    Packet packet;
    uint32_t since;
    bool taken = false;
  };
  std::array<Seat, kSeats> seats_;
  std::vector<uint8_t> memory_;
  size_t waiting_ = 0;
};

}  // namespace natlb
