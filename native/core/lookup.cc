// lookup: the leg of each packet. Three passes, so that the cache misses of a whole batch overlap; measured in bench/ (engine).
#include "core/stages.h"

namespace natlb {

void lookup(Batch& batch, const FlowTable& flows) noexcept {
  for_each_pending(batch, [&](Packet& packet) {
    packet.hash = flows.hash_of(packet.key);
    flows.prefetch(packet.hash);
  });
  for_each_pending(batch, [&](Packet& packet) { packet.likely = flows.likely(packet.hash); });
  for_each_pending(batch, [&](Packet& packet) {
    const Found found = flows.find(packet.key, packet.hash, packet.likely);
    packet.flow = found.flow;
    packet.leg = found.leg;
  });
}

}  // namespace natlb
