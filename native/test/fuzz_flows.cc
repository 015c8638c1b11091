// Fuzzes the life of flows: an input is a play of packets, pauses and reconfigurations. Whatever is played, the counts agree with the
// records, nothing with a private address reaches the public side, and when all is quiet nothing is left.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "engine/slot_directory.h"
#include "test/scene.h"

using namespace natlb;

namespace {

constexpr uint32_t kMaxFlows = 48;
constexpr size_t kFrame = 256;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// Bytes of the input, zero when they are used up.
class Script {
 public:
  Script(const uint8_t* data, size_t size) : data_{data}, size_{size} {}
  [[nodiscard]] bool ended() const { return size_ == 0; }
  uint8_t next() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

const char* const kServers4[] = {"10.11.12.1", "10.11.12.2", "10.11.12.3"};
const char* const kServers6[] = {"fd00:11::1", "fd00:11::2", "fd00:11::3"};

// One service over each protocol and family, all alike: `seed` says how.
WantedSnapshot wanted(Script& script) {
  WantedSnapshot snapshot;
  snapshot.generation = 1;
  const uint8_t shape = script.next(), servers = script.next(), scheduler = script.next();
  snapshot.half_open = {shape & 1 ? 3U : 0U, shape & 2 ? 2U : 0U};
  for (const uint8_t protocol : {kTcp, kUdp}) {
    for (const bool is_v4 : {true, false}) {
      WantedService service;
      service.name = std::to_string(protocol) + (is_v4 ? "4" : "6");
      service.scheduler = kSchedulers[scheduler % std::size(kSchedulers)].name;
      const uint16_t last = shape & 4 ? uint16_t{81} : scene::kServicePort;
      service.listeners.push_back({scene::address(is_v4 ? "203.0.113.10" : "2001:db8::10"), protocol, scene::kServicePort, last});
      service.persistence_ms = shape & 8 ? 2000 : 0;
      service.persistence_prefix = is_v4 ? 24 : 64;
      service.one_packet = protocol == kUdp && (shape & 16) != 0;
      service.resets = (shape & 32) == 0;
      service.sloppy = shape & 64 ? Sloppy::always : Sloppy::never;
      for (uint32_t i = 0; i < 3; ++i) {
        if ((servers >> i & 1) == 0) continue;
        WantedDestination one;
        one.address = scene::address(is_v4 ? kServers4[i] : kServers6[i]);
        one.port = shape & 128 ? uint16_t{0} : to_wire(scene::kDestinationPort);
        one.weight = servers >> (3 + i) & 1 ? 0 : i + 1;
        one.upper_threshold = servers & 64 ? 2 : 0;
        service.destinations.push_back(one);
      }
      snapshot.services.push_back(service);
    }
  }
  return snapshot;
}

class Router {
 public:
  Router()
      : memory_{"", Block::bytes(kMaxFlows)},
        block_{memory_.data(), kMaxFlows},
        flows_{block_, HashSecret{{1, 2, 3, 4}}, 0},
        directory_{block_, 0},
        forwarder_{flows_},
        routes_{scene::interfaces(), scene::routes(), scene::neighbours()},
        snapshot_{std::make_unique<Snapshot>(directory_.build(WantedSnapshot{}))},
        view_{snapshot_.get(), &routes_, {scene::kPublic, scene::kPrivate}, {scene::kPublic, scene::kPrivate}, 0} {}

  void configure(Script& script) {
    directory_.collect(*snapshot_);
    snapshot_ = std::make_unique<Snapshot>(directory_.build(wanted(script)));
    view_.snapshot = snapshot_.get();
    for (bool more = true; more;) {
      batch_.count = 0;
      more = forwarder_.end_orphans(batch_, view_);
      judge();
    }
  }

  void wait(uint32_t ticks) {
    now_ += ticks;
    for (bool more = true; more;) {
      batch_.count = 0;
      more = forwarder_.end_idle(batch_, view_, now_);
      judge();
    }
  }

  void forward(std::vector<std::vector<uint8_t>>& frames, uint16_t device) {
    batch_.count = 0;
    for (std::vector<uint8_t>& frame : frames) {
      frame.resize(kFrame);
      batch_.packets[batch_.count++] = scene::Scene::packet(frame.data(), kFrame, kFrame, device);
    }
    forwarder_.forward(batch_, view_, now_);
    for (const Packet& packet : batch_) require(packet.verdict != Verdict::pending, "every packet has a verdict");
    judge();
  }

  // The counts must be what counting gives.
  void count() {
    uint32_t entries = 0, dependent = 0;
    uint64_t held = 0;
    for (uint32_t at = 0; at < block_.header->fresh; ++at) {
      const Flow& flow = block_.flows[at];
      if (flow.live != Flow::kLive) continue;
      ++entries;
      if (flow.has(Flow::kControlled)) ++dependent;
      if (flow.has(Flow::kTemplate)) held += block_.flows[at].client_expects;
    }
    require(entries == block_.header->entries, "as many entries as records");
    require(dependent == held, "as many dependents as flows that name a template");
    uint64_t loads = 0, persistent = 0, flows = 0, half_open = 0;
    for (uint32_t slot = 0; slot < 64; ++slot) {
      loads += block_.loads[slot].total();
      persistent += block_.destinations[slot].persistent.get();
      flows += block_.destinations[slot].flows.get();
      half_open += block_.services[slot].half_open;
    }
    require(loads + persistent == entries && flows == entries, "loads and templates together are the entries");
    require(half_open <= loads, "no more half-open flows than flows");
  }

  void end() {
    // Templates are looked at again each minute as long as one of their flows lives.
    for (int hour = 0; hour < 12; ++hour) wait(3600 * kTicksPerSecond);
    count();
    require(block_.header->entries == 0, "nothing is left when all is quiet");
  }

 private:
  // Nothing untranslated leaves by the public side.
  void judge() const {
    for (size_t i = 0; i < batch_.count; ++i) {
      const Packet& packet = batch_.packets[i];
      if (row(packet.verdict).fate == Fate::dropped || packet.device_out != scene::kPublic) continue;
      const uint8_t* ip = packet.frame + packet.l3;
      const bool is_private = packet.is_v4 ? ip[ipv4::kSource] == 10 : ip[ipv6::kSource] == 0xfd;
      require(!is_private, "no private address reaches the public side");
    }
  }

  FlowMemory memory_;
  Block block_;
  FlowTable flows_;
  SlotDirectory directory_;
  Forwarder forwarder_;
  Routes routes_;
  std::unique_ptr<Snapshot> snapshot_;
  View view_;
  Batch batch_;
  uint32_t now_ = 0;
};

Endpoint client(uint8_t number, bool is_v4) {
  const std::string last = std::to_string(1 + number % 4);
  return scene::endpoint(is_v4 ? "198.51.100." + last : "2001:db8:7::" + last, static_cast<uint16_t>(5000 + number / 4 % 4));
}

// `who` names client, family and protocol, `what` port and server; the flags are the input's own.
std::vector<uint8_t> frame_of(Script& script, bool from_server) {
  const uint8_t who = script.next(), what = script.next(), flags = script.next();
  const bool is_v4 = (who & 64) == 0;
  const uint8_t protocol = who & 128 ? kUdp : kTcp;
  const Endpoint at = client(who, is_v4);
  if (!from_server) {
    const Endpoint vip = scene::endpoint(is_v4 ? "203.0.113.10" : "2001:db8::10", static_cast<uint16_t>(scene::kServicePort + what % 3));
    return scene::frame(scene::kPublicMac, {at, vip, protocol, flags});
  }
  const uint16_t port = what & 128 ? static_cast<uint16_t>(scene::kServicePort + what / 4 % 3) : scene::kDestinationPort;
  const Endpoint server = scene::endpoint((is_v4 ? kServers4 : kServers6)[what % 3], port);
  return scene::frame(scene::kPrivateMac, {server, at, protocol, flags});
}

void play(Router& router, Script& script) {
  const uint8_t act = script.next();
  switch (act % 4) {
    case 0:
      return router.configure(script);
    case 1:
      return router.wait(1U << (act / 4 % 16));
    default: {
      const bool from_server = act % 4 == 3;
      std::vector<std::vector<uint8_t>> frames;
      for (int i = 0; i <= act / 4 % 8; ++i) frames.push_back(frame_of(script, from_server));
      router.forward(frames, from_server ? scene::kPrivate : scene::kPublic);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int kLongest = 400;
  Script script{data, size};
  auto router = std::make_unique<Router>();
  router->configure(script);
  for (int acts = 0; acts < kLongest && !script.ended(); ++acts) {
    play(*router, script);
    router->count();
  }
  router->end();
  return 0;
}
