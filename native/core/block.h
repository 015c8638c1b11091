// The worker's memory: flows, their index, their timers, the slots, in one relocatable block (indices, never pointers) that outlives the
// process when it is a file in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/conversations.h"
#include "core/flow.h"
#include "core/slots.h"

namespace natlb {

// Eight entries in one cache line: a 16-bit tag of the hash and, in the same place of `legs`, flow index * 2 + (1 for the reverse leg).
struct alignas(64) Bucket {
  static constexpr uint32_t kEntries = 8;
  uint16_t tags[kEntries];  // 0 = free
  uint32_t legs[kEntries];
  uint8_t reserved[16];
};
static_assert(sizeof(Bucket) == 64, "a bucket is one cache line");

// One turn of the timer wheel: flows that expire later wait in the last slot and are filed again.
inline constexpr uint32_t kTimerSlots = 8192;

struct BlockHeader {
  uint64_t magic;
  uint32_t max_flows;
  uint32_t buckets;
  uint32_t fresh;            // records from here on were never used
  uint32_t free_head;        // of the list of used and given up records
  Shared<uint32_t> entries;  // live flows
  uint32_t tick;             // up to which the timers have run
};

class Block {
 public:
  // Changes whenever the meaning of any byte does.
  static constexpr uint64_t kMagic = 0x6e61746c62000003;

  static size_t bytes(uint32_t max_flows) noexcept;
  // `memory` is page-aligned, of bytes(max_flows) bytes, and either zero or what an earlier Block of any size or version left there.
  Block(void* memory, uint32_t max_flows) noexcept;

  // True when the memory already held a block of this shape; otherwise it was made empty.
  [[nodiscard]] bool found() const noexcept { return found_; }

  BlockHeader* header;
  uint32_t* timer_heads;  // kTimerSlots
  ServiceSlot* services;
  VirtualAddressSlot* addresses;
  DestinationSlot* destinations;
  Load* loads;  // of the destinations, by slot
  Bucket* buckets;
  Flow* flows;
  uint32_t* controls;               // by flow: the flow that controls it, where it has the flag kControlled or kRelated
  ConversationSlot* conversations;  // of control connections; conversation_count

 private:
  bool found_;
};

}  // namespace natlb
