// A ring of fixed records between two threads.
#include "engine/trace_ring.h"

#include <time.h>

#include <algorithm>
#include <cstring>

namespace natlb {

namespace {

uint64_t now_us() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

void capture(TracedPacket& traced, const Packet& packet) noexcept {
  traced.length = packet.length;
  traced.captured = std::min<uint32_t>(packet.length, TracedPacket::kBytes);
  std::memcpy(traced.bytes.data(), packet.frame, traced.captured);
}

}  // namespace

void TraceRing::watch(const VerdictSet& verdicts) {
  if (memory_ == nullptr) memory_ = std::make_unique<Memory>();
  for (size_t verdict = 0; verdict < kVerdicts; ++verdict) wanted_[verdict].store(verdicts[verdict], std::memory_order_relaxed);
  watching_.store(true, std::memory_order_release);
}

bool TraceRing::pop(TracedPacket& packet) noexcept {
  const uint32_t head = head_.load(std::memory_order_relaxed);
  if (memory_ == nullptr || head == tail_.load(std::memory_order_acquire)) return false;
  packet = memory_->ring[head % kRecords];
  head_.store(head + 1, std::memory_order_release);
  return true;
}

uint64_t TraceRing::take_lost() noexcept {
  const uint64_t before = lost_taken_;
  lost_taken_ = lost_.get();
  return lost_taken_ - before;
}

void TraceRing::note(const Batch& batch) noexcept {
  const uint64_t now = now_us();
  noted_ = batch.count;
  for (size_t i = 0; i < batch.count; ++i) {
    TracedPacket& came = memory_->came[i];
    came.at_us = now;
    came.device = batch.packets[i].device_in;
    came.leaving = false;
    capture(came, batch.packets[i]);
  }
}

void TraceRing::record(const Batch& batch) noexcept {
  const uint64_t now = now_us();
  for (size_t i = 0; i < batch.count; ++i) {
    const Packet& packet = batch.packets[i];
    if (!wanted_[static_cast<size_t>(packet.verdict)].load(std::memory_order_relaxed)) continue;
    if (i < noted_) {
      memory_->came[i].verdict = packet.verdict;
      push(memory_->came[i]);
    }
    if (row(packet.verdict).fate == Fate::dropped) continue;
    TracedPacket left;
    left.at_us = now;
    left.device = packet.device_out;
    left.leaving = true;
    left.verdict = packet.verdict;
    capture(left, packet);
    push(left);
  }
  noted_ = 0;
}

void TraceRing::push(const TracedPacket& packet) noexcept {
  const uint32_t tail = tail_.load(std::memory_order_relaxed);
  if (tail - head_.load(std::memory_order_acquire) == kRecords) return lost_.add(1);
  memory_->ring[tail % kRecords] = packet;
  tail_.store(tail + 1, std::memory_order_release);
}

}  // namespace natlb
