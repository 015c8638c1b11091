// Which interface a frame came to, and by which device one leaves.
#include <algorithm>
#include <cstring>

#include "core/snapshot.h"

namespace natlb {

namespace {

bool before(const View::Tagged& a, const View::Tagged& b) noexcept { return a.device != b.device ? a.device < b.device : a.tags < b.tags; }

}  // namespace

void View::connect(std::span<const uint32_t> roots) {
  const std::vector<Interface>& interfaces = routes->interfaces();
  interface_of_device.assign(roots.size(), kNoInterface);
  device_of_interface.assign(interfaces.size(), kNoDevice);
  tagged.clear();
  macvlans.clear();
  for (size_t at = 0; at < roots.size(); ++at) {
    const auto device = static_cast<uint16_t>(at);
    for (uint32_t position = 0; position < interfaces.size(); ++position) {
      const Interface& interface = interfaces[position];
      if (interface.root == 0 || interface.root != roots[at]) continue;
      if (device_of_interface[position] == kNoDevice) device_of_interface[position] = device;
      if (interface.macvlan) {
        macvlans.push_back({device, interface.tags, interface.mac});
      } else if (interface.tags.count() == 0) {
        interface_of_device[device] = position;
      } else {
        tagged.push_back({device, interface.tags, position});
      }
    }
  }
  std::ranges::sort(tagged, before);
}

uint32_t View::interface_tagged(uint16_t device, const VlanTags& tags) const noexcept {
  const Tagged wanted{device, tags, 0};
  const auto at = std::ranges::lower_bound(tagged, wanted, before);
  return at == tagged.end() || before(wanted, *at) ? kNoInterface : at->interface;
}

bool View::is_for_macvlan(uint16_t device, const VlanTags& tags, const uint8_t* mac) const noexcept {
  return std::ranges::any_of(macvlans, [&](const Macvlan& one) {
    return one.device == device && one.tags == tags && std::memcmp(one.mac.bytes, mac, sizeof one.mac.bytes) == 0;
  });
}

}  // namespace natlb
