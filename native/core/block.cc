// Lays the block out and recognises one that is already there.
#include "core/block.h"

#include <algorithm>
#include <cstring>

namespace natlb {

namespace {

constexpr size_t kPage = 4096;
constexpr size_t pages(size_t bytes) noexcept { return (bytes + kPage - 1) / kPage * kPage; }

// Each flow has two entries: half of the places stay free, so that two choices of bucket nearly always find room.
constexpr uint32_t bucket_count(uint32_t max_flows) noexcept { return max_flows / 2 + 2; }

struct Offsets {
  size_t timer_heads, services, addresses, destinations, loads, buckets, flows, controls, conversations, end;
};
Offsets offsets(uint32_t max_flows) noexcept {
  Offsets at{};
  at.timer_heads = kPage;
  at.services = at.timer_heads + pages(kTimerSlots * sizeof(uint32_t));
  at.addresses = at.services + pages(kMaxServices * sizeof(ServiceSlot));
  at.destinations = at.addresses + pages(kMaxVirtualAddresses * sizeof(VirtualAddressSlot));
  at.loads = at.destinations + pages(kMaxDestinations * sizeof(DestinationSlot));
  at.buckets = at.loads + pages(kMaxDestinations * sizeof(Load));
  at.flows = at.buckets + pages(bucket_count(max_flows) * sizeof(Bucket));
  at.controls = at.flows + pages(max_flows * sizeof(Flow));
  at.conversations = at.controls + pages(max_flows * sizeof(uint32_t));
  at.end = at.conversations + pages(conversation_count(max_flows) * sizeof(ConversationSlot));
  return at;
}

}  // namespace

size_t Block::bytes(uint32_t max_flows) noexcept { return offsets(max_flows).end; }

Block::Block(void* memory, uint32_t max_flows) noexcept {
  auto* base = static_cast<uint8_t*>(memory);
  const Offsets at = offsets(max_flows);
  header = reinterpret_cast<BlockHeader*>(base);
  timer_heads = reinterpret_cast<uint32_t*>(base + at.timer_heads);
  services = reinterpret_cast<ServiceSlot*>(base + at.services);
  addresses = reinterpret_cast<VirtualAddressSlot*>(base + at.addresses);
  destinations = reinterpret_cast<DestinationSlot*>(base + at.destinations);
  loads = reinterpret_cast<Load*>(base + at.loads);
  buckets = reinterpret_cast<Bucket*>(base + at.buckets);
  flows = reinterpret_cast<Flow*>(base + at.flows);
  controls = reinterpret_cast<uint32_t*>(base + at.controls);
  conversations = reinterpret_cast<ConversationSlot*>(base + at.conversations);
  found_ =
      header->magic == kMagic && header->max_flows == max_flows && header->buckets == bucket_count(max_flows) && header->fresh <= max_flows;
  if (!found_) {
    // Another version's, or another size's that fills as many pages: its index and slots would be taken for ours.
    if (header->magic != 0) std::memset(memory, 0, at.end);
    *header = BlockHeader{kMagic, max_flows, bucket_count(max_flows), 0, kNone, 0, 0};
  }
}

}  // namespace natlb
