// gather: fragments find their datagram. Nothing else has any work here.
#include "core/stages.h"

namespace natlb {

namespace {
constexpr uint32_t kExpiredPerBatch = 64;  // datagrams, so that no batch takes long
}

void gather(Batch& batch, Fragments& fragments, uint32_t now) noexcept {
  fragments.settle();
  fragments.expire(now, kExpiredPerBatch);
  if (!batch.has_fragments) return;
  for_each_pending(batch, [&](Packet& packet) {
    if (packet.fragment.place != Fragment::Place::whole) packet.verdict = fragments.take(packet, now);
  });
}

}  // namespace natlb
