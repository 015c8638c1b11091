// Two threads: the worker, and one that keeps house: it hears the kernel's news and tells the worker, and asks the kernel what is missing.
#include "engine/engine.h"

#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace natlb {

namespace {

constexpr uint32_t kHouseRoundMs = 1000;
constexpr int kSettleMs = 5;  // news come in bursts; one new view serves all of a burst

HashSecret make_secret() {
  HashSecret secret{};
  check(static_cast<int>(::getrandom(&secret, sizeof secret, 0)), "draw a secret for the flow table");
  return secret;
}

uint64_t draw_random() {
  uint64_t random = 0;
  check(static_cast<int>(::getrandom(&random, sizeof random, 0)), "draw where schedulers begin");
  return random | 1;
}

uint64_t now_ms() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

bool before(const Address& a, const Address& b) noexcept { return std::memcmp(a.bytes, b.bytes, sizeof a.bytes) < 0; }

std::vector<Address> locals_of(const Routes& routes) {
  std::vector<Address> locals;
  for (const Interface& interface : routes.interfaces())
    locals.insert(locals.end(), interface.addresses.begin(), interface.addresses.end());
  std::ranges::sort(locals, before);
  return locals;
}

// Throws what steering would throw when everything else has changed already.
void check_ranges(const WantedSnapshot& wanted) {
  std::vector<SteeredRange> ranges;
  for (const WantedService& service : wanted.services) {
    for (const WantedListener& one : service.listeners) ranges.push_back({one.address, one.protocol, one.first_port, one.last_port});
  }
  port_ranges(ranges);
}

std::vector<SteeredInterface> interfaces_of(const Routes& routes) {
  std::vector<SteeredInterface> interfaces;
  for (const Interface& interface : routes.interfaces()) {
    if (interface.root != 0) interfaces.push_back({interface.root, interface.tags, interface.mac, interface.macvlan});
  }
  return interfaces;
}

}  // namespace

Engine::Engine(const EngineOptions& options)
    : memory_{options.flow_file, Block::bytes(options.max_flows)},
      block_{memory_.data(), options.max_flows},
      flows_{block_, make_secret(), ticks_now()},
      adopted_{flows_.entries()},
      directory_{block_, draw_random()},
      opened_{open_devices(options.interfaces, options.backend)},
      worker_{device_pointers(), flows_},
      mirror_{options.interfaces},
      snapshot_{std::make_shared<Snapshot>(directory_.build(WantedSnapshot{}))},
      stop_fd_{check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "make an eventfd")} {
  mirror_.drain();
  flows_.list_in(opened_.steering->live_flows());  // before anything is steered by it
  refresh_routes();
  worker_.start();
  house_ = std::thread{[this] { keep_house(); }};
}

Engine::~Engine() { close(); }

void Engine::close() {
  stopping_ = true;
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_fd_.get(), &one, sizeof one);
  if (house_.joinable()) house_.join();
  worker_.stop();
  opened_.devices.clear();
  opened_.steering.reset();
}

std::vector<Device*> Engine::device_pointers() const {
  std::vector<Device*> devices;
  for (const auto& device : opened_.devices) devices.push_back(device.get());
  return devices;
}

Explanation Engine::explain(const PacketQuestion& question, std::shared_ptr<const Routes>& routes) const {
  const std::scoped_lock lock{mutex_};
  routes = routes_;
  return natlb::explain(question, view(), flows_, ticks_now());
}

std::shared_ptr<const Snapshot> Engine::snapshot() const {
  const std::scoped_lock lock{mutex_};
  return snapshot_;
}

void Engine::configure(const WantedSnapshot& wanted) {
  const std::scoped_lock lock{mutex_};
  check_ranges(wanted);
  release_seen();
  if (published_.size() == 1) directory_.collect(*snapshot_);
  snapshot_ = std::make_shared<Snapshot>(directory_.build(wanted));
  withdrawn_ = false;
  configured_ = true;
  publish();
  steer();
  std::vector<Address> destinations;
  for (const Service& service : snapshot_->services()) {
    for (const Destination& destination : service.destinations) destinations.push_back(destination.address);
  }
  mirror_.watch(std::move(destinations));
}

void Engine::withdraw() {
  const std::scoped_lock lock{mutex_};
  withdrawn_ = true;
  steer();
}

void Engine::publish() {
  release_seen();
  published_.push_back(std::make_unique<Published>(Published{++serial_, snapshot_, routes_, view()}));
  worker_.show(published_.back().get());
}

// The worker has gone on from all but what it saw last and what is newer.
void Engine::release_seen() {
  std::erase_if(published_, [seen = worker_.seen()](const auto& published) { return published->serial < seen; });
}

View Engine::view() const {
  View view{snapshot_.get(), routes_.get(), {}, {}, takeover_until_};
  std::vector<uint32_t> roots;
  for (const auto& device : opened_.devices) roots.push_back(::if_nametoindex(device->interface().c_str()));
  view.connect(roots);
  return view;
}

// Ours is the traffic of services whose address the host holds; a backup leaves everything to its kernel.
void Engine::steer() {
  if (opened_.steering == nullptr) return;  // closed
  Steered steered{.locals = locals_of(*routes_), .interfaces = interfaces_of(*routes_), .keeps_guard = !configured_ && !withdrawn_};
  if (!withdrawn_) {
    for (const Service& service : snapshot_->services()) steer(service, steered);
    steer_flows_of_the_gone(steered);
  }
  opened_.steering->publish(steered);
  // Last: when publishing fails, the next round sees that there is still something to publish.
  locals_ = std::move(steered.locals);
  interfaces_ = std::move(steered.interfaces);
}

// The guard of control/host/guard.ts goes by the same ports: a destination without one answers from the listener's, where that has just
// one.
void Engine::steer(const Service& service, Steered& steered) const {
  for (const Listener& listener : service.listeners) {
    if (!routes_->is_local(listener.address)) continue;
    steered.services.push_back({listener.address, listener.protocol, listener.first_port, listener.last_port});
    steered.asks_live_flows |= service.helps_ftp;
    for (const Destination& destination : service.destinations) {
      const uint16_t port = destination.port == 0 && listener.is_single() ? to_wire(listener.first_port) : destination.port;
      steered.destinations.push_back({{destination.address, port}, listener.protocol});
      steered.asks_live_flows |= port == 0;
    }
  }
}

// Flows outlive their destination's place in the snapshot, and so must the steering of its replies.
void Engine::steer_flows_of_the_gone(Steered& steered) const {
  for (uint32_t slot = 0; slot < kMaxDestinations; ++slot) {
    const DestinationSlot& destination = block_.destinations[slot];
    if (destination.in_use == 0 || destination.flows.get() == 0) continue;
    if (destination.standing.load(std::memory_order_relaxed) != Standing::gone) continue;
    for (const uint8_t protocol : {kTcp, kUdp, kSctp}) steered.destinations.push_back({{destination.address, destination.port}, protocol});
    steered.asks_live_flows |= destination.port == 0;
  }
}

void Engine::refresh_routes() {
  routes_ = mirror_.routes();
  const bool moved = locals_of(*routes_) != locals_;
  if (moved) note_takeover();
  publish();
  if (moved || interfaces_of(*routes_) != interfaces_) steer();
}

// An address of a service has come to this host: flows that its other router had may still be under way.
void Engine::note_takeover() {
  const auto is_new = [this](const Listener& listener) {
    return routes_->is_local(listener.address) && !std::ranges::binary_search(locals_, listener.address, before);
  };
  for (const Service& service : snapshot_->services()) {
    if (std::ranges::any_of(service.listeners, is_new)) takeover_until_ = ticks_now() + snapshot_->takeover_ticks();
  }
}

void Engine::look_after_neighbours() {
  uint64_t count;
  [[maybe_unused]] const auto bytes = ::read(worker_.wishes_fd(), &count, sizeof count);
  for (Missing::Neighbour wish{}; worker_.wishes().pop(wish);) mirror_.resolve(wish.interface, wish.address);
}

// What fails half-way is behind until it succeeds: the news have been taken from the socket and do not come again.
void Engine::follow_kernel() {
  bool changed = std::exchange(behind_, true);
  changed = mirror_.drain() || changed;
  if (const uint64_t now = now_ms(); now - ticked_at_ms_ >= kHouseRoundMs) {
    ticked_at_ms_ = now;
    changed = mirror_.tick(now) || changed;
  }
  if (changed) refresh_routes();
  behind_ = false;
}

void Engine::keep_house() noexcept {
  while (!stopping_) {
    std::array<pollfd, 3> fds{{{stop_fd_.get(), POLLIN, 0}, {mirror_.fd(), POLLIN, 0}, {worker_.wishes_fd(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), kHouseRoundMs);
    if (stopping_) return;
    try {
      const std::scoped_lock lock{mutex_};
      if (fds[2].revents != 0) look_after_neighbours();
      follow_kernel();
      release_seen();
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "natlb dataplane: following the kernel's routes: %s\n", problem.what());
    }
    if (fds[1].revents != 0) ::poll(nullptr, 0, kSettleMs);
  }
}

}  // namespace natlb
