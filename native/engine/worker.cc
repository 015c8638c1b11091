// The worker's loop.
#include "engine/worker.h"

#include "engine/transmit.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <array>

namespace natlb {

namespace {

constexpr uint32_t kIdleRounds = 64;  // looked in vain this often: sleep
constexpr int kLongestSleepMs = 125;  // a tick, so that timers run
constexpr int kExpiriesPerRound = 8;  // of a few flows each, so that no round takes long

FileDescriptor event_fd() { return FileDescriptor{check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "make an eventfd")}; }

void signal(const FileDescriptor& fd) noexcept {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd.get(), &one, sizeof one);
}

}  // namespace

uint32_t ticks_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<uint32_t>(static_cast<uint64_t>(now.tv_sec) * kTicksPerSecond +
                               static_cast<uint64_t>(now.tv_nsec) / (kMillisPerTick * 1'000'000ULL));
}

Worker::Worker(std::vector<Device*> devices, FlowTable& flows)
    : devices_{std::move(devices)}, forwarder_{flows}, wishes_fd_{event_fd()}, wake_fd_{event_fd()} {}

Worker::~Worker() { stop(); }

void Worker::start() {
  thread_ = std::thread{[this] { run(); }};
}

void Worker::stop() {
  stopping_.store(true, std::memory_order_release);
  wake();
  if (thread_.joinable()) thread_.join();
}

void Worker::show(const Published* published) noexcept {
  shown_.store(published, std::memory_order_release);
  wake();
}

void Worker::wake() noexcept { signal(wake_fd_); }

void Worker::run() noexcept {
  while (!stopping_.load(std::memory_order_acquire)) {
    const Published* published = shown_.load(std::memory_order_acquire);
    const bool busy = published != nullptr && round(*published);
    if (published != nullptr) seen_.store(published->serial, std::memory_order_release);
    rounds_.add(1);
    if (busy) {
      idle_rounds_ = 0;
    } else if (++idle_rounds_ >= kIdleRounds) {
      wait();
    }
  }
}

bool Worker::round(const Published& published) noexcept {
  const uint32_t now = ticks_now();
  bool busy = false;
  for (size_t i = 0; i < devices_.size(); ++i) {
    batch_.count = 0;
    if (devices_[i]->receive(batch_) == 0) continue;
    busy = true;
    take_in(i, published.view, now);
  }
  call_waiting(published, now);
  const bool ending = end_flows(published.view, now);
  for (Device* device : devices_) device->flush();
  if (wished_) signal(wishes_fd_);
  wished_ = false;
  return ending || busy;
}

void Worker::take_in(size_t device, const View& view, uint32_t now) noexcept {
  for (Packet& packet : batch_) {
    packet.device_in = static_cast<uint16_t>(device);
    packet.taken = false;
  }
  const bool traced = trace_.is_watched();
  if (traced) trace_.note(batch_);
  forwarder_.forward(batch_, view, now);
  send_out(now);
  if (traced) trace_.record(batch_);
  devices_[device]->release(batch_);
  while (forwarder_.resume(batch_, view, now)) send_out(now);
}

void Worker::send_out(uint32_t now) noexcept {
  wish(forwarder_.missing());
  waiting_.admit(batch_, now);
  transmit(batch_, devices_, spares_);
  forwarder_.count(batch_);
}

// Not counted with the verdicts: nobody sent these packets here.
bool Worker::end_flows(const View& view, uint32_t now) noexcept {
  bool more = true;
  for (int i = 0; i < kExpiriesPerRound && more; ++i) {
    batch_.count = 0;
    more = forwarder_.end_idle(batch_, view, now);
    transmit(batch_, devices_, spares_);
  }
  batch_.count = 0;
  more = forwarder_.end_orphans(batch_, view) || more;
  transmit(batch_, devices_, spares_);
  return more;
}

// When the kernel has news, and now and then to see who waited in vain.
void Worker::call_waiting(const Published& published, uint32_t now) noexcept {
  if (waiting_.empty() || (called_serial_ == published.serial && called_at_ == now)) return;
  called_serial_ = published.serial;
  called_at_ = now;
  Missing missing;
  batch_.count = 0;
  waiting_.call(batch_, published.view, now, missing);
  wish(missing);
  transmit(batch_, devices_, spares_);
  forwarder_.count(batch_);
}

void Worker::wish(const Missing& missing) noexcept {
  for (size_t i = 0; i < missing.count; ++i) wished_ = wishes_.push(missing.neighbours[i]) || wished_;
}

void Worker::wait() noexcept {
  std::array<pollfd, 65> fds;
  nfds_t count = 0;
  fds[count++] = {wake_fd_.get(), POLLIN, 0};
  for (const Device* device : devices_) {
    if (device->fd() >= 0 && count < fds.size()) fds[count++] = {device->fd(), POLLIN, 0};
  }
  ::poll(fds.data(), count, kLongestSleepMs);
  uint64_t woken;
  [[maybe_unused]] const auto bytes = ::read(wake_fd_.get(), &woken, sizeof woken);
  idle_rounds_ = 0;
}

}  // namespace natlb
