// Flows that only the live filter tells: they reach the device and never the kernel's own stack, even when the process that had them was
// killed; and a server's own connections stay the kernel's.
#include <doctest/doctest.h>
#include <netinet/ip.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstring>

#include "core/checksum.h"
#include "device_frames.h"
#include "io/link.h"

using namespace natlb;
using namespace lab;

namespace {

constexpr char kVirtual[] = "203.0.113.10", kVirtual6[] = "2001:db8::10", kClient6[] = "2001:db8:1::1";
constexpr uint16_t kLive = 40001, kOwn = 40002, kLast = 40003, kClientPort = 5000;

LiveKey key(const char* remote, const char* local, uint16_t port, uint8_t protocol = kUdp) {
  return {address(remote), {address(local), to_wire(port)}, protocol};
}

// All ports of the virtual addresses; the server answers from any of its own.
Steered all_ports() {
  Steered steered{.interfaces = {interface("nd-r0"), interface("nd-r1")}, .asks_live_flows = true};
  for (const uint8_t protocol : {kTcp, kUdp}) {
    steered.services.push_back(ports(kVirtual, 0, 65535, protocol));
    steered.services.push_back(ports(kVirtual6, 1, 1, protocol));
    steered.destinations.push_back(endpoint(kServerAddress, 0, protocol));
    steered.destinations.push_back(endpoint(kServerAddress6, 0, protocol));
  }
  steered.locals = {address(kVirtual), address(kVirtual6), address(kRouterAddress)};
  return steered;
}

bool has_guard(const std::string& nic) { return succeeds("", "tc filter show dev " + nic + " ingress | grep -q steer_guard"); }
bool has_clsact(const std::string& nic) { return succeeds("", "tc qdisc show dev " + nic + " | grep -q clsact"); }

// From the server's interface to the router's, as a kernel would forward it.
Bytes from_server(uint16_t port, const char* to = kClientAddress) {
  Bytes frame = frame4(ip4(kServerAddress, to, kUdp, l4(port, kClientPort) + Bytes{'n', 't', 'l', 'b'}));
  std::ranges::copy(link_mac("nd-r1"), frame.begin());
  store16(&frame[14 + 20 + 4], to_wire(24));
  store16(&frame[14 + ipv4::kChecksum], static_cast<uint16_t>(~fold(sum_bytes(&frame[14], 20))));
  return frame;
}

uint16_t source_port(const Bytes& frame) { return host16(&frame[34]); }

// The router's kernel forwards for as long as this lives.
struct Forwarding {
  Forwarding() { run("", "sysctl -qw net.ipv4.ip_forward=1"); }
  ~Forwarding() { run("", "sysctl -qw net.ipv4.ip_forward=0"); }
};

// What of these the kernel brings to the client. One more goes behind them, so that nobody waits for what does not come.
std::vector<uint16_t> forwarded(const Host& server, const Host& client, const std::vector<uint16_t>& from) {
  for (const uint16_t port : from) server.send(from_server(port));
  server.send(from_server(kLast));
  for (std::vector<uint16_t> arrived;;) {
    const std::vector<Bytes> frames = client.collect(1);
    REQUIRE(frames.size() == 1);
    if (source_port(frames[0]) == kLast) return arrived;
    arrived.push_back(source_port(frames[0]));
  }
}

// A process with a live flow of the server's port, which returns when it is steered.
pid_t start_with_live_flow() {
  int ready[2];
  check(::pipe(ready), "make a pipe");
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const Opened opened = open_lab();
    opened.steering->live_flows().add(key(kClientAddress, kServerAddress, kLive));
    opened.steering->publish(all_ports());
    check(static_cast<int>(::write(ready[1], "!", 1)), "tell the parent");
    for (;;) ::pause();
  }
  char byte;
  ::close(ready[1]);
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::close(ready[0]);
  return child;
}

// A connection of the server's own to a host beyond the router.
bool connects_out() {
  FileDescriptor listener, client;
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = to_wire(9000);
  there.sin_addr.s_addr = load32(address(kClientAddress).wire());
  inside("nd-client", [&] {
    listener = FileDescriptor{check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a socket")};
    const int one = 1;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    check(::bind(listener.get(), reinterpret_cast<sockaddr*>(&there), sizeof there), "bind");
    check(::listen(listener.get(), 1), "listen");
  });
  inside("nd-server", [&] { client = FileDescriptor{check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a socket")}; });
  const timeval patience{2, 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return ::connect(client.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) == 0;
}

// Does the device have the frame? A second one that is ours for certain arrives behind it.
bool is_ours(Scene& scene, const Bytes& frame) {
  const Bytes last = frame4(ip4(kClientAddress, kVirtual, kUdp, l4(9, 9) + Bytes(30, 7)));
  scene.send(frame);
  scene.send(last);
  for (size_t count = 0;;) {
    REQUIRE(lab::wait(scene.in()));
    Batch batch;
    count += scene.in().receive(batch);
    bool done = false;
    for (const Packet& packet : batch) done = done || packet.length == last.size();
    scene.in().release(batch);
    scene.in().flush();
    if (done) return count == 2;
  }
}

}  // namespace

TEST_CASE("an answer from any port is ours while its flow lives") {
  if (mode() == "memory") return;
  const auto scene = make_scene();
  LiveFilter live = scene->steering().live_flows();
  scene->steering().publish(all_ports());
  const Bytes answer = frame4(ip4(kServerAddress, kClientAddress, kUdp, l4(kLive, kClientPort)));
  CHECK_FALSE(is_ours(*scene, answer));
  live.add(key(kClientAddress, kServerAddress, kLive));
  CHECK(is_ours(*scene, answer));
  CHECK(is_ours(*scene, frame4(ip4(kServerAddress, kClientAddress, kUdp, l4(kLive, 77)))));  // any port of the client
  CHECK_FALSE(is_ours(*scene, frame4(ip4(kServerAddress, kClientAddress, kUdp, l4(kOwn, kClientPort)))));
  CHECK_FALSE(is_ours(*scene, frame4(ip4(kServerAddress, kClientAddress, kTcp, l4(kLive, kClientPort)))));
  CHECK_FALSE(is_ours(*scene, frame4(ip4(kServerAddress, "192.0.2.77", kUdp, l4(kLive, kClientPort)))));
  const Bytes lost = ip4(kClientAddress, kServerAddress, kUdp, l4(kClientPort, kLive));
  CHECK(is_ours(*scene, frame4(ip4(kServerAddress, kClientAddress, IPPROTO_ICMP, icmp_message(3, lost)))));
  live.remove(key(kClientAddress, kServerAddress, kLive));
  CHECK_FALSE(is_ours(*scene, answer));
}

TEST_CASE("what goes to the router itself is the kernel's, whatever the filter says") {
  if (mode() == "memory") return;
  const auto scene = make_scene();
  LiveFilter live = scene->steering().live_flows();
  scene->steering().publish(all_ports());
  live.add(key(kRouterAddress, kServerAddress, kLive));
  CHECK_FALSE(is_ours(*scene, frame4(ip4(kServerAddress, kRouterAddress, kUdp, l4(kLive, kClientPort)))));
}

TEST_CASE("a client is ours on a port that no service has, while a flow is expected there") {
  if (mode() == "memory") return;
  const auto scene = make_scene();
  LiveFilter live = scene->steering().live_flows();
  scene->steering().publish(all_ports());
  const Bytes data = frame6(ip6(kClient6, kVirtual6, kTcp, l4(kClientPort, 50'000)));
  CHECK_FALSE(is_ours(*scene, data));
  live.add(key(kClient6, kVirtual6, 50'000, kTcp));
  CHECK(is_ours(*scene, data));
  CHECK_FALSE(is_ours(*scene, frame6(ip6(kClient6, kVirtual6, kTcp, l4(kClientPort, 50'001)))));
  CHECK_FALSE(is_ours(*scene, frame6(ip6("2001:db8:1::2", kVirtual6, kTcp, l4(kClientPort, 50'000)))));
}

TEST_CASE("nobody asks the filter while no service needs it") {
  if (mode() == "memory") return;
  const auto scene = make_scene();
  scene->steering().live_flows().add(key(kClientAddress, kServerAddress, kLive));
  Steered steered = all_ports();
  steered.asks_live_flows = false;
  scene->steering().publish(steered);
  CHECK_FALSE(is_ours(*scene, frame4(ip4(kServerAddress, kClientAddress, kUdp, l4(kLive, kClientPort)))));
  CHECK_FALSE(has_guard("nd-r0"));
  CHECK_FALSE(has_clsact("nd-r1"));
}

TEST_CASE("an answer of a live flow comes to the device and not past it, and the server's own traffic passes") {
  if (mode() == "memory") return;
  const Forwarding forwarding;
  Opened opened = open_lab();
  opened.steering->live_flows().add(key(kClientAddress, kServerAddress, kLive));
  const Host server{"nd-server", "nd-s0"}, client{"nd-client", "nd-c0"};
  opened.steering->publish(all_ports());
  CHECK(forwarded(server, client, {kLive, kOwn, kLive, kOwn}) == std::vector<uint16_t>{kOwn, kOwn});
  size_t received = 0;
  while (received < 2 && lab::wait(*opened.devices.back())) {
    Batch batch;
    received += opened.devices.back()->receive(batch);
    opened.devices.back()->release(batch);
  }
  CHECK(received == 2);
  CHECK(connects_out());
}

TEST_CASE("behind a killed process live flows are still kept from the kernel, and its successor takes over and cleans up") {
  if (mode() == "memory") return;
  const Forwarding forwarding;
  const pid_t process = start_with_live_flow();
  ::kill(process, SIGKILL);
  ::waitpid(process, nullptr, 0);
  const Host server{"nd-server", "nd-s0"}, client{"nd-client", "nd-c0"};
  CHECK(has_guard("nd-r0"));
  CHECK(has_guard("nd-r1"));
  CHECK(forwarded(server, client, {kLive, kOwn}) == std::vector<uint16_t>{kOwn});
  CHECK(connects_out());
  {
    const Opened opened = open_devices({"nd-r0", "nd-r1"}, "af_packet");  // its flows are others
    Steered nothing_yet{.interfaces = {interface("nd-r0"), interface("nd-r1")}, .keeps_guard = true};
    opened.steering->publish(nothing_yet);
    CHECK(forwarded(server, client, {kLive, kOwn}) == std::vector<uint16_t>{kOwn});
    opened.steering->publish(all_ports());
    CHECK(forwarded(server, client, {kLive, kOwn}) == std::vector<uint16_t>{kLive, kOwn});
    CHECK(has_guard("nd-r1"));
    Steered without = all_ports();
    without.asks_live_flows = false;
    opened.steering->publish(without);
    CHECK_FALSE(has_guard("nd-r1"));
    CHECK_FALSE(has_clsact("nd-r1"));
    opened.steering->publish(all_ports());
    CHECK(has_guard("nd-r1"));
  }
  CHECK_FALSE(has_guard("nd-r0"));
  CHECK_FALSE(has_clsact("nd-r0"));
}

TEST_CASE("what others have at tc ingress stays") {
  if (mode() == "memory") return;
  run("", "tc qdisc add dev nd-r0 clsact && tc filter add dev nd-r0 egress prio 7 u32 match u32 0 0");
  {
    const Opened opened = open_lab();
    opened.steering->publish(all_ports());
    CHECK(has_guard("nd-r0"));
  }
  CHECK_FALSE(has_guard("nd-r0"));
  CHECK(succeeds("", "tc filter show dev nd-r0 egress | grep -q u32"));
  run("", "tc filter del dev nd-r0 egress");
  {
    const Opened opened = open_lab();
    opened.steering->publish(all_ports());
  }
  CHECK(has_clsact("nd-r0"));  // empty, but not made by us
  run("", "tc qdisc del dev nd-r0 clsact");
}
