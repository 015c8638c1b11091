// Copies of packets with their verdicts, on their way from the worker to whoever watches: one writer, one reader, neither waits. What does
// not fit is counted. While nobody watches it costs the worker one look at a flag for each batch.
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <memory>

#include "core/counter.h"
#include "core/packet.h"

namespace natlb {

struct TracedPacket {
  static constexpr size_t kBytes = 256;

  uint64_t at_us;  // since 1970
  uint16_t device;
  bool leaving;  // as it left; else as it came
  Verdict verdict;
  uint32_t length;  // of the whole frame
  uint32_t captured;
  std::array<uint8_t, kBytes> bytes;
};

using VerdictSet = std::bitset<kVerdicts>;

class TraceRing {
 public:
  // For the reader. From `watch` on packets with these verdicts are copied, until `leave`.
  void watch(const VerdictSet& verdicts);
  void leave() noexcept { watching_.store(false, std::memory_order_release); }
  bool pop(TracedPacket& packet) noexcept;
  // Since the last call.
  [[nodiscard]] uint64_t take_lost() noexcept;

  // For the worker.
  [[nodiscard]] bool is_watched() const noexcept { return watching_.load(std::memory_order_acquire); }
  // How the batch came, before anything happens to it.
  void note(const Batch& batch) noexcept;
  // What became of it.
  void record(const Batch& batch) noexcept;

 private:
  static constexpr uint32_t kRecords = 4096;
  struct Memory {
    std::array<TracedPacket, kRecords> ring;
    std::array<TracedPacket, kBatch> came;
  };

  void push(const TracedPacket& packet) noexcept;

  std::unique_ptr<Memory> memory_;  // made by the first who watches, and kept
  std::array<std::atomic<bool>, kVerdicts> wanted_{};
  std::atomic<bool> watching_{false};
  std::atomic<uint32_t> head_{0}, tail_{0};
  Counter lost_;
  uint64_t lost_taken_ = 0;
  size_t noted_ = 0;  // packets of `came`
};

}  // namespace natlb
