// Numbers with one writer and any number of readers: plain loads and stores, but never torn.
#pragma once

#include <atomic>
#include <cstdint>

namespace natlb {

class Counter {
 public:
  void add(uint64_t amount) noexcept { value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed); }
  void subtract(uint64_t amount) noexcept { value_.store(value_.load(std::memory_order_relaxed) - amount, std::memory_order_relaxed); }
  void set(uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  // For counts that something lives by: who sees the last one gone (get_settled) sees all that was done before.
  void subtract_and_settle(uint64_t amount) noexcept { value_.store(get() - amount, std::memory_order_release); }
  [[nodiscard]] uint64_t get_settled() const noexcept { return value_.load(std::memory_order_acquire); }
  [[nodiscard]] uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

template <typename Value>
class Shared {
 public:
  Shared(Value value = Value{}) noexcept : value_{value} {}
  Shared(const Shared& other) noexcept : value_{other.get()} {}
  Shared& operator=(const Shared& other) noexcept { return *this = other.get(); }
  Shared& operator=(Value value) noexcept {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  operator Value() const noexcept { return get(); }
  [[nodiscard]] Value get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<Value> value_;
};

}  // namespace natlb
