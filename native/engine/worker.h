// One thread with its devices and its flow table. It never waits for anybody: what it shall go by is put before it, what it asks for goes
// into a ring.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/forward.h"
#include "engine/spare_frames.h"
#include "engine/trace_ring.h"
#include "engine/waiting_room.h"
#include "engine/wish_ring.h"
#include "io/device.h"
#include "io/owned.h"

namespace natlb {

// A view with what it points to, and a number that only grows.
struct Published {
  uint64_t serial;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const Routes> routes;
  View view;
};

class Worker {
 public:
  // Stays idle until the first view is shown.
  Worker(std::vector<Device*> devices, FlowTable& flows);
  ~Worker();

  void start();
  void stop();

  // `published` must stay alive until seen() has passed its serial.
  void show(const Published* published) noexcept;
  [[nodiscard]] uint64_t seen() const noexcept { return seen_.load(std::memory_order_acquire); }

  // Neighbours that packets waited for in vain; wishes_fd becomes readable when there are some.
  [[nodiscard]] WishRing& wishes() noexcept { return wishes_; }
  [[nodiscard]] int wishes_fd() const noexcept { return wishes_fd_.get(); }

  // Of the packets that come from here on, for one who watches.
  [[nodiscard]] TraceRing& trace() noexcept { return trace_; }
  [[nodiscard]] const Forwarder& forwarder() const noexcept { return forwarder_; }
  [[nodiscard]] uint64_t rounds() const noexcept { return rounds_.get(); }

 private:
  void run() noexcept;
  bool round(const Published& published) noexcept;
  void take_in(size_t device, const View& view, uint32_t now) noexcept;
  bool end_flows(const View& view, uint32_t now) noexcept;
  void send_out(uint32_t now) noexcept;
  void call_waiting(const Published& published, uint32_t now) noexcept;
  void wish(const Missing& missing) noexcept;
  void wait() noexcept;
  void wake() noexcept;

  std::vector<Device*> devices_;
  Forwarder forwarder_;
  Batch batch_;
  WaitingRoom waiting_;
  SpareFrames spares_;
  uint64_t called_serial_ = 0;
  uint32_t called_at_ = 0;
  TraceRing trace_;
  WishRing wishes_;
  FileDescriptor wishes_fd_, wake_fd_;
  std::atomic<const Published*> shown_{nullptr};
  std::atomic<uint64_t> seen_{0};
  std::atomic<bool> stopping_{false};
  Counter rounds_;
  uint32_t idle_rounds_ = 0;
  bool wished_ = false;
  std::thread thread_;
};

// The data plane's clock, in ticks; one read serves a round.
uint32_t ticks_now() noexcept;

}  // namespace natlb
