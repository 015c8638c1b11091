// The engine benchmark: forward() over frames of established TCP connections, both directions in turns, flows at random. Driven line by
// line by bench/engine.ts, so that one process keeps its warm tables while benchmark.js takes its samples:
//   flows N          makes N connections                    → {"flows":N,"bytes":B}
//   forward N        N packets through the pipeline         → {"packets":N,"sent":N}
//   play N           the same without the pipeline          → {"packets":N,"sent":0}
//   chase BYTES N    N dependent loads in that much memory  → {"loads":N,"end":I}

#include <algorithm>
#include <iostream>
#include <memory>
#include <numeric>
#include <random>
#include <sstream>

#include "io/device.h"
#include "test/scene.h"

using namespace natlb;

namespace {

constexpr size_t kFrame = 64;             // bytes of a frame in the trace
constexpr size_t kRing = 4096;            // buffers of the device, as in a UMEM
constexpr size_t kBuffer = 2048;          // bytes from one buffer to the next
constexpr size_t kTraceFrames = 1 << 20;  // of each device; 64 MB: more than any cache of one core

using Frame = std::array<uint8_t, kFrame>;

// A device that plays a trace: like a NIC it puts each frame in the next buffer of a ring. What is transmitted it only counts.
class Player final : public Device {
 public:
  Player(uint16_t number, std::vector<Frame> trace)
      : number_{number}, trace_{std::move(trace)}, ring_{std::make_unique<uint8_t[]>(kRing * kBuffer)} {}

  size_t receive(Batch& batch) noexcept override {
    for (; batch.count < kBatch; ++batch.count, ++next_) {
      uint8_t* buffer = ring_.get() + next_ % kRing * kBuffer;
      std::memcpy(buffer, trace_[next_ % trace_.size()].data(), kFrame);
      Packet& packet = batch.packets[batch.count];
      packet.frame = buffer;
      packet.length = 60;
      packet.capacity = kBuffer;
      packet.offload = {};
      packet.device_in = number_;
      packet.verdict = Verdict::pending;
      packet.taken = false;
    }
    return kBatch;
  }
  void transmit(std::span<Packet* const> packets) noexcept override { transmitted_ += packets.size(); }
  void release(Batch&) noexcept override {}
  [[nodiscard]] int fd() const noexcept override { return -1; }
  [[nodiscard]] bool takes_offload() const noexcept override { return false; }
  [[nodiscard]] const std::string& interface() const noexcept override { return name_; }
  [[nodiscard]] uint32_t queue() const noexcept override { return 0; }
  [[nodiscard]] DeviceCounters counters() const noexcept override { return {.received = next_, .transmitted = transmitted_}; }

 private:
  uint16_t number_;
  std::vector<Frame> trace_;
  std::unique_ptr<uint8_t[]> ring_;
  size_t next_ = 0;
  uint64_t transmitted_ = 0;
  std::string name_ = "player";
};

Endpoint client(uint32_t number) {
  const uint32_t address = htonl(0xc6120000 + (number & 0xffff));
  return {Address::v4(&address), to_wire(static_cast<uint16_t>(1024 + (number >> 16)))};
}

Frame padded(const std::vector<uint8_t>& bytes) {
  Frame frame{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), kFrame), frame.begin());
  return frame;
}

void send(scene::Scene& router, std::vector<uint8_t>& bytes, uint16_t device) {
  Batch batch;
  batch.packets[0] = scene::Scene::packet(bytes.data(), bytes.size(), bytes.size(), device);
  batch.count = 1;
  router.forward(batch);
  if (row(batch.packets[0].verdict).fate != Fate::sent)
    throw std::runtime_error(std::string("a packet of the set-up: ") + row(batch.packets[0].verdict).name.data());
}

// The three-way handshake of one client; returns the destination it was given.
Endpoint connect(scene::Scene& router, const Endpoint& client) {
  std::vector<uint8_t> syn = scene::from_client(client, kTcp, tcp::kSyn);
  send(router, syn, scene::kPublic);
  const Endpoint server{Address::v4(syn.data() + kEthernetHeader + ipv4::kTarget), to_wire(scene::kDestinationPort)};
  std::vector<uint8_t> syn_ack = scene::from_server(server, client, kTcp, tcp::kSyn | tcp::kAck);
  send(router, syn_ack, scene::kPrivate);
  std::vector<uint8_t> ack = scene::from_client(client, kTcp, tcp::kAck);
  send(router, ack, scene::kPublic);
  return server;
}

class Engine {
 public:
  explicit Engine(uint32_t flows) : router_{flows}, servers_{connect_all(router_, flows)} {
    players_.push_back(player(scene::kPublic));
    players_.push_back(player(scene::kPrivate));
  }

  // As the worker's rounds, without clock and kernel.
  uint64_t forward(uint64_t packets) {
    const uint64_t before = transmitted();
    for (uint64_t done = 0; done < packets; done += kBatch) round(*players_[done / kBatch % players_.size()]);
    return transmitted() - before;
  }

  // What of a round is the trace's own: copying frames into the ring, as a NIC would do for nothing.
  void play(uint64_t packets) {
    for (uint64_t done = 0; done < packets; done += kBatch) {
      batch_->count = 0;
      players_[done / kBatch % players_.size()]->receive(*batch_);
    }
  }

 private:
  void round(Device& device) {
    batch_->count = 0;
    device.receive(*batch_);
    router_.forward(*batch_);
    std::array<std::array<Packet*, kBatch>, 2> leaving;
    std::array<size_t, 2> counts{};
    for (Packet& packet : *batch_) {
      if (row(packet.verdict).fate != Fate::dropped) leaving[packet.device_out][counts[packet.device_out]++] = &packet;
    }
    for (size_t out = 0; out < players_.size(); ++out) players_[out]->transmit({leaving[out].data(), counts[out]});
    device.release(*batch_);
  }

  static std::vector<Endpoint> connect_all(scene::Scene& router, uint32_t flows) {
    std::vector<Endpoint> servers;
    for (uint32_t number = 0; number < flows; ++number) servers.push_back(connect(router, client(number)));
    return servers;
  }

  std::unique_ptr<Device> player(uint16_t number) const {
    std::mt19937 random(number);
    std::vector<Frame> frames(kTraceFrames);
    for (Frame& frame : frames) {
      const auto flow = static_cast<uint32_t>(random() % servers_.size());
      frame = padded(number == scene::kPublic ? scene::from_client(client(flow), kTcp, tcp::kAck)
                                              : scene::from_server(servers_[flow], client(flow), kTcp, tcp::kAck));
    }
    return std::make_unique<Player>(number, std::move(frames));
  }

  [[nodiscard]] uint64_t transmitted() const {
    uint64_t sum = 0;
    for (const auto& player : players_) sum += player->counters().transmitted;
    return sum;
  }

  scene::Scene router_;
  std::vector<Endpoint> servers_;
  std::vector<std::unique_ptr<Device>> players_;
  std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();
};

// Every load tells where the next one is, in one random circle over all cache lines (Sattolo's shuffle), so none can begin before the last.
class Chase {
 public:
  explicit Chase(size_t bytes) : memory_{"", bytes}, lines_{bytes / sizeof(Line)} {
    std::vector<uint32_t> order(lines_);
    std::iota(order.begin(), order.end(), 0);
    std::mt19937 random(2);
    for (size_t i = lines_ - 1; i > 0; --i) std::swap(order[i], order[random() % i]);
    for (size_t i = 0; i < lines_; ++i) line(static_cast<uint32_t>(i)).next = order[i];
  }

  uint32_t follow(uint64_t loads) {
    for (uint64_t i = 0; i < loads; ++i) at_ = line(at_).next;
    return at_;
  }

 private:
  struct alignas(64) Line {
    uint32_t next;
  };
  [[nodiscard]] Line& line(uint32_t number) { return static_cast<Line*>(memory_.data())[number]; }

  FlowMemory memory_;
  size_t lines_;
  uint32_t at_ = 0;
};

struct Session {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Chase> chase;
  size_t chased = 0;

  std::string answer(const std::string& command) {
    std::istringstream words(command);
    std::string verb;
    uint64_t number = 0, loads = 0;
    words >> verb >> number >> loads;
    if (verb == "flows") {
      engine.reset();
      engine = std::make_unique<Engine>(static_cast<uint32_t>(number));
      return "{\"flows\":" + std::to_string(number) + ",\"bytes\":" + std::to_string(Block::bytes(static_cast<uint32_t>(number))) + "}";
    }
    if (verb == "forward" && engine)
      return "{\"packets\":" + std::to_string(number) + ",\"sent\":" + std::to_string(engine->forward(number)) + "}";
    if (verb == "play" && engine) {
      engine->play(number);
      return "{\"packets\":" + std::to_string(number) + ",\"sent\":0}";
    }
    if (verb == "chase") {
      if (chased != number) chase = std::make_unique<Chase>(chased = number);
      return "{\"loads\":" + std::to_string(loads) + ",\"end\":" + std::to_string(chase->follow(loads)) + "}";
    }
    throw std::invalid_argument("not a command: " + command);
  }
};

}  // namespace

int main() {
  try {
    Session session;
    for (std::string line; std::getline(std::cin, line);) std::cout << session.answer(line) << std::endl;
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_engine: " << error.what() << '\n';
    return 1;
  }
}
