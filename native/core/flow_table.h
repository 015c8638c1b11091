// All flows of one worker, found by either leg in one or two cache lines. One writer.
#pragma once

#include <cstdint>

#include "core/block.h"
#include "core/half_open.h"
#include "core/hash.h"
#include "core/live_filter.h"
#include "core/timer_wheel.h"

namespace natlb {

struct Found {
  Flow* flow = nullptr;
  Leg leg = Leg::none;
};

class FlowTable {
 public:
  // Takes over what `block` holds: live flows are indexed again under the new secret and filed with the timers.
  FlowTable(Block& block, const HashSecret& secret, uint32_t now) noexcept;

  [[nodiscard]] uint64_t hash_of(const Key& key) const noexcept { return hash(key, secret_); }
  void prefetch(uint64_t hash) const noexcept { __builtin_prefetch(&block_.buckets[first_bucket(hash)]); }
  // Names the leg that `find` will most likely compare and asks for its cache line, or for more of the index and names kNone.
  [[nodiscard]] uint32_t likely(uint64_t hash) const noexcept;
  [[nodiscard]] Found find(const Key& key, uint64_t hash) const noexcept;
  [[nodiscard]] Found find(const Key& key, uint64_t hash, uint32_t likely) const noexcept {
    if (likely != kNone && matches(block_.flows[likely / 2], likely % 2 != 0, key)) return found(likely);
    return find(key, hash);
  }

  // Adds `wanted`, whose timers and next hops need not be set. Null when there is no room.
  Flow* insert(const Flow& wanted) noexcept;
  void remove(Flow& flow) noexcept;
  // Gives a template another destination. False when there is no room, and then nothing has changed.
  bool rebind(Flow& kept, uint32_t destination) noexcept;
  // From now on `keeper` lives as long as `flow` does.
  void control(Flow& flow, Flow& keeper) noexcept;

  [[nodiscard]] uint32_t index_of(const Flow& flow) const noexcept { return static_cast<uint32_t>(&flow - block_.flows); }

  // Keys of the two legs, as packets on them carry it.
  [[nodiscard]] Key forward_key(const Flow& flow) const noexcept;
  [[nodiscard]] Key reverse_key(const Flow& flow) const noexcept;

  // Removes flows whose time has come, after telling `last` of each; looks at `budget` flows at most, and returns false when that did not
  // last.
  template <typename Last>
  bool expire(uint32_t now, uint32_t budget, Last&& last) noexcept {
    return timers_.advance(now, budget, [&](Flow& flow) {
      if (is_kept(flow)) return prolong(flow);
      last(flow);
      remove(flow);
    });
  }
  void hasten(Flow& flow) noexcept { timers_.hasten(flow); }
  // The destination has been heard.
  void note_reply(Flow& flow) noexcept {
    if (!flow.has(Flow::kReplied)) note_first_reply(flow);
  }
  // The oldest half-open flow, of `service` if that is not kNone; null when a few looks did not find one. It is not named again.
  Flow* oldest_half_open(uint32_t service) noexcept;
  [[nodiscard]] const HalfOpen& half_open() const noexcept { return half_open_; }
  // Puts the flow in `state`, keeping its destination's load true.
  void change_state(Flow& flow, FlowState state) noexcept;

  [[nodiscard]] const HashSecret& secret() const noexcept { return secret_; }

  // From now on flows that the steering program cannot tell by their ports are listed in `filter`, those that are there at once.
  void list_in(const LiveFilter& filter) noexcept;
  [[nodiscard]] LiveFilter& live_filter() noexcept { return filter_; }

  [[nodiscard]] uint32_t entries() const noexcept { return block_.header->entries; }
  [[nodiscard]] uint32_t capacity() const noexcept { return block_.header->max_flows; }
  [[nodiscard]] Block& block() noexcept { return block_; }
  [[nodiscard]] const Block& block() const noexcept { return block_; }

 private:
  [[nodiscard]] uint32_t first_bucket(uint64_t hash) const noexcept { return scale(static_cast<uint32_t>(hash)); }
  [[nodiscard]] uint32_t second_bucket(uint64_t hash) const noexcept { return scale(static_cast<uint32_t>(hash >> 20)); }
  [[nodiscard]] uint32_t scale(uint32_t hash) const noexcept {
    return static_cast<uint32_t>(static_cast<uint64_t>(hash) * block_.header->buckets >> 32);
  }
  static uint16_t tag_of(uint64_t hash) noexcept { return static_cast<uint16_t>(hash >> 48 | 1); }

  [[nodiscard]] Found found(uint32_t leg) const noexcept { return {&block_.flows[leg / 2], leg % 2 != 0 ? Leg::reverse : Leg::forward}; }
  [[nodiscard]] bool matches(const Flow& flow, bool reverse, const Key& key) const noexcept;
  [[nodiscard]] Found find_in(const Bucket& bucket, const Key& key, uint16_t tag) const noexcept;
  bool index(uint32_t leg, uint64_t hash) noexcept;
  bool make_room(Bucket& bucket) noexcept;
  void unindex(uint32_t leg, uint64_t hash) noexcept;
  [[nodiscard]] uint64_t hash_of_leg(uint32_t leg) const noexcept;
  bool index_both(uint32_t flow) noexcept;
  uint32_t take_record() noexcept;
  void give_record(Flow& flow) noexcept;
  void count_in(const Flow& flow) noexcept;
  void note_first_reply(Flow& flow) noexcept;
  void enter_half_open(const Flow& flow) noexcept;
  void leave_half_open(const Flow& flow) noexcept;
  void count_out(const Flow& flow) noexcept;
  [[nodiscard]] LiveKey client_side(const Flow& flow) const noexcept;
  [[nodiscard]] LiveKey server_side(const Flow& flow) const noexcept;
  void list(Flow& flow) noexcept;
  void unlist(const Flow& flow) noexcept;
  void adopt(uint32_t now) noexcept;
  void adopt_control(uint32_t at) noexcept;
  [[nodiscard]] bool is_kept(Flow& flow) const noexcept;
  void prolong(Flow& flow) noexcept;
  bool sound(const Flow& flow) const noexcept;

  Block& block_;
  HashSecret secret_;
  TimerWheel timers_;
  HalfOpen half_open_;
  LiveFilter filter_;
};

// One branch for all of it: a tag that matches is nearly always the flow.
inline bool FlowTable::matches(const Flow& flow, bool reverse, const Key& key) const noexcept {
  const Address& client = reverse ? key.target : key.source;
  const Address& other = reverse ? key.source : key.target;
  const uint32_t ports = reverse ? static_cast<uint32_t>(key.target_port) << 16 | key.source_port
                                 : static_cast<uint32_t>(key.source_port) << 16 | key.target_port;
  const Address& expected = reverse ? block_.destinations[flow.destination].address : block_.addresses[flow.virtual_address].address;
  const uint32_t expected_ports = static_cast<uint32_t>(flow.client_port) << 16 | (reverse ? flow.destination_port : flow.virtual_port);
  const uint64_t differs = (flow.client.low() ^ client.low()) | (flow.client.high() ^ client.high()) | (expected.low() ^ other.low()) |
                           (expected.high() ^ other.high()) | (ports ^ expected_ports) | (flow.protocol ^ key.protocol);
  return differs == 0;
}

}  // namespace natlb
