// Hosts at the other end of the wire for the device tests.
#include "device_lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>

#include "io/af_packet.h"
#include "io/af_xdp.h"
#include "io/link.h"
#include "io/memory.h"

namespace lab {
namespace {

using namespace natlb;

constexpr uint8_t kMark[4] = {'n', 't', 'l', 'b'};
constexpr int kPatienceMs = 1000;

bool is_marked(const Bytes& frame) {
  return frame.size() >= sizeof kMark && std::memcmp(frame.data() + frame.size() - sizeof kMark, kMark, sizeof kMark) == 0;
}

bool is_readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, kPatienceMs) > 0;
}

FileDescriptor enter(const std::string& path) {
  FileDescriptor fd{check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open " + path)};
  check(::setns(fd.get(), CLONE_NEWNET), "enter " + path);
  return fd;
}

std::string in_namespace(const std::string& in, const std::string& command) {
  return (in.empty() ? "" : "ip netns exec " + in + " ") + "sh -c '" + command + "' >/dev/null 2>&1";
}

class MemoryScene final : public Scene {
 public:
  Device& in() override { return in_; }
  Device& out() override { return out_; }
  void send(const Bytes& frame) override {
    if (!in_.push(frame)) throw std::runtime_error("memory device is full");
  }
  std::vector<Bytes> collect(size_t count) override {
    std::vector<Bytes> frames;
    for (Memory::Frame frame; frames.size() < count && out_.pop(frame);) frames.push_back(frame.bytes);
    return frames;
  }
  Steering& steering() override { throw std::logic_error("memory devices take everything"); }
  std::string missing_buffers(bool) override { return in_.held() == 0 ? "" : std::to_string(in_.held()) + " slots not released"; }

 private:
  Memory in_{"in"}, out_{"out"};
};

class WireScene final : public Scene {
 public:
  Device& in() override { return *opened_.devices.front(); }
  Device& out() override { return *opened_.devices.back(); }
  void send(const Bytes& frame) override { client_.send(frame); }
  std::vector<Bytes> collect(size_t count) override { return server_.collect(count); }
  Steering& steering() override { return *opened_.steering; }
  std::string missing_buffers(bool settled) override { return is_af_xdp() ? missing_frames(settled) : missing_slots(); }

 private:
  std::string missing_slots() {
    const size_t held = dynamic_cast<AfPacket&>(in()).held() + dynamic_cast<AfPacket&>(out()).held();
    return held == 0 ? "" : std::to_string(held) + " slots not released";
  }
  std::string missing_frames(bool settled) {
    const Umem& umem = dynamic_cast<AfXdp&>(in()).umem();
    size_t with_kernel = 0, to_send = 0;
    for (const auto& device : opened_.devices) {
      with_kernel += dynamic_cast<AfXdp&>(*device).with_kernel();
      to_send += dynamic_cast<AfXdp&>(*device).to_send();
    }
    const std::set<uint64_t> pool{umem.pool().begin(), umem.pool().end()};
    if (pool.size() == umem.pooled() && pool.size() + with_kernel == umem.frames() && !(settled && to_send > 0)) return "";
    std::ostringstream text;
    text << umem.pooled() << " in the pool (" << pool.size() << " different) + " << with_kernel << " with the kernel (" << to_send
         << " to send) of " << umem.frames();
    return text.str();
  }

  Opened opened_ = open_lab();
  Host client_{"nd-client", "nd-c0"};
  Host server_{"nd-server", "nd-s0"};
};

}  // namespace

std::string mode() {
  const char* value = std::getenv("DEVICE_MODE");
  return value ? value : "memory";
}

bool succeeds(const std::string& in, const std::string& command) { return std::system(in_namespace(in, command).c_str()) == 0; }

void run(const std::string& in, const std::string& command) {
  if (!succeeds(in, command)) throw std::runtime_error("failed: " + in_namespace(in, command));
}

void inside(const std::string& name, const std::function<void()>& what) {
  const std::string here = "/proc/thread-self/ns/net";
  const FileDescriptor back{check(::open(here.c_str(), O_RDONLY | O_CLOEXEC), "open " + here)};
  const FileDescriptor there = enter("/var/run/netns/" + name);
  what();
  check(::setns(back.get(), CLONE_NEWNET), "return from " + name);
}

Host::Host(const std::string& name, const std::string& interface) {
  inside(name, [&] {
    socket_ = FileDescriptor{check(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), "open a packet socket")};
    const int one = 1, buffer = 64 << 20;
    check(::setsockopt(socket_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one), "ignore outgoing packets");
    check(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer), "have a large buffer");
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(link_index(interface));
    check(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind to " + interface);
  });
}

void Host::send(const Bytes& frame) const {
  check(static_cast<int>(::send(socket_.get(), frame.data(), frame.size(), 0)), "send a test frame");
}

std::vector<Bytes> Host::collect(size_t count) const {
  std::vector<Bytes> frames;
  Bytes frame(16384);
  while (frames.size() < count && is_readable(socket_.get())) {
    const ssize_t length = ::recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT);
    if (length < 0) continue;
    const Bytes received(frame.begin(), frame.begin() + length);
    if (is_marked(received)) frames.push_back(received);
  }
  return frames;
}

std::unique_ptr<Scene> make_scene() {
  if (mode() == "memory") return std::make_unique<MemoryScene>();
  return std::make_unique<WireScene>();
}

Opened open_lab() {
  Opened opened = open_devices({"nd-r0", "nd-r1"}, is_af_xdp() ? "af_xdp" : "af_packet");
  publish(*opened.steering);
  return opened;
}

Address address(const std::string& text) {
  uint8_t bytes[16];
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return Address::v4(bytes);
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return Address::v6(bytes);
  throw std::invalid_argument("not an address: " + text);
}

SteeredEndpoint endpoint(const std::string& text, uint16_t port, uint8_t protocol) { return {{address(text), htons(port)}, protocol}; }

SteeredRange ports(const std::string& text, uint16_t first, uint16_t last, uint8_t protocol) {
  return {address(text), protocol, first, last};
}

SteeredInterface interface(const std::string& root, const VlanTags& tags) {
  SteeredInterface interface {
    link_index(root), tags, {}
  };
  std::ranges::copy(link_mac(root), interface.mac.bytes);
  return interface;
}

void publish(Steering& steering) {
  Steered steered{.interfaces = {interface("nd-r0"), interface("nd-r1")}};
  for (const char* server : {kServerAddress, kServerAddress6}) {
    for (const uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
      steered.services.push_back(ports(server, kPort, kPort, protocol));
      steered.destinations.push_back(endpoint(server, kPort, protocol));
    }
  }
  steered.locals = {address(kRouterAddress)};
  steering.publish(steered);
}

bool wait(const Device& device) { return device.fd() < 0 || is_readable(device.fd()); }

Round transfer(Device& from, Device& to, const std::function<void(Packet&)>& change) {
  Batch batch;
  std::array<Packet*, kBatch> packets;
  from.receive(batch);
  for (size_t i = 0; i < batch.count; ++i) packets[i] = &batch.packets[i];
  for (size_t i = 0; change && i < batch.count; ++i) change(batch.packets[i]);
  to.transmit(std::span{packets.data(), batch.count});
  size_t refused = 0;
  for (const Packet& packet : batch) refused += packet.verdict != Verdict::pending;
  from.release(batch);
  from.flush();
  to.flush();
  return {batch.count, refused};
}

std::array<uint8_t, 6> router_mac() {
  if (mode() == "memory") return {2, 0, 0, 0, 0, 1};
  static const auto mac = link_mac("nd-r0");
  return mac;
}

Bytes udp_frame(size_t size, uint32_t seed) {
  Bytes frame(size);
  for (size_t i = 0; i < size; ++i) frame[i] = static_cast<uint8_t>(i * 7 + seed * 13 + (seed >> 8));
  const auto mac = router_mac();
  const uint8_t head[14] = {mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], 2, 0, 0, 0, 0, 9, 8, 0};
  std::memcpy(frame.data(), head, sizeof head);
  iphdr ip{};
  ip.version = 4;
  ip.ihl = 5;
  ip.ttl = 64;
  ip.protocol = IPPROTO_UDP;
  ip.tot_len = htons(static_cast<uint16_t>(size - sizeof head));
  ::inet_pton(AF_INET, kClientAddress, &ip.saddr);
  ::inet_pton(AF_INET, kServerAddress, &ip.daddr);
  std::memcpy(frame.data() + 14, &ip, sizeof ip);
  const udphdr udp{{{htons(5000), htons(kPort), htons(static_cast<uint16_t>(size - 34)), 0}}};
  std::memcpy(frame.data() + 34, &udp, sizeof udp);
  std::memcpy(frame.data() + size - sizeof kMark, kMark, sizeof kMark);
  return frame;
}

}  // namespace lab
