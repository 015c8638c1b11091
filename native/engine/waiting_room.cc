// Copies, because a device wants its buffers back in order.
#include "engine/waiting_room.h"

#include <algorithm>
#include <cstring>

namespace natlb {

WaitingRoom::WaitingRoom() : memory_(kSeats * kSeatBytes) {}

void WaitingRoom::admit(Batch& batch, uint32_t now) noexcept {
  for (Packet& packet : batch) {
    if (packet.verdict != Verdict::no_neighbour || packet.length > kSeatBytes || waiting_ == kSeats) continue;
    const auto seat = std::find_if(seats_.begin(), seats_.end(), [](const Seat& one) { return !one.taken; });
    uint8_t* frame = &memory_[static_cast<size_t>(seat - seats_.begin()) * kSeatBytes];
    std::memcpy(frame, packet.frame, packet.length);
    *seat = {packet, now, true};
    seat->packet.frame = frame;
    seat->packet.capacity = kSeatBytes;
    packet.verdict = Verdict::pending;
    ++waiting_;
  }
}

void WaitingRoom::call(Batch& batch, const View& view, uint32_t now, Missing& missing) noexcept {
  for (Seat& seat : seats_) {
    if (!seat.taken) continue;
    send_on(seat.packet, view, missing);
    if (seat.packet.verdict == Verdict::no_neighbour && now - seat.since < kPatienceTicks) continue;
    batch.packets[batch.count++] = seat.packet;
    seat.taken = false;
    --waiting_;
  }
}

}  // namespace natlb
