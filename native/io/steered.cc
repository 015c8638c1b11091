// Joins port ranges, and refuses more than the steering program goes through.
#include "io/steered.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <system_error>

#include "io/address_text.h"

namespace natlb {

namespace {

std::string protocol_name(uint8_t protocol) {
  if (protocol == IPPROTO_TCP) return "TCP";
  if (protocol == IPPROTO_UDP) return "UDP";
  return protocol == IPPROTO_SCTP ? "SCTP" : "protocol " + std::to_string(protocol);
}

void join(std::vector<PortRange>& ranges) {
  std::ranges::sort(ranges);
  std::vector<PortRange> joined;
  for (const PortRange& range : ranges) {
    if (joined.empty() || range.first > joined.back().second + 1) {
      joined.push_back(range);
    } else {
      joined.back().second = std::max(joined.back().second, range.second);
    }
  }
  ranges.swap(joined);
}

}  // namespace

bool operator<(const AddressAndProtocol& a, const AddressAndProtocol& b) noexcept {
  const int order = std::memcmp(a.address.bytes, b.address.bytes, sizeof a.address.bytes);
  return order != 0 ? order < 0 : a.protocol < b.protocol;
}

PortRanges port_ranges(const std::vector<SteeredRange>& services) {
  PortRanges all;
  for (const SteeredRange& service : services) {
    if (service.first < service.last) all[{service.address, service.protocol}].emplace_back(service.first, service.last);
  }
  for (auto& [where, ranges] : all) {
    join(ranges);
    if (ranges.size() <= kSteeredRanges) continue;
    throw std::system_error(E2BIG, std::generic_category(),
                            "cannot steer " + std::to_string(ranges.size()) + " separate ranges of " + protocol_name(where.protocol) +
                                " ports to " + text(where.address) + ": at most " + std::to_string(kSteeredRanges));
  }
  return all;
}

}  // namespace natlb
