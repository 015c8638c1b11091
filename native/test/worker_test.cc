// A worker and control's thread at once, without a network: packets by themselves on one side, reconfigurations and readings on the other.
// Built with ThreadSanitizer too (make thread), which is what it is for.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/read_flow.h"
#include "engine/slot_directory.h"
#include "engine/worker.h"
#include "scene.h"

using namespace natlb;

namespace {

// Brings packets of its own for as long as it is asked, and swallows what it is to send.
class Endless final : public Device {
 public:
  Endless(std::string name, bool is_public) : name_{std::move(name)}, is_public_{is_public}, frames_(kBatch) {}

  size_t receive(Batch& batch) noexcept override {
    constexpr size_t kFew = 8;
    for (size_t i = 0; i < kFew; ++i) {
      std::vector<uint8_t>& frame = frames_[i];
      frame = next();
      frame.resize(256);
      batch.packets[batch.count++] = scene::Scene::packet(frame.data(), frame.size(), frame.size(), 0);
    }
    return kFew;
  }
  void transmit(std::span<Packet* const> packets) noexcept override { sent_.add(packets.size()); }
  void release(Batch&) noexcept override {}
  [[nodiscard]] int fd() const noexcept override { return -1; }
  [[nodiscard]] bool takes_offload() const noexcept override { return true; }
  [[nodiscard]] const std::string& interface() const noexcept override { return name_; }
  [[nodiscard]] uint32_t queue() const noexcept override { return 0; }
  [[nodiscard]] DeviceCounters counters() const noexcept override { return {0, 0, sent_.get(), 0, 0, 0, 0}; }

 private:
  std::vector<uint8_t> next() noexcept {
    constexpr uint8_t kTurns[] = {tcp::kSyn, tcp::kAck, tcp::kAck, tcp::kFin | tcp::kAck, tcp::kRst};
    const Endpoint client = scene::endpoint("198.51.100.7", static_cast<uint16_t>(2000 + turn_ % 37));
    const uint8_t flags = kTurns[turn_ / 37 % std::size(kTurns)];
    ++turn_;
    if (is_public_) return scene::from_client(client, kTcp, flags);
    const std::string server = "10.11.12." + std::to_string(1 + turn_ % 3);
    return scene::from_server(scene::endpoint(server, scene::kDestinationPort), client, kTcp, flags);
  }

  std::string name_;
  bool is_public_;
  std::vector<std::vector<uint8_t>> frames_;
  uint32_t turn_ = 0;
  Counter sent_;
};

// With one server or another missing, so that flows lose theirs.
WantedSnapshot wanted(uint32_t round) {
  WantedSnapshot snapshot;
  snapshot.generation = round + 1;
  WantedService service;
  service.name = "web";
  service.scheduler = round % 2 == 0 ? "rr" : "wlc";
  service.persistence_ms = round % 3 == 0 ? 1000 : 0;
  service.persistence_prefix = 24;
  service.timeouts[static_cast<size_t>(FlowState::CLOSE)] = 125 + round % 5 * 125;
  service.listeners.push_back({scene::address("203.0.113.10"), kTcp, scene::kServicePort, scene::kServicePort});
  for (uint32_t i = 1; i <= 3; ++i) {
    if (i == round % 4) continue;
    WantedDestination one;
    one.address = scene::address("10.11.12." + std::to_string(i));
    one.port = to_wire(scene::kDestinationPort);
    one.upper_threshold = round % 5 == 0 ? 4 : 0;
    service.destinations.push_back(one);
  }
  snapshot.services.push_back(service);
  return snapshot;
}

struct Machine {
  FlowMemory memory{"", Block::bytes(256)};
  Block block{memory.data(), 256};
  FlowTable flows{block, HashSecret{{1, 2, 3, 4}}, ticks_now()};
  SlotDirectory directory{block, 1};
  Endless outside{"eth0", true}, inside{"eth1", false};
  Worker worker{{&outside, &inside}, flows};
  std::shared_ptr<const Routes> routes = std::make_shared<Routes>(scene::interfaces(), scene::routes(), scene::neighbours());
  std::vector<std::unique_ptr<Published>> published;

  void publish(uint32_t round) {
    std::erase_if(published, [seen = worker.seen()](const auto& one) { return one->serial < seen; });
    if (published.size() == 1) directory.collect(*published[0]->snapshot);
    auto snapshot = std::make_shared<const Snapshot>(directory.build(wanted(round)));
    View view{snapshot.get(), routes.get(), {scene::kPublic, scene::kPrivate}, {scene::kPublic, scene::kPrivate}};
    published.push_back(std::make_unique<Published>(Published{round + 1, snapshot, routes, std::move(view)}));
    worker.show(published.back().get());
  }

  [[nodiscard]] uint64_t read() const {
    uint64_t sum = directory.total().packets_in + flows.entries() + worker.forwarder().farewells();
    for (size_t verdict = 0; verdict < kVerdicts; ++verdict) sum += worker.forwarder().packets(static_cast<Verdict>(verdict));
    for (uint32_t at = 0; at < flows.capacity(); ++at) {
      if (const auto copy = read_flow(block, at)) sum += copy->client_port;
    }
    return sum;
  }
};

}  // namespace

TEST_CASE("a worker forwards while control reconfigures and reads") {
  constexpr uint32_t kRounds = 60;
  Machine machine;
  machine.publish(0);
  machine.worker.start();
  uint64_t seen = 0;
  for (uint32_t round = 1; round < kRounds; ++round) {
    const uint64_t rounds = machine.worker.rounds();
    machine.publish(round);
    seen += machine.read();
    // Bounded: a worker that stands still fails below.
    for (int i = 0; i < 1000 && machine.worker.rounds() < rounds + 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  machine.worker.stop();
  CHECK(seen > 0);
  CHECK(machine.worker.seen() == kRounds);
  CHECK(machine.worker.forwarder().packets(Verdict::forwarded) > 0);
  CHECK(machine.worker.forwarder().packets(Verdict::returned) > 0);
}
