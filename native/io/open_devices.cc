// Chooses the back end and opens a device for each queue of each interface.
#include "io/open_devices.h"

#include <linux/if_ether.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "core/vlan.h"
#include "io/af_packet.h"
#include "io/af_xdp.h"
#include "io/link.h"
#include "io/link_table.h"

namespace natlb {
namespace {

constexpr uint32_t kXdpHeadroom = 256;  // what the kernel keeps before each frame
constexpr uint32_t kLongestXdpFrame = Umem::kFrameSize - kXdpHeadroom;
constexpr uint32_t kTags = 2 * kVlanTag;
constexpr int kTriesWhileBusy = 25;
constexpr std::chrono::milliseconds kPauseWhileBusy{20};

// The interfaces that have the frames: those below VLANs, each once.
struct Root {
  std::string interface;
  bool has_vlans;
};

struct Place {
  uint32_t slot;
  std::string interface;
  uint32_t queue;
};

bool has_vlans(const LinkTable& links, uint32_t root) {
  return std::ranges::any_of(links.by_index(),
                             [&](const auto& link) { return link.second.vlan != 0 && links.carrier(link.first).root == root; });
}

std::vector<Root> roots_of(const std::vector<std::string>& interfaces) {
  Netlink netlink;
  LinkTable links;
  links.reload(netlink);
  std::vector<Root> roots;
  for (const std::string& interface : interfaces) {
    const uint32_t root = links.carrier(link_index(interface)).root;  // names an interface that is missing
    if (root == 0)
      throw std::system_error(EOPNOTSUPP, std::generic_category(),
                              "cannot use interface \"" + interface + "\": more than two VLANs upon each other");
    const std::string& name = links.by_index().at(root).name;
    if (std::ranges::find(roots, name, &Root::interface) == roots.end()) roots.push_back({name, has_vlans(links, root)});
  }
  return roots;
}

std::vector<Place> places_of(const std::vector<Root>& roots) {
  std::vector<Place> places;
  for (uint32_t slot = 0; slot < roots.size(); ++slot) {
    const std::string& interface = roots[slot].interface;
    const uint32_t queues = link_queues(interface);
    for (uint32_t queue = 0; queue < queues; ++queue) places.push_back({slot, interface, queue});
  }
  return places;
}

// Many queues share the load, so each gets a shorter ring: memory stays within some hundred megabytes.
uint32_t ring_for(size_t devices) { return devices <= 8 ? 2048 : devices <= 32 ? 1024 : 512; }

void refuse_jumbo(const std::string& interface) {
  const uint32_t mtu = link_mtu(interface);
  if (mtu + ETH_HLEN + kTags <= kLongestXdpFrame) return;
  throw std::system_error(EMSGSIZE, std::generic_category(),
                          "cannot use AF_XDP on " + interface + ": its MTU of " + std::to_string(mtu) + " is above " +
                              std::to_string(kLongestXdpFrame - ETH_HLEN - kTags));
}

// A NIC that takes tags out of frames shows an XDP program none: all VLANs would be one.
void refuse_lost_tags(const std::string& interface) {
  if (!link_hides_tags(interface)) return;
  throw std::system_error(EOPNOTSUPP, std::generic_category(),
                          "cannot use AF_XDP on " + interface + ", which has VLANs and takes their tags out of frames (ethtool -K " +
                              interface + " rxvlan off would leave them there)");
}

std::vector<std::unique_ptr<AfXdp>> bind_all(const std::vector<Place>& places, XdpCopy copy) {
  const uint32_t ring = ring_for(places.size());
  const auto umem = std::make_shared<Umem>(static_cast<uint32_t>(places.size()) * 2 * ring, ring);
  std::vector<std::unique_ptr<AfXdp>> sockets;
  sockets.reserve(places.size());
  for (const Place& place : places) sockets.push_back(std::make_unique<AfXdp>(umem, place.interface, place.queue, copy));
  return sockets;
}

// The kernel lets go of a dead process's queues a little after the process is gone.
std::vector<std::unique_ptr<AfXdp>> bind_patiently(const std::vector<Place>& places, XdpCopy copy) {
  for (int tries = 1;; ++tries) {
    try {
      return bind_all(places, copy);
    } catch (const std::system_error& error) {
      if (error.code().value() != EBUSY || tries == kTriesWhileBusy) throw;
    }
    std::this_thread::sleep_for(kPauseWhileBusy);
  }
}

// Zero copy for all or for none: sockets that share memory must agree.
std::vector<std::unique_ptr<AfXdp>> bind_best(const std::vector<Place>& places, bool native, std::string& how) {
  std::string why = "it needs native XDP";
  if (native) {
    try {
      auto sockets = bind_patiently(places, XdpCopy::zero_copy);
      how += "zero copy";
      return sockets;
    } catch (const std::system_error& error) {
      why = error.what();
    }
  }
  auto sockets = bind_patiently(places, XdpCopy::copy);
  how += "copy mode (no zero copy: " + why + ")";
  return sockets;
}

// Returns why some interface is not native, or nothing.
std::string attach_all(Steering& steering, const std::vector<Root>& roots) {
  std::string why;
  for (uint32_t slot = 0; slot < roots.size(); ++slot) {
    refuse_jumbo(roots[slot].interface);
    if (roots[slot].has_vlans) refuse_lost_tags(roots[slot].interface);
    const Attachment attachment = steering.attach(slot, roots[slot].interface);
    if (why.empty()) why = attachment.why;
  }
  return why;
}

enum class Generic : uint8_t { allowed, refused };

Opened open_af_xdp(const std::vector<Root>& roots, Generic generic) {
  Opened opened{"af_xdp", "", std::make_unique<Steering>(), {}};
  const std::string not_native = attach_all(*opened.steering, roots);
  if (!not_native.empty() && generic == Generic::refused) throw std::runtime_error(not_native);
  opened.reason = not_native.empty() ? "native XDP, " : "generic XDP (" + not_native + "; switch off GRO and the sender's TSO), ";
  const std::vector<Place> places = places_of(roots);
  auto sockets = bind_best(places, not_native.empty(), opened.reason);
  for (size_t i = 0; i < places.size(); ++i) {
    opened.steering->set_socket(places[i].slot, places[i].queue, sockets[i]->fd());
    opened.devices.push_back(std::move(sockets[i]));
  }
  return opened;
}

Opened open_af_packet(const std::vector<Root>& roots, const std::string& reason) {
  Opened opened{"af_packet", reason, std::make_unique<Steering>(false), {}};
  for (const auto& [interface, has_vlans] : roots) {
    opened.steering->watch(interface);
    opened.devices.push_back(std::make_unique<AfPacket>(interface, opened.steering->packet_filter_fd()));
  }
  return opened;
}

Opened open_best(const std::vector<Root>& roots) {
  try {
    return open_af_xdp(roots, Generic::refused);
  } catch (const std::exception& error) {
    return open_af_packet(roots, std::string{"not AF_XDP: "} + error.what());
  }
}

}  // namespace

Opened open_devices(const std::vector<std::string>& interfaces, const std::string& backend) {
  const std::vector<Root> roots = roots_of(interfaces);
  if (backend == "auto") return open_best(roots);
  if (backend == "af_xdp") return open_af_xdp(roots, Generic::allowed);
  if (backend == "af_packet") return open_af_packet(roots, "asked for");
  throw std::invalid_argument("no such back end: " + backend + " (auto, af_xdp, af_packet)");
}

}  // namespace natlb
