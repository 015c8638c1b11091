// A 64-bit counter with one writer and any number of readers: plain additions for the writer, no torn reads for the others.
#pragma once

#include <atomic>
#include <cstdint>

namespace natlb {

class Counter {
 public:
  void add(uint64_t amount) noexcept { value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed); }
  void subtract(uint64_t amount) noexcept { value_.store(value_.load(std::memory_order_relaxed) - amount, std::memory_order_relaxed); }
  void set(uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace natlb
