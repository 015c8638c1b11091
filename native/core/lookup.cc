// lookup: the leg of each packet. With what parse has asked for three passes, so that the cache misses of a whole batch overlap; measured
// in bench/ (engine).
#include "core/stages.h"

namespace natlb {

void lookup(Batch& batch, const FlowTable& flows) noexcept {
  for_each_pending(batch, [&](Packet& packet) {
    // A later fragment has its ports, and so its key, from the first.
    if (packet.fragment.place != Fragment::Place::whole) packet.hash = flows.hash_of(packet.key);
    packet.likely = flows.likely(packet.hash);
  });
  for_each_pending(batch, [&](Packet& packet) {
    const Found found = flows.find(packet.key, packet.hash, packet.likely);
    packet.flow = found.flow;
    packet.leg = found.leg;
  });
}

}  // namespace natlb
