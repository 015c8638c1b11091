// What a scheduler takes for one pick, by the number of destinations: one line of JSON for each scheduler and number. Loads and clients
// change from pick to pick; nothing else uses the caches. Driven by bench/schedulers.ts.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "core/snapshot.h"
#include "test/scene.h"

using namespace natlb;

namespace {

constexpr size_t kClients = 4096;
constexpr size_t kLasting = 8192;  // flows at a time
constexpr int kSamples = 15;

class Bench {
 public:
  Bench(const SchedulerRow& scheduler, uint32_t servers)
      : slots_{std::make_unique<DestinationSlot[]>(servers)}, loads_{std::make_unique<Load[]>(servers)} {
    SnapshotParts parts;
    parts.services.push_back(service(scheduler, servers));
    snapshot_ = std::make_unique<Snapshot>(std::move(parts));
    std::mt19937 random{3};
    for (size_t i = 0; i < kClients; ++i) {
      const auto address = static_cast<uint32_t>(random());
      keys_.push_back({Address::v4(&address), scene::address("203.0.113.10"), static_cast<uint16_t>(random()), to_wire(80), kTcp});
    }
    lasting_.resize(kLasting, kNone);
  }

  // Each pick begins a flow and ends an old one.
  double nanoseconds(uint32_t picks) {
    const Service& service = snapshot_->services()[0];
    const auto began = std::chrono::steady_clock::now();
    for (uint32_t i = 0; i < picks; ++i, ++done_) {
      const Destination* picked = service.scheduler->pick({service, state_, keys_[done_ % kClients], slots_.get(), loads_.get()});
      uint32_t& oldest = lasting_[done_ % kLasting];
      if (oldest != kNone) Load::add(loads_[oldest].active, UINT32_MAX);
      oldest = picked == nullptr ? kNone : picked->slot;
      if (oldest != kNone) Load::add(loads_[oldest].active, 1);
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
    return took.count() / picks;
  }

 private:
  static Service service(const SchedulerRow& scheduler, uint32_t servers) {
    Service made;
    made.scheduler = &scheduler;
    std::mt19937 random{5};
    for (uint32_t i = 0; i < servers; ++i) {
      const uint32_t address = htonl(0x0a000000 + i);
      made.destinations.push_back({Address::v4(&address), to_wire(8080), 10 + static_cast<uint32_t>(random() % 11), i});
    }
    return made;
  }

  static constexpr uint32_t kNone = UINT32_MAX;
  std::unique_ptr<DestinationSlot[]> slots_;
  std::unique_ptr<Load[]> loads_;
  std::unique_ptr<Snapshot> snapshot_;
  SchedulerState state_;
  std::vector<Key> keys_;
  std::vector<uint32_t> lasting_;
  uint64_t done_ = 0;
};

void measure(const SchedulerRow& scheduler, uint32_t servers) {
  Bench bench{scheduler, servers};
  bench.nanoseconds(2 * kLasting);  // the table of flows fills
  std::vector<double> samples;
  samples.reserve(kSamples);
  for (int i = 0; i < kSamples; ++i) samples.push_back(bench.nanoseconds(20'000));
  std::ranges::sort(samples);
  std::printf("{\"scheduler\":\"%s\",\"servers\":%u,\"nanoseconds\":%.1f}\n", scheduler.name.data(), servers, samples[0]);
}

}  // namespace

int main() {
  for (const SchedulerRow& scheduler : kSchedulers) {
    for (const uint32_t servers : {3U, 100U, 1000U}) measure(scheduler, servers);
  }
  return 0;
}
