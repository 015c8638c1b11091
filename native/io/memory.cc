// A device without a kernel: tests and `explain` push frames in and pop out what was transmitted.
#include "io/memory.h"

#include <algorithm>
#include <cstring>

namespace natlb {

Memory::Ring::Ring(size_t frames, size_t capacity) : slots(frames), room{frames} {
  for (Slot& slot : slots) slot.bytes.resize(capacity);
}

Memory::Slot* Memory::Ring::append(const uint8_t* bytes, size_t length, const Offload& offload) noexcept {
  if (behind_last - first >= std::min(room, slots.size())) return nullptr;
  Slot& slot = at(behind_last);
  if (length > slot.bytes.size()) return nullptr;
  std::memcpy(slot.bytes.data(), bytes, length);
  slot.length = static_cast<uint32_t>(length);
  slot.offload = offload;
  ++behind_last;
  return &slot;
}

bool Memory::Ring::owns(const void* slot) const noexcept {
  const auto* place = static_cast<const Slot*>(slot);
  return place >= slots.data() && place < slots.data() + slots.size();
}

Memory::Memory(std::string interface, size_t frames, size_t capacity)
    : interface_{std::move(interface)}, inbound_{frames, capacity}, outbound_{frames, capacity} {}

bool Memory::push(std::span<const uint8_t> bytes, const Offload& offload) noexcept {
  return inbound_.append(bytes.data(), bytes.size(), offload) != nullptr;
}

bool Memory::pop(Frame& frame) {
  if (outbound_.first == outbound_.behind_last) return false;
  const Slot& slot = outbound_.at(outbound_.first++);
  frame.bytes.assign(slot.bytes.begin(), slot.bytes.begin() + slot.length);
  frame.offload = slot.offload;
  return true;
}

size_t Memory::receive(Batch& batch) noexcept {
  const size_t before = batch.count;
  for (; batch.count < kBatch && received_ < inbound_.behind_last; ++received_) {
    Slot& slot = inbound_.at(received_);
    Packet& packet = batch.packets[batch.count++];
    packet.frame = slot.bytes.data();
    packet.length = slot.length;
    packet.capacity = static_cast<uint32_t>(slot.bytes.size());
    packet.cookie = reinterpret_cast<uintptr_t>(&slot);
    packet.offload = slot.offload;
    packet.verdict = Verdict::pending;
    packet.taken = false;
    received_bytes_.add(slot.length);
  }
  received_packets_.add(batch.count - before);
  return batch.count - before;
}

void Memory::transmit(std::span<Packet* const> packets) noexcept {
  for (Packet* packet : packets) send(*packet);
}

void Memory::send(Packet& packet) noexcept {
  if (!outbound_.append(packet.frame, packet.length, packet.offload)) {
    packet.verdict = Verdict::transmit_full;
    transmit_full_.add(1);
    return;
  }
  transmitted_.add(1);
  transmitted_bytes_.add(packet.length);
}

void Memory::release(Batch& batch) noexcept {
  for (const Packet& packet : batch) {
    if (inbound_.owns(reinterpret_cast<const void*>(packet.cookie))) ++inbound_.first;
  }
}

DeviceCounters Memory::counters() const noexcept {
  return {.received = received_packets_.get(),
          .received_bytes = received_bytes_.get(),
          .transmitted = transmitted_.get(),
          .transmitted_bytes = transmitted_bytes_.get(),
          .transmit_full = transmit_full_.get()};
}

}  // namespace natlb
