// Devices between real hosts: local TCP stacks with their offloads, interfaces that go down, a kernel that keeps what is its own.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <doctest/doctest.h>
#include <linux/bpf.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "device_lab.h"
#include "io/af_packet.h"
#include "io/link.h"
#include "io/memory.h"

using namespace natlb;
using lab::Bytes;

namespace {

constexpr size_t kDownload = 16 << 20;

bool is_memory() { return lab::mode() == "memory"; }

uint8_t byte_at(size_t position) { return static_cast<uint8_t>(position * 31 + (position >> 12)); }

sockaddr_in6 server_address(bool v4) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(lab::kPort);
  const std::string text = v4 ? std::string{"::ffff:"} + lab::kServerAddress : lab::kServerAddress6;
  ::inet_pton(AF_INET6, text.c_str(), &address.sin6_addr);
  return address;
}

FileDescriptor tcp_socket(const std::string& name) {
  FileDescriptor socket;
  lab::inside(name, [&] { socket = FileDescriptor{check(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a TCP socket")}; });
  const timeval patience{5, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int one = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  return socket;
}

void serve_one(const FileDescriptor& listener) {
  const FileDescriptor connection{::accept(listener.get(), nullptr, nullptr)};
  Bytes content(kDownload);
  for (size_t i = 0; i < content.size(); ++i) content[i] = byte_at(i);
  for (size_t sent = 0; sent < content.size();) {
    const ssize_t count = ::send(connection.get(), content.data() + sent, content.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += count;
  }
}

// How many bytes came intact.
size_t download(const FileDescriptor& socket, bool v4) {
  const sockaddr_in6 address = server_address(v4);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return 0;
  Bytes part(1 << 16);
  size_t received = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  for (ssize_t count; std::chrono::steady_clock::now() < deadline && (count = ::recv(socket.get(), part.data(), part.size(), 0)) > 0;
       received += count) {
    for (ssize_t i = 0; i < count; ++i) {
      if (part[i] != byte_at(received + i)) return received + i;
    }
  }
  return received;
}

struct Seen {
  size_t partial = 0, unknown = 0, super = 0, largest = 0, refused = 0;
  uint8_t gso_type = 0;
};

using Mac = std::array<uint8_t, 6>;

// A router without addresses: it only gives each frame the MACs of the next wire.
class Forwarder {
 public:
  explicit Forwarder(lab::Scene& scene) : scene_{scene} {
    lab::inside("nd-client", [&] { client_ = link_mac("nd-c0"); });
    lab::inside("nd-server", [&] { server_ = link_mac("nd-s0"); });
  }
  void run_while(const std::atomic<bool>& busy) {
    while (busy) {
      pollfd waiting[2] = {{scene_.in().fd(), POLLIN, 0}, {scene_.out().fd(), POLLIN, 0}};
      ::poll(waiting, 2, 10);
      forward(scene_.in(), scene_.out(), server_, right_);
      forward(scene_.out(), scene_.in(), client_, left_);
    }
  }
  [[nodiscard]] const Seen& seen() const { return seen_; }

 private:
  void forward(Device& from, Device& to, const Mac& destination, const Mac& source) {
    seen_.refused += lab::transfer(from, to, [&](Packet& packet) {
                       std::memcpy(packet.frame, destination.data(), 6);
                       std::memcpy(packet.frame + 6, source.data(), 6);
                       look(packet);
                     }).refused;
  }
  void look(const Packet& packet) {
    seen_.partial += packet.offload.checksum == Checksum::partial;
    seen_.unknown += packet.offload.checksum == Checksum::unknown;
    seen_.super += packet.offload.gso_type != 0;
    if (packet.offload.gso_type != 0) seen_.gso_type = packet.offload.gso_type;
    seen_.largest = std::max<size_t>(seen_.largest, packet.length);
  }

  lab::Scene& scene_;
  Mac client_{}, server_{}, left_ = link_mac("nd-r0"), right_ = link_mac("nd-r1");
  Seen seen_;
};

// A whole download through the devices; returns how many bytes came intact.
size_t download_through(lab::Scene& scene, bool v4, Seen& seen) {
  const FileDescriptor listener = tcp_socket("nd-server");
  const sockaddr_in6 address = server_address(v4);
  check(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind the server");
  check(::listen(listener.get(), 1), "listen");
  const FileDescriptor client = tcp_socket("nd-client");
  std::atomic<bool> busy = true;
  size_t received = 0;
  std::thread server{[&] { serve_one(listener); }};
  std::thread user{[&] {
    received = download(client, v4);
    ::shutdown(client.get(), SHUT_RDWR);
    busy = false;
  }};
  Forwarder forwarder{scene};
  forwarder.run_while(busy);
  user.join();
  server.join();
  seen = forwarder.seen();
  return received;
}

void set_offloads(const char* state) {
  for (const auto& [host, interface] : {std::pair{"nd-client", "nd-c0"}, std::pair{"nd-server", "nd-s0"}}) {
    for (const char* feature : {"gso", "tso", "tx"}) {
      lab::run(host, std::string{"ethtool -K "} + interface + " " + feature + " " + state + " || true");
    }
  }
}

// Sends ten batches and counts what was refused.
size_t send_some(lab::Scene& scene) {
  size_t refused = 0;
  for (uint32_t round = 0; round < 10; ++round) {
    for (uint32_t i = 0; i < 20; ++i) scene.send(lab::udp_frame(100, i));
    for (size_t received = 0; received < 20 && lab::wait(scene.in());) {
      const lab::Round done = lab::transfer(scene.in(), scene.out());
      received += done.received;
      refused += done.refused;
    }
    REQUIRE(scene.missing_buffers(false) == "");
  }
  return refused;
}

void drain(lab::Scene& scene) {
  while (!scene.collect(1).empty()) {
  }
}

void check_recovered(lab::Scene& scene) {
  for (int i = 0; i < 100; ++i) lab::transfer(scene.in(), scene.out());
  drain(scene);
  const Bytes frame = lab::udp_frame(500);
  scene.send(frame);
  REQUIRE(lab::wait(scene.in()));
  CHECK(lab::transfer(scene.in(), scene.out()).refused == 0);
  CHECK(scene.collect(1) == std::vector<Bytes>{frame});
  CHECK(scene.missing_buffers(true) == "");
}

}  // namespace

TEST_CASE("a download passes as local TCP stacks send it") {
  if (is_memory()) return;
  const auto scene = lab::make_scene();
  // AF_XDP cannot carry partial checksums on; completing them is the business of the pipeline, not of a device.
  if (lab::is_af_xdp()) set_offloads("off");
  for (const bool v4 : {true, false}) {
    Seen seen;
    CHECK(download_through(*scene, v4, seen) == kDownload);
    CHECK(seen.refused == 0);
    if (lab::is_af_xdp()) {
      CHECK(seen.unknown > kDownload / 1500);
      CHECK(seen.super == 0);
    } else {
      CHECK(seen.partial > 0);
      CHECK(seen.super > 0);
      CHECK(seen.largest > 1514);
      CHECK((seen.gso_type & 0x7f) == (v4 ? 1 : 4));  // VIRTIO_NET_HDR_GSO_TCPV4, TCPV6
    }
    CHECK(scene->missing_buffers(false) == "");
  }
  set_offloads("on");
}

TEST_CASE("a download passes with the hosts' offloads off") {
  if (is_memory()) return;
  set_offloads("off");
  const auto scene = lab::make_scene();
  Seen seen;
  CHECK(download_through(*scene, true, seen) == kDownload);
  CHECK(seen.partial == 0);
  CHECK(seen.super == 0);
  set_offloads("on");
}

TEST_CASE("the kernel still answers ping and ARP on the same interface") {
  if (is_memory()) return;
  const auto scene = lab::make_scene();
  lab::run("nd-client", "ip neigh flush all");
  CHECK(lab::succeeds("nd-client", std::string{"ping -c 3 -i 0.01 -W 1 "} + lab::kRouterAddress));
  CHECK(lab::succeeds("nd-client", "ping -c 3 -i 0.01 -W 1 fd00:1::9"));
  CHECK(scene->in().counters().received == 0);
}

TEST_CASE("an interface that is down refuses packets, keeps no buffer and comes back") {
  if (is_memory()) return;
  const auto scene = lab::make_scene();
  lab::run("", "ip link set nd-r1 down");
  const size_t refused = send_some(*scene);
  CHECK(refused >= 180);  // AF_XDP learns of it with the first batch's kick
  CHECK(scene->out().counters().transmit_error >= 180);
  lab::run("", "ip link set nd-r1 up");
  check_recovered(*scene);
}

TEST_CASE("an interface whose cable is cut keeps no buffer and comes back") {
  if (is_memory()) return;
  const auto scene = lab::make_scene();
  lab::run("nd-server", "ip link set nd-s0 down");
  send_some(*scene);
  const DeviceCounters counters = scene->out().counters();
  CHECK(counters.transmit_error + counters.transmit_full > 0);
  lab::run("nd-server", "ip link set nd-s0 up");
  check_recovered(*scene);
}

TEST_CASE("the receiving interface may go down and come back") {
  if (is_memory()) return;
  const auto scene = lab::make_scene();
  lab::run("", "ip link set nd-r0 down");
  for (int i = 0; i < 1000; ++i) lab::transfer(scene->in(), scene->out());
  lab::run("", "ip link set nd-r0 up");
  pollfd waiting{scene->in().fd(), POLLIN, 0};
  for (int i = 0; i < 1000; ++i) lab::transfer(scene->in(), scene->out());
  CHECK(::poll(&waiting, 1, 50) == 0);  // no error is left that would keep a worker from sleeping
  check_recovered(*scene);
}

TEST_CASE("a transmit ring that is full says so, and every frame is found again") {
  const auto scene = lab::make_scene();
  if (is_memory()) dynamic_cast<Memory&>(scene->out()).set_transmit_room(100);
  // Nothing is flushed on the way out, so AF_XDP's ring fills; AF_PACKET has no ring and sends at once.
  size_t refused = 0;
  for (uint32_t round = 0; round < 100; ++round) {
    for (uint32_t i = 0; i < 50; ++i) scene->send(lab::udp_frame(100, i));
    for (size_t received = 0; received < 50 && lab::wait(scene->in());) {
      Batch batch;
      std::array<Packet*, kBatch> packets;
      received += scene->in().receive(batch);
      for (size_t i = 0; i < batch.count; ++i) packets[i] = &batch.packets[i];
      scene->out().transmit(std::span{packets.data(), batch.count});
      for (const Packet& packet : batch) refused += packet.verdict == Verdict::transmit_full;
      scene->in().release(batch);
      scene->in().flush();
    }
    REQUIRE(scene->missing_buffers(false) == "");
  }
  if (is_memory()) CHECK(refused == 4900);
  CHECK(scene->out().counters().transmit_full == refused);
  scene->out().flush();
  scene->in().flush();
  CHECK(scene->missing_buffers(true) == "");
}

TEST_CASE("AF_PACKET puts a VLAN tag back that the kernel took out") {
  if (lab::mode() != "af_packet") return;
  const bpf_insn take_all[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = -1},
                               {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const FileDescriptor filter{bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "take_all", "MIT", take_all, 2, nullptr)};
  AfPacket device{"nd-r0", filter.get()};
  const lab::Host client{"nd-client", "nd-c0"};
  Bytes tagged = lab::udp_frame(100);
  const uint8_t tag[4] = {0x81, 0x00, 0x20, 0x05};
  tagged.insert(tagged.begin() + 12, tag, tag + 4);
  client.send(tagged);
  for (bool found = false; !found;) {
    REQUIRE(lab::wait(device));
    Batch batch;
    device.receive(batch);
    for (const Packet& packet : batch) found = found || Bytes(packet.frame, packet.frame + packet.length) == tagged;
    device.release(batch);
  }
  CHECK(device.held() == 0);
}
