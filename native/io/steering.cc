// Tells the kernel which frames are ours: the programs of bpf/steer.bpf.c, their maps, and where they are attached.
#include "io/steering.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "io/link.h"
#include "steer_object.h"

namespace natlb {
namespace {

// As in steer.bpf.c.
constexpr uint32_t kQueues = 64;
constexpr uint32_t kInterfaces = 16;
struct InterfaceValue {
  uint32_t slot;
  std::array<uint8_t, 6> mac;
  uint8_t zero[2];
};

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

}  // namespace

Steering::Set::Set(const bpf_object* object, const char* name) : name_{name}, map_{bpf_object__find_map_fd_by_name(object, name)} {}

void Steering::Set::add(std::vector<Key> wanted) {
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<Key> added;
  if (std::exchange(sure_, false)) {
    std::set_difference(wanted.begin(), wanted.end(), held_.begin(), held_.end(), std::back_inserter(added));
  } else {
    added = wanted;
  }
  std::vector<Key> all;
  std::set_union(held_.begin(), held_.end(), added.begin(), added.end(), std::back_inserter(all));
  held_.swap(all);  // first: what a failure below leaves in the map must not be forgotten
  wanted_ = std::move(wanted);
  const uint8_t present = 1;
  for (const Key& key : added) check(bpf_map_update_elem(map_, key.data(), &present, BPF_ANY), "publish " + name_ + " to the kernel");
  sure_ = true;
}

void Steering::Set::drop_others() {
  std::vector<Key> others;
  std::set_difference(held_.begin(), held_.end(), wanted_.begin(), wanted_.end(), std::back_inserter(others));
  for (const Key& key : others) bpf_map_delete_elem(map_, key.data());
  held_ = wanted_;
}

void Steering::Closer::operator()(bpf_object* object) const noexcept { bpf_object__close(object); }

Steering::Steering(bool with_xdp)
    : object_{load(with_xdp)},
      packet_filter_{bpf_program__fd(bpf_object__find_program_by_name(object_.get(), "steer_packet"))},
      services_{object_.get(), "services"},
      destinations_{object_.get(), "destinations"},
      locals_{object_.get(), "locals"},
      service_addresses_{object_.get(), "service_addresses"},
      destination_addresses_{object_.get(), "destination_addresses"} {}

Steering::~Steering() = default;

std::unique_ptr<bpf_object, Steering::Closer> Steering::load(bool with_xdp) {
  allow_locked_memory();
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "natlb");
  std::unique_ptr<bpf_object, Closer> object{bpf_object__open_mem(kSteerObject, sizeof kSteerObject, &options)};
  if (!object) check(-1, "read the steering program");
  if (!with_xdp) leave_out_xdp(object.get());
  check(bpf_object__load(object.get()), "load the steering program into the kernel");
  return object;
}

Attachment Steering::attach(uint32_t slot, const std::string& interface) {
  if (slot >= kInterfaces) throw std::system_error(ENOSPC, std::generic_category(), "cannot steer more than 16 interfaces");
  const uint32_t index = link_index(interface);
  const int program = bpf_program__fd(bpf_object__find_program_by_name(object_.get(), "steer_xdp"));
  describe(slot, interface);
  int link = attach_in(XDP_FLAGS_DRV_MODE, program, index);
  const int reason = link < 0 ? errno : 0;
  if (link < 0) link = attach_in(XDP_FLAGS_SKB_MODE, program, index);
  attached_.push_back({slot, interface, FileDescriptor{check(link, "attach the XDP program to " + interface)}});
  if (reason == 0) return {XdpMode::native, ""};
  return {XdpMode::generic, interface + " refuses native XDP: " + std::generic_category().message(reason)};
}

void Steering::describe(uint32_t slot, const std::string& interface) {
  const uint32_t index = link_index(interface);
  const InterfaceValue value{slot, link_mac(interface), {}};
  check(bpf_map_update_elem(map("interfaces"), &index, &value, BPF_ANY), "tell the XDP program about " + interface);
}

void Steering::set_socket(uint32_t slot, uint32_t queue, int socket) {
  if (queue >= kQueues) throw std::system_error(ENOSPC, std::generic_category(), "cannot steer more than 64 queues of an interface");
  const uint32_t key = slot * kQueues + queue;
  check(bpf_map_update_elem(map("sockets"), &key, &socket, BPF_ANY), "hand queue " + std::to_string(queue) + " to its AF_XDP socket");
}

void Steering::publish(const std::vector<SteeredEndpoint>& services, const std::vector<SteeredEndpoint>& destinations,
                       const std::vector<Address>& locals) {
  const auto whole = [](const SteeredEndpoint& entry) { return key_of(entry); };
  const auto address = [](const SteeredEndpoint& entry) { return key_of(entry.endpoint.address); };
  locals_.add(keys_of(locals, [](const Address& entry) { return key_of(entry); }));
  services_.add(keys_of(services, whole));
  destinations_.add(keys_of(destinations, whole));
  service_addresses_.add(keys_of(services, address));
  destination_addresses_.add(keys_of(destinations, address));
  for (Set* set : {&services_, &destinations_, &service_addresses_, &destination_addresses_, &locals_}) set->drop_others();
  refresh_interfaces();
}

// A MAC may have changed. An interface that has gone is no reason to refuse the rest.
void Steering::refresh_interfaces() noexcept {
  for (const Attached& attached : attached_) {
    try {
      describe(attached.slot, attached.interface);
    } catch (const std::system_error&) {
    }
  }
}

template <typename Entry, typename Convert>
std::vector<Steering::Key> Steering::keys_of(const std::vector<Entry>& entries, Convert&& convert) {
  std::vector<Key> keys;
  keys.reserve(entries.size());
  std::transform(entries.begin(), entries.end(), std::back_inserter(keys), convert);
  return keys;
}

Steering::Key Steering::key_of(const SteeredEndpoint& entry) noexcept {
  Key key = key_of(entry.endpoint.address);
  std::memcpy(key.data() + 16, &entry.endpoint.port, 2);
  key[18] = entry.protocol;
  return key;
}

Steering::Key Steering::key_of(const Address& address) noexcept {
  Key key{};
  std::memcpy(key.data(), address.bytes, 16);
  return key;
}

int Steering::map(const char* name) const noexcept { return bpf_object__find_map_fd_by_name(object_.get(), name); }

}  // namespace natlb
