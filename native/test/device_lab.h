// Hosts at the other end of the wire for the device tests: frames go in and come out through plain sockets in other network namespaces. The
// namespaces are made by run_device_tests: nd-client (nd-c0) – nd-router (nd-r0, nd-r1) – nd-server (nd-s0); the tests run in nd-router.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/device.h"
#include "io/open_devices.h"
#include "io/owned.h"

namespace lab {

using Bytes = std::vector<uint8_t>;

inline constexpr char kClientAddress[] = "192.0.2.1";
inline constexpr char kRouterAddress[] = "192.0.2.9";
inline constexpr char kServerAddress[] =
    "198.51.100.1";  // both the service and the destination: these tests forward, they do not translate
inline constexpr char kServerAddress6[] = "fd00:2::1";
inline constexpr uint16_t kPort = 80;

// What run_device_tests asks for: memory, af_packet, native or generic (AF_XDP).
std::string mode();
inline bool is_af_xdp() { return mode() == "native" || mode() == "generic"; }

// Runs a shell command, which must succeed. `in` names a namespace; empty: this one.
void run(const std::string& in, const std::string& command);
bool succeeds(const std::string& in, const std::string& command);

// Calls `what` in another network namespace.
void inside(const std::string& name, const std::function<void()>& what);

// Another host: a plain packet socket on its end of the wire, which sees only the frames of these tests (they end in a mark).
class Host {
 public:
  Host(const std::string& name, const std::string& interface);
  void send(const Bytes& frame) const;
  // Waits for `count` frames, at most a second for each.
  [[nodiscard]] std::vector<Bytes> collect(size_t count) const;

 private:
  natlb::FileDescriptor socket_;
};

// A wire into `in`, a wire out of `out`, whatever the devices are.
class Scene {
 public:
  virtual ~Scene() = default;
  virtual natlb::Device& in() = 0;
  virtual natlb::Device& out() = 0;
  virtual natlb::Steering& steering() = 0;
  virtual void send(const Bytes& frame) = 0;
  virtual std::vector<Bytes> collect(size_t count) = 0;
  // Empty when every buffer is accounted for and none is with a packet; `settled` also wants nothing left to send.
  virtual std::string missing_buffers(bool settled) = 0;
};

std::unique_ptr<Scene> make_scene();

// The devices of nd-r0 and nd-r1 in the mode asked for, steering published for TCP and UDP to kServerAddress:kPort.
natlb::Opened open_lab();
void publish(natlb::Steering& steering);
natlb::Address address(const std::string& text);
natlb::SteeredRange ports(const std::string& text, uint16_t first, uint16_t last, uint8_t protocol);
natlb::SteeredInterface interface(const std::string& root, const natlb::VlanTags& tags = {});
natlb::SteeredEndpoint endpoint(const std::string& text, uint16_t port, uint8_t protocol);

// Waits until `device` has something, at most a second.
bool wait(const natlb::Device& device);

// One round of a worker: everything `from` has goes to `to`, after `change`. Returns how many came in and appends their verdicts' totals.
struct Round {
  size_t received = 0;
  size_t refused = 0;
};
Round transfer(natlb::Device& from, natlb::Device& to, const std::function<void(natlb::Packet&)>& change = {});

// A UDP frame over IPv4 from the client to the service, `size` bytes long, whose contents depend on `seed`.
Bytes udp_frame(size_t size, uint32_t seed = 0);
std::array<uint8_t, 6> router_mac();

}  // namespace lab
