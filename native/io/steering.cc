// Tells the kernel which frames are ours: the programs of bpf/steer.bpf.c, their maps, and where they are attached.
#include "io/steering.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "io/link.h"
#include "steer_object.h"

namespace natlb {
namespace {

// As in bpf/maps.h.
constexpr uint32_t kQueues = 64;
constexpr uint32_t kSlots = 16;
constexpr uint8_t kPresent = 1;

// Before Linux 5.11 maps and UMEM count as locked memory, of which a process may have next to nothing by default.
void allow_locked_memory() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &unlimited);  // refused without privilege: then loading says so
}

void leave_out_xdp(bpf_object* object) {
  bpf_program__set_autoload(bpf_object__find_program_by_name(object, "steer_xdp"), false);
  bpf_map__set_autocreate(bpf_object__find_map_by_name(object, "sockets"), false);
}

int attach_in(uint32_t mode, int program, uint32_t index) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = mode);
  return bpf_link_create(program, static_cast<int>(index), BPF_XDP, &options);
}

uint64_t make_secret() {
  uint64_t secret = 0;
  check(static_cast<int>(::getrandom(&secret, sizeof secret, 0)), "draw a secret for the live flows");
  return secret;
}

}  // namespace

void Steering::Closer::operator()(bpf_object* object) const noexcept { bpf_object__close(object); }

template <typename Table>
Table Steering::table(const char* name) const {
  return Table{name, map(name)};
}

Steering::Steering(bool with_xdp)
    : object_{load(with_xdp)},
      packet_filter_{program("steer_packet")},
      live_secret_{make_secret()},
      live_memory_{NATLB_LIVE_COUNTERS, map("live_flows"), "map the counters of live flows"},
      services_{table<decltype(services_)>("services")},
      destinations_{table<decltype(destinations_)>("destinations")},
      service_ranges_{table<decltype(service_ranges_)>("service_ranges")},
      locals_{table<decltype(locals_)>("locals")},
      service_addresses_{table<decltype(service_addresses_)>("service_addresses")},
      destination_addresses_{table<decltype(destination_addresses_)>("destination_addresses")},
      interfaces_{table<decltype(interfaces_)>("interfaces")},
      virtual_macs_{table<decltype(virtual_macs_)>("virtual_macs")} {
  publish_settings(false);
}

Steering::~Steering() {
  for (Watched& watched : watched_) watched.guard.detach();
}

std::unique_ptr<bpf_object, Steering::Closer> Steering::load(bool with_xdp) {
  allow_locked_memory();
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "natlb");
  std::unique_ptr<bpf_object, Closer> object{bpf_object__open_mem(kSteerObject, sizeof kSteerObject, &options)};
  if (!object) check(-1, "read the steering program");
  if (!with_xdp) leave_out_xdp(object.get());
  check(bpf_object__load(object.get()), "load the steering program into the kernel");
  return object;
}

void Steering::watch(const std::string& interface) {
  if (watched_.size() >= kSlots) throw std::system_error(ENOSPC, std::generic_category(), "cannot steer more than 16 interfaces");
  const uint32_t index = link_index(interface);
  watched_.push_back({interface, index, StackGuard{index}});
}

Attachment Steering::attach(uint32_t slot, const std::string& interface) {
  watch(interface);
  const uint32_t index = watched_.at(slot).index;
  const int xdp = program("steer_xdp");
  int link = attach_in(XDP_FLAGS_DRV_MODE, xdp, index);
  const int reason = link < 0 ? errno : 0;
  if (link < 0) link = attach_in(XDP_FLAGS_SKB_MODE, xdp, index);
  attached_.emplace_back(check(link, "attach the XDP program to " + interface));
  if (reason == 0) return {XdpMode::native, ""};
  return {XdpMode::generic, interface + " refuses native XDP: " + std::generic_category().message(reason)};
}

void Steering::set_socket(uint32_t slot, uint32_t queue, int socket) {
  if (queue >= kQueues) throw std::system_error(ENOSPC, std::generic_category(), "cannot steer more than 64 queues of an interface");
  const uint32_t key = slot * kQueues + queue;
  check(bpf_map_update_elem(map("sockets"), &key, &socket, BPF_ANY), "hand queue " + std::to_string(queue) + " to its AF_XDP socket");
}

// The guard is there before the first packet can be ours by its flow alone, and goes after the last.
void Steering::publish(const Steered& steered) {
  const PortRanges ranges = port_ranges(steered.services);
  if (steered.asks_live_flows && !steered.keeps_guard) guard(true);
  interfaces_.add(interfaces_of(steered.interfaces));
  virtual_macs_.add(macs_of(steered.interfaces));
  service_ranges_.add(values_of(ranges));
  publish_addresses(steered);
  service_ranges_.drop_others();
  interfaces_.drop_others();
  virtual_macs_.drop_others();
  publish_settings(steered.asks_live_flows);
  if (!steered.asks_live_flows && !steered.keeps_guard) guard(false);
}

void Steering::publish_addresses(const Steered& steered) {
  std::vector<std::pair<EndpointKey, Present>> services, destinations;
  std::vector<std::pair<AddressKey, Present>> locals, service_addresses, destination_addresses;
  for (const SteeredRange& service : steered.services) {
    service_addresses.emplace_back(key_of(service.address), kPresent);
    if (service.first == service.last) {
      services.emplace_back(key_of({service.address, to_wire(service.first)}, service.protocol), kPresent);
    }
  }
  for (const SteeredEndpoint& destination : steered.destinations) {
    destination_addresses.emplace_back(key_of(destination.endpoint.address), kPresent);
    if (destination.endpoint.port != 0) destinations.emplace_back(key_of(destination.endpoint, destination.protocol), kPresent);
  }
  for (const Address& local : steered.locals) locals.emplace_back(key_of(local), kPresent);
  locals_.add(std::move(locals));
  services_.add(std::move(services));
  destinations_.add(std::move(destinations));
  service_addresses_.add(std::move(service_addresses));
  destination_addresses_.add(std::move(destination_addresses));
  services_.drop_others();
  destinations_.drop_others();
  service_addresses_.drop_others();
  destination_addresses_.drop_others();
  locals_.drop_others();
}

void Steering::publish_settings(bool asks_live_flows) {
  const uint32_t only = 0;
  const Settings settings{live_secret_, static_cast<uint8_t>(asks_live_flows), {}};
  check(bpf_map_update_elem(map("settings"), &only, &settings, BPF_ANY), "tell the steering program its settings");
}

// Put there anew each time: others may have removed it.
void Steering::guard(bool asks_live_flows) {
  if (!asks_live_flows && guarded_ == false) return;
  guarded_.reset();
  for (Watched& watched : watched_) {
    if (asks_live_flows) {
      watched.guard.attach(program("steer_guard"), watched.name);
    } else {
      watched.guard.detach();
    }
  }
  guarded_ = asks_live_flows;
}

std::vector<std::pair<Steering::EndpointKey, Steering::RangesValue>> Steering::values_of(const PortRanges& ranges) {
  std::vector<std::pair<EndpointKey, RangesValue>> values;
  for (const auto& [where, all] : ranges) {
    RangesValue value{static_cast<uint32_t>(all.size()), {}};
    for (size_t i = 0; i < all.size(); ++i) {
      value.ports[2 * i] = all[i].first;
      value.ports[2 * i + 1] = all[i].second;
    }
    values.emplace_back(key_of({where.address, 0}, where.protocol), value);
  }
  return values;
}

std::vector<std::pair<Steering::InterfaceKey, Steering::InterfaceValue>> Steering::interfaces_of(
    const std::vector<SteeredInterface>& interfaces) const {
  std::vector<std::pair<InterfaceKey, InterfaceValue>> all;
  for (const SteeredInterface& interface : interfaces) {
    if (interface.macvlan) continue;
    const auto at = std::ranges::find(watched_, interface.root, &Watched::index);
    if (at == watched_.end()) continue;
    const auto slot = static_cast<uint32_t>(at - watched_.begin());
    all.push_back({{interface.root, interface.tags.outer, interface.tags.inner}, {slot, interface.mac, {}}});
  }
  return all;
}

std::vector<std::pair<Steering::MacKey, Steering::Present>> Steering::macs_of(const std::vector<SteeredInterface>& interfaces) {
  std::vector<std::pair<MacKey, Present>> all;
  for (const SteeredInterface& interface : interfaces) {
    if (interface.macvlan) all.push_back({{interface.mac, {}}, kPresent});
  }
  return all;
}

Steering::EndpointKey Steering::key_of(const Endpoint& endpoint, uint8_t protocol) noexcept {
  return {key_of(endpoint.address), endpoint.port, protocol, {}};
}

Steering::AddressKey Steering::key_of(const Address& address) noexcept { return {address.high(), address.low()}; }

int Steering::map(const char* name) const noexcept { return bpf_object__find_map_fd_by_name(object_.get(), name); }

int Steering::program(const char* name) const noexcept { return bpf_program__fd(bpf_object__find_program_by_name(object_.get(), name)); }

}  // namespace natlb
