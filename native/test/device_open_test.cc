// Opening devices: which back end and why, what is refused, and what a killed process leaves behind.
#include <bpf/libbpf.h>
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_lab.h"
#include "io/link.h"

using namespace natlb;

namespace {

bool is_memory() { return lab::mode() == "memory"; }

uint32_t xdp_program_on(const char* interface) {
  uint32_t id = 0;
  bpf_xdp_query_id(static_cast<int>(link_index(interface)), 0, &id);
  return id;
}

// Another process with the devices open, which returns when they are.
pid_t start_router() {
  int ready[2];
  check(::pipe(ready), "make a pipe");
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const Opened opened = lab::open_lab();
    check(static_cast<int>(::write(ready[1], "!", 1)), "tell the parent");
    for (;;) ::pause();
  }
  char byte;
  ::close(ready[1]);
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::close(ready[0]);
  return child;
}

void end(pid_t process) {
  ::kill(process, SIGKILL);
  ::waitpid(process, nullptr, 0);
}

}  // namespace

TEST_CASE("a killed process leaves no XDP program behind") {
  if (!lab::is_af_xdp()) return;
  const pid_t child = start_router();
  CHECK(xdp_program_on("nd-r0") != 0);
  CHECK(xdp_program_on("nd-r1") != 0);
  end(child);
  CHECK(xdp_program_on("nd-r0") == 0);
  CHECK(xdp_program_on("nd-r1") == 0);
}

TEST_CASE("a killed process's successor gets the interfaces at once") {
  if (is_memory()) return;
  for (int round = 0; round < 10; ++round) {
    end(start_router());
    const Opened opened = open_devices({"nd-r0", "nd-r1"}, "auto");
    INFO(opened.reason);
    CHECK(opened.backend == (lab::mode() == "native" || lab::mode() == "af_packet" ? "af_xdp" : "af_packet"));
  }
}

TEST_CASE("auto takes AF_XDP where the driver takes it, else AF_PACKET, and says why") {
  if (is_memory()) return;
  const Opened opened = open_devices({"nd-r0", "nd-r1"}, "auto");
  INFO(opened.reason);
  CHECK(opened.backend == (lab::mode() == "generic" ? "af_packet" : "af_xdp"));
  CHECK(opened.reason.find(lab::mode() == "generic" ? "nd-r0 refuses native XDP" : "native XDP") != std::string::npos);
  CHECK(opened.devices.size() == 2);
}

TEST_CASE("every receive queue is a device of its own") {
  if (lab::mode() != "native") return;
  lab::run("", "ip link add nd-q0 numtxqueues 3 numrxqueues 3 type veth peer name nd-q1 numtxqueues 3 numrxqueues 3");
  lab::run("", "ethtool -L nd-q0 rx 3 tx 3 && ethtool -L nd-q1 rx 3 tx 3 && ip link set nd-q0 up && ip link set nd-q1 up");
  {
    const Opened opened = open_devices({"nd-q0", "nd-q1"}, "auto");
    REQUIRE(opened.devices.size() == 6);
    for (uint32_t i = 0; i < 6; ++i) {
      CHECK(opened.devices[i]->interface() == (i < 3 ? "nd-q0" : "nd-q1"));
      CHECK(opened.devices[i]->queue() == i % 3);
    }
  }
  lab::run("", "ip link delete nd-q0");
}

TEST_CASE("AF_XDP runs in the mode the lab is made for") {
  if (!lab::is_af_xdp()) return;
  const Opened opened = lab::open_lab();
  CHECK(opened.reason.find(lab::mode() + " XDP") == 0);
}

TEST_CASE("what cannot be opened is named") {
  if (is_memory()) return;
  CHECK_THROWS_WITH_AS(open_devices({"nd-r0", "nd-none"}, "auto"), "cannot use interface \"nd-none\": No such device", std::system_error);
  CHECK_THROWS_AS(open_devices({"an-interface-name-too-long"}, "af_packet"), std::system_error);
  CHECK_THROWS_AS(open_devices({"nd-r0"}, "dpdk"), std::invalid_argument);
  CHECK(xdp_program_on("nd-r0") == 0);
}

TEST_CASE("frames too long for AF_XDP send auto to AF_PACKET") {
  if (is_memory()) return;
  lab::run("", "ip link set nd-r0 mtu 9000");
  const Opened opened = open_devices({"nd-r0", "nd-r1"}, "auto");
  INFO(opened.reason);
  CHECK(opened.backend == "af_packet");
  CHECK(opened.reason.find("its MTU of 9000") != std::string::npos);
  lab::run("", "ip link set nd-r0 mtu 1500");
}

TEST_CASE("frames too long for AF_XDP are an error where AF_XDP is asked for") {
  if (is_memory()) return;
  lab::run("", "ip link set nd-r1 mtu 3819");
  CHECK_THROWS_WITH_AS(open_devices({"nd-r0", "nd-r1"}, "af_xdp"),
                       doctest::Contains("cannot use AF_XDP on nd-r1: its MTU of 3819 is above 3818"), std::system_error);
  CHECK(xdp_program_on("nd-r0") == 0);
  lab::run("", "ip link set nd-r1 mtu 1500");
}

namespace {

// The wires take `mtu` for as long as this lives; those of the router first, as far as its driver lets it.
struct Mtu {
  explicit Mtu(int mtu) { set(std::to_string(mtu)); }
  ~Mtu() { set("1500"); }

  static void set(const std::string& mtu) {
    lab::run("nd-client", "ip link set nd-c0 mtu " + mtu);
    lab::run("nd-server", "ip link set nd-s0 mtu " + mtu);
    lab::run("", "ip link set nd-r0 mtu " + mtu + " && ip link set nd-r1 mtu " + mtu);
  }
};

}  // namespace

TEST_CASE("AF_PACKET carries jumbo frames, also when the MTU grew while it was open") {
  if (lab::mode() != "af_packet") return;
  for (const bool late : {false, true}) {
    std::unique_ptr<Mtu> mtu;
    if (!late) mtu = std::make_unique<Mtu>(9000);
    const auto scene = lab::make_scene();
    if (late) mtu = std::make_unique<Mtu>(9000);
    for (const size_t size : {size_t{1515}, size_t{3000}, size_t{9014}}) {
      const lab::Bytes frame = lab::udp_frame(size);
      scene->send(frame);
      while (lab::wait(scene->in()) && lab::transfer(scene->in(), scene->out()).received == 0) {
      }
      CHECK(scene->collect(1) == std::vector<lab::Bytes>{frame});
    }
    CHECK(scene->missing_buffers(true) == "");
  }
}

TEST_CASE("an MTU that grows beyond AF_XDP's frames is refused by the driver, or what does not fit is counted") {
  if (!lab::is_af_xdp()) return;
  const auto scene = lab::make_scene();
  if (lab::mode() == "native") {
    CHECK_FALSE(lab::succeeds("nd-client", "ip link set nd-c0 mtu 9000"));
    return;
  }
  const Mtu mtu{9000};
  scene->send(lab::udp_frame(9014));
  const lab::Bytes fits = lab::udp_frame(1514);
  scene->send(fits);
  while (lab::wait(scene->in()) && lab::transfer(scene->in(), scene->out()).received == 0) {
  }
  CHECK(scene->collect(1) == std::vector<lab::Bytes>{fits});
  CHECK(scene->in().counters().receive_lost == 1);
}
