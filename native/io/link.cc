// The few facts about a network interface that opening a device needs, asked by ioctl: sysfs may show another network namespace.
#include "io/link.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "io/owned.h"

namespace natlb {
namespace {

ifreq request_for(const std::string& interface) {
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name) {
    throw std::system_error(ENODEV, std::generic_category(), "cannot use interface \"" + interface + "\"");
  }
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  return request;
}

int ask(unsigned long what, ifreq& request) {
  const FileDescriptor socket{check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket to ask about interfaces")};
  return ::ioctl(socket.get(), what, &request);
}

ifreq answer(unsigned long what, const std::string& interface) {
  ifreq request = request_for(interface);
  check(ask(what, request), "use interface \"" + interface + "\"");
  return request;
}

}  // namespace

uint32_t link_index(const std::string& interface) { return static_cast<uint32_t>(answer(SIOCGIFINDEX, interface).ifr_ifindex); }

uint32_t link_mtu(const std::string& interface) { return static_cast<uint32_t>(answer(SIOCGIFMTU, interface).ifr_mtu); }

std::array<uint8_t, 6> link_mac(const std::string& interface) {
  const ifreq request = answer(SIOCGIFHWADDR, interface);
  std::array<uint8_t, 6> mac;
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

uint32_t link_queues(const std::string& interface) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  ifreq request = request_for(interface);
  request.ifr_data = reinterpret_cast<char*>(&channels);
  if (ask(SIOCETHTOOL, request) < 0) return 1;
  return std::max(1U, channels.rx_count + channels.combined_count);
}

bool link_hides_tags(const std::string& interface) {
  ethtool_value flags{};
  flags.cmd = ETHTOOL_GFLAGS;
  ifreq request = request_for(interface);
  request.ifr_data = reinterpret_cast<char*>(&flags);
  return ask(SIOCETHTOOL, request) == 0 && (flags.data & ETH_FLAG_RXVLAN) != 0;
}

}  // namespace natlb
