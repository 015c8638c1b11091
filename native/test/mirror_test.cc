// The mirror against the real kernel: two network namespaces that belong to threads of this test, joined by a veth pair, and gone with
// them.
#include "io/mirror.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <latch>
#include <thread>

#include "io/address_text.h"

using namespace natlb;

namespace {

void run(const std::string& command) {
  INFO(command);
  REQUIRE(std::system(command.c_str()) == 0);
}

std::string output(const std::string& command) {
  std::string all;
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  for (char buffer[256]; fgets(buffer, sizeof buffer, pipe) != nullptr;) all += buffer;
  pclose(pipe);
  return all;
}

Address address(const std::string& text) { return parse_address(text).value(); }

// Keeps a namespace of its own for as long as it lives.
class Peer {
 public:
  Peer()
      : thread_{[this] {
          if (unshare(CLONE_NEWNET) == 0) id_ = gettid();
          ready_.count_down();
          leave_.wait();
        }} {
    ready_.wait();
    REQUIRE(id_ > 0);
  }
  ~Peer() {
    leave_.count_down();
    thread_.join();
  }
  [[nodiscard]] std::string id() const { return std::to_string(id_); }
  void run(const std::string& command) const { ::run("nsenter --net=/proc/" + id() + "/ns/net " + command); }

 private:
  std::latch ready_{1}, leave_{1};
  pid_t id_ = 0;
  std::thread thread_;
};

// a0 here, b0 with the peer: 10.1.0.1 and .2, 2001:db8::1 and ::2.
struct Lab {
  Peer peer;
  Lab() {
    run("ip link add a0 type veth peer name b0 netns " + peer.id());
    run("ip link set lo up");
    run("ip addr add 10.1.0.1/24 dev a0 && ip addr add 2001:db8::1/64 dev a0 nodad && ip link set a0 up");
    peer.run("sh -c 'ip addr add 10.1.0.2/24 dev b0 && ip addr add 2001:db8::2/64 dev b0 nodad && ip link set b0 up'");
  }
};

// Runs `test` in a fresh namespace; a thread's namespace cannot be given back, so it gets a thread of its own.
void in_lab(const std::function<void(const Lab&)>& test) {
  if (geteuid() != 0) {
    MESSAGE("skipped: network namespaces need root");
    return;
  }
  std::exception_ptr failure;
  std::thread{[&] {
    try {
      REQUIRE(unshare(CLONE_NEWNET) == 0);
      const Lab lab;
      test(lab);
    } catch (...) {
      failure = std::current_exception();
    }
  }}.join();
  if (failure) std::rethrow_exception(failure);
}

// Handles news until the condition holds; false after five seconds without.
bool eventually(Mirror& mirror, const std::function<bool(const Routes&)>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  for (;;) {
    mirror.drain();
    if (condition(*mirror.routes())) return true;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd news{mirror.fd(), POLLIN, 0};
    poll(&news, 1, static_cast<int>(left));
  }
}

std::string mac_text(const MacAddress& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac.bytes[0], mac.bytes[1], mac.bytes[2], mac.bytes[3], mac.bytes[4],
                mac.bytes[5]);
  return text;
}

bool has_mac(const Routes& routes, const std::string& destination, const std::string& mac) {
  const NextHop hop = routes.find(address(destination));
  return hop.resolved && mac_text(hop.destination) == mac;
}

}  // namespace

TEST_CASE("mirror: an unknown neighbour is resolved when asked for") {
  in_lab([](const Lab& lab) {
    lab.peer.run("ip link set b0 address 02:00:00:00:00:bb");
    run("ip neigh flush dev a0");
    Mirror mirror{{"a0"}};
    CHECK_FALSE(mirror.routes()->find(address("10.1.0.2")).resolved);
    mirror.resolve(0, address("10.1.0.2"));
    mirror.resolve(0, address("2001:db8::2"));
    CHECK(eventually(mirror, [](const Routes& routes) { return has_mac(routes, "10.1.0.2", "02:00:00:00:00:bb"); }));
    CHECK(eventually(mirror, [](const Routes& routes) { return has_mac(routes, "2001:db8::2", "02:00:00:00:00:bb"); }));
    CHECK_FALSE(mirror.routes()->find(address("10.1.0.3")).resolved);
  });
}

TEST_CASE("mirror: watched addresses and gateways are resolved by themselves") {
  in_lab([](const Lab& lab) {
    lab.peer.run("ip addr add 10.1.0.7/24 dev b0");
    lab.peer.run("ip link set b0 address 02:00:00:00:00:bb");
    run("ip route add default via 10.1.0.2 && ip neigh flush dev a0");
    Mirror mirror{{"a0"}};
    mirror.watch({address("10.1.0.7"), address("198.51.100.1")});
    CHECK(eventually(mirror, [](const Routes& routes) { return has_mac(routes, "10.1.0.7", "02:00:00:00:00:bb"); }));
    CHECK(eventually(mirror, [](const Routes& routes) { return has_mac(routes, "198.51.100.1", "02:00:00:00:00:bb"); }));
    CHECK(mirror.routes()->gateways().size() == 1);
  });
}

TEST_CASE("mirror: a tick confirms what grew stale, and follows a new MAC") {
  in_lab([](const Lab& lab) {
    lab.peer.run("ip link set b0 address 02:00:00:00:00:bb");
    run("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:01 dev a0 nud stale");
    run("cd /proc/sys/net/ipv4/neigh/a0 && echo 0 > delay_first_probe_time && echo 1 > ucast_solicit && echo 50 > retrans_time_ms");
    Mirror mirror{{"a0"}};
    CHECK(has_mac(*mirror.routes(), "10.1.0.2", "02:00:00:00:00:01"));
    mirror.watch({address("10.1.0.2")});
    mirror.tick(10'000);
    CHECK(eventually(mirror, [](const Routes& routes) { return !has_mac(routes, "10.1.0.2", "02:00:00:00:00:01"); }));
    mirror.tick(20'000);
    CHECK(eventually(mirror, [](const Routes& routes) { return has_mac(routes, "10.1.0.2", "02:00:00:00:00:bb"); }));
  });
}

TEST_CASE("mirror: a permanent neighbour stays permanent") {
  in_lab([](const Lab&) {
    run("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:01 dev a0 nud permanent");
    Mirror mirror{{"a0"}};
    run("ip neigh replace 10.1.0.3 lladdr 02:00:00:00:00:02 dev a0 nud permanent");  // not heard of yet
    mirror.watch({address("10.1.0.2"), address("10.1.0.3")});
    mirror.tick(10'000);
    CHECK(output("ip neigh show 10.1.0.2").find("PERMANENT") != std::string::npos);
    CHECK(output("ip neigh show 10.1.0.3").find("PERMANENT") != std::string::npos);
    CHECK(eventually(mirror, [](const Routes& routes) { return has_mac(routes, "10.1.0.3", "02:00:00:00:00:02"); }));
  });
}

TEST_CASE("mirror: routes are those the kernel would use") {
  in_lab([](const Lab&) {
    run("ip link add d0 type veth peer name d1 && ip addr add 10.2.0.1/24 dev d0 && ip link set d0 up && ip link set d1 up");
    Mirror mirror{{"a0"}};
    run("ip route add default via 10.1.0.2 metric 200 && ip route add default via 10.1.0.3 metric 100");
    run("ip route add blackhole 10.9.0.0/16 && ip route add unreachable 10.8.0.0/16");
    run("ip route add 10.7.0.0/16 nexthop via 10.1.0.4 nexthop via 10.1.0.5");
    run("ip route add 10.6.0.0/16 via 10.1.0.6 mtu 1400");
    run("ip route add 10.5.0.0/16 via inet6 2001:db8::2 dev a0");
    run("ip route add 10.4.0.0/16 via 10.1.0.2 table 77");
    run("ip -6 route add 2001:db8:1::/48 via 2001:db8::2");
    CHECK(
        eventually(mirror, [](const Routes& routes) { return routes.find(address("2001:db8:1::1")).neighbour == address("2001:db8::2"); }));
    const auto routes = mirror.routes();
    CHECK(routes->find(address("8.8.8.8")).neighbour == address("10.1.0.3"));
    CHECK(routes->find(address("10.9.1.1")).interface == kNoInterface);
    CHECK(routes->find(address("10.8.1.1")).interface == kNoInterface);
    CHECK(routes->find(address("10.7.1.1")).neighbour == address("10.1.0.4"));
    CHECK(routes->find(address("10.6.1.1")).mtu == 1400);
    CHECK(routes->find(address("10.5.1.1")).neighbour == address("2001:db8::2"));
    CHECK(routes->find(address("10.4.1.1")).neighbour == address("10.1.0.3"));
    CHECK(routes->find(address("10.1.0.1")).interface == kNoInterface);  // the host itself
    CHECK(routes->find(address("10.1.0.255")).interface == kNoInterface);
    CHECK(routes->find(address("127.1.2.3")).interface == kNoInterface);
    const NextHop other = routes->find(address("10.2.0.9"));
    REQUIRE(other.interface < routes->interfaces().size());
    CHECK(other.interface > 0);
    CHECK(routes->is_local(address("10.2.0.1")));
    CHECK(routes->is_local(address("127.0.0.1")));
    CHECK_FALSE(routes->is_local(address("10.1.0.2")));
  });
}

TEST_CASE("mirror: an address that comes and goes is seen") {
  in_lab([](const Lab&) {
    Mirror mirror{{"a0"}};
    run("ip addr add 10.1.0.10/32 dev a0");
    CHECK(eventually(mirror, [](const Routes& routes) { return routes.is_local(address("10.1.0.10")); }));
    run("ip addr del 10.1.0.10/32 dev a0");
    CHECK(eventually(mirror, [](const Routes& routes) { return !routes.is_local(address("10.1.0.10")); }));
  });
}

TEST_CASE("mirror: a link that goes down takes its routes along, and keeps its place") {
  in_lab([](const Lab& lab) {
    Mirror mirror{{"later0", "a0"}};
    CHECK(mirror.routes()->find(address("10.1.0.2")).interface == 1);
    CHECK_FALSE(mirror.routes()->interfaces()[0].up);
    lab.peer.run("ip link set b0 down");
    CHECK(eventually(mirror, [](const Routes& routes) { return !routes.interfaces()[1].up; }));
    run("ip link set a0 down");
    CHECK(eventually(mirror, [](const Routes& routes) { return routes.find(address("10.1.0.2")).interface == kNoInterface; }));
    run("ip link add later0 type veth peer name later1 && ip link set later1 up && ip addr add 10.3.0.1/24 dev later0 && ip link set "
        "later0 up");
    CHECK(eventually(mirror, [](const Routes& routes) { return routes.find(address("10.3.0.2")).interface == 0; }));
  });
}

TEST_CASE("mirror: news of no consequence is no change") {
  in_lab([](const Lab&) {
    run("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:01 dev a0 nud reachable");
    Mirror mirror{{"a0"}};
    mirror.drain();
    run("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:01 dev a0 nud stale");
    CHECK_FALSE(mirror.drain());
    run("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:02 dev a0 nud stale");
    CHECK(mirror.drain());
  });
}

TEST_CASE("mirror: more news than the kernel can keep is made up for") {
  in_lab([](const Lab&) {
    Mirror mirror{{"a0"}};
    char name[] = "/tmp/natlb-neighbours-XXXXXX";
    close(mkstemp(name));
    std::ofstream batch{name};
    for (int i = 0; i < 60000; ++i)
      batch << "neigh replace 10.1." << i / 250 << "." << i % 250 << " lladdr 02:00:00:00:00:01 dev a0 nud permanent\n";
    batch.close();
    run(std::string{"ip -batch "} + name);
    std::remove(name);
    CHECK(mirror.drain());
    run("ip route add 10.1.0.0/16 dev a0");
    CHECK(eventually(mirror, [](const Routes& routes) { return has_mac(routes, "10.1.239.249", "02:00:00:00:00:01"); }));
    CHECK(has_mac(*mirror.routes(), "10.1.0.0", "02:00:00:00:00:01"));
  });
}
