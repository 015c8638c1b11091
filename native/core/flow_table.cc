// Buckets of eight tagged entries, two to choose from. An entry goes to the first while that is not nearly full, so most lookups read one.
#include "core/flow_table.h"

#include <algorithm>
#include <cstring>

#include "core/data_connections.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace natlb {

namespace {

// Bit i is set when entry i carries `tag`.
inline uint32_t entries_with(const Bucket& bucket, uint16_t tag) noexcept {
#ifdef __SSE2__
  const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(bucket.tags));
  const __m128i equal = _mm_cmpeq_epi16(tags, _mm_set1_epi16(static_cast<int16_t>(tag)));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())));
#else
  uint32_t found = 0;
  for (uint32_t i = 0; i < Bucket::kEntries; ++i) found |= static_cast<uint32_t>(bucket.tags[i] == tag) << i;
  return found;
#endif
}

inline uint32_t used(const Bucket& bucket) noexcept {
  return Bucket::kEntries - static_cast<uint32_t>(__builtin_popcount(entries_with(bucket, 0)));
}

void put(Bucket& bucket, uint32_t leg, uint16_t tag) noexcept {
  const auto at = static_cast<uint32_t>(__builtin_ctz(entries_with(bucket, 0)));
  bucket.tags[at] = tag;
  bucket.legs[at] = leg;
}

constexpr uint32_t kNearlyFull = 6;

}  // namespace

FlowTable::FlowTable(Block& block, const HashSecret& secret, uint32_t now) noexcept
    : block_{block}, secret_{secret}, timers_{block}, half_open_{secret} {
  if (block.found()) {
    adopt(now);
  } else {
    block.header->tick = now;
  }
}

uint32_t FlowTable::likely(uint64_t hash) const noexcept {
  const Bucket& bucket = block_.buckets[first_bucket(hash)];
  const uint32_t candidates = entries_with(bucket, tag_of(hash));
  if (candidates == 0) {
    __builtin_prefetch(&block_.buckets[second_bucket(hash)]);
    return kNone;
  }
  const uint32_t leg = bucket.legs[__builtin_ctz(candidates)];
  __builtin_prefetch(&block_.flows[leg / 2], 1);
  return leg;
}

Found FlowTable::find(const Key& key, uint64_t hash) const noexcept {
  const uint16_t tag = tag_of(hash);
  const Found found = find_in(block_.buckets[first_bucket(hash)], key, tag);
  return found.flow != nullptr ? found : find_in(block_.buckets[second_bucket(hash)], key, tag);
}

Found FlowTable::find_in(const Bucket& bucket, const Key& key, uint16_t tag) const noexcept {
  for (uint32_t candidates = entries_with(bucket, tag); candidates != 0; candidates &= candidates - 1) {
    const uint32_t leg = bucket.legs[__builtin_ctz(candidates)];
    if (matches(block_.flows[leg / 2], leg % 2 != 0, key)) return found(leg);
  }
  return {};
}

Key FlowTable::forward_key(const Flow& flow) const noexcept {
  return {flow.client, block_.addresses[flow.virtual_address].address, flow.client_port, flow.virtual_port, flow.protocol};
}

Key FlowTable::reverse_key(const Flow& flow) const noexcept {
  return {block_.destinations[flow.destination].address, flow.client, flow.destination_port, flow.client_port, flow.protocol};
}

Flow* FlowTable::insert(const Flow& wanted) noexcept {
  const uint32_t at = take_record();
  if (at == kNone) return nullptr;
  Flow& flow = block_.flows[at];
  flow = wanted;
  flow.live = 0;
  flow.timer_slot = Flow::kNoTimer;
  flow.routes = 0;
  if (!index_both(at)) {
    give_record(flow);
    return nullptr;
  }
  timers_.file(flow);
  count_in(flow);
  list(flow);
  __atomic_store_n(&flow.live, Flow::kLive, __ATOMIC_RELEASE);
  return &flow;
}

void FlowTable::remove(Flow& flow) noexcept {
  __atomic_store_n(&flow.live, 0, __ATOMIC_RELEASE);
  const auto at = static_cast<uint32_t>(&flow - block_.flows);
  unindex(at * 2, hash_of_leg(at * 2));
  unindex(at * 2 + 1, hash_of_leg(at * 2 + 1));
  timers_.unfile(flow);
  unlist(flow);
  count_out(flow);
  if (flow.has(Flow::kControlled)) --dependents(block_.flows[block_.controls[at]]);
  give_record(flow);
}

namespace {

// IPVS: overloaded from the upper threshold on, no more below the lower one, or three quarters of the upper (ip_vs_dest_update_overload).
void judge_load(DestinationSlot& destination, uint32_t flows) noexcept {
  const uint64_t upper = destination.upper_threshold, lower = destination.lower_threshold;
  if (upper != 0 && flows >= upper) {
    destination.overloaded.store(true, std::memory_order_relaxed);
  } else if (upper == 0 || (lower != 0 ? flows < lower : uint64_t{flows} * 4 < upper * 3)) {
    destination.overloaded.store(false, std::memory_order_relaxed);
  }
}

}  // namespace

void FlowTable::count_in(const Flow& flow) noexcept {
  DestinationSlot& destination = block_.destinations[flow.destination];
  Load& load = block_.loads[flow.destination];
  if (flow.has(Flow::kTemplate)) {
    destination.persistent.add(1);
  } else {
    Load::add(row(flow.state).active ? load.active : load.inactive, 1);
    judge_load(destination, load.total());
    if (is_half_open(flow)) enter_half_open(flow);
  }
  destination.flows.add(1);
  block_.addresses[flow.virtual_address].flows.add(1);
  block_.header->entries = block_.header->entries + 1;
}

void FlowTable::count_out(const Flow& flow) noexcept {
  DestinationSlot& destination = block_.destinations[flow.destination];
  Load& load = block_.loads[flow.destination];
  if (flow.has(Flow::kTemplate)) {
    destination.persistent.subtract(1);
  } else {
    Load::add(row(flow.state).active ? load.active : load.inactive, UINT32_MAX);
    judge_load(destination, load.total());
    if (is_half_open(flow)) leave_half_open(flow);
  }
  block_.header->entries = block_.header->entries - 1;
  // Last: from here on the slots may be others'.
  block_.addresses[flow.virtual_address].flows.subtract_and_settle(1);
  destination.flows.subtract_and_settle(1);
}

bool FlowTable::rebind(Flow& kept, uint32_t destination) noexcept {
  const uint32_t reverse = index_of(kept) * 2 + 1;
  const uint32_t before = kept.destination;
  unindex(reverse, hash_of_leg(reverse));
  kept.destination = destination;
  const bool fits = index(reverse, hash_of_leg(reverse));
  kept.destination = before;
  if (!fits) {
    index(reverse, hash_of_leg(reverse));  // its old place is still free
    return false;
  }
  count_out(kept);
  kept.destination = destination;
  count_in(kept);
  return true;
}

void FlowTable::control(Flow& flow, Flow& keeper) noexcept {
  block_.controls[index_of(flow)] = index_of(keeper);
  flow.flags |= Flow::kControlled;
  ++dependents(keeper);
}

void FlowTable::change_state(Flow& flow, FlowState state) noexcept {
  if (row(flow.state).active != row(state).active) {
    Load& load = block_.loads[flow.destination];
    Load::add(row(flow.state).active ? load.active : load.inactive, UINT32_MAX);
    Load::add(row(state).active ? load.active : load.inactive, 1);
  }
  const bool before = is_half_open(flow);
  flow.state = state;
  if (before == is_half_open(flow)) return;
  before ? leave_half_open(flow) : enter_half_open(flow);
}

void FlowTable::note_first_reply(Flow& flow) noexcept {
  const bool before = is_half_open(flow);
  flow.flags |= Flow::kReplied;
  if (before && !is_half_open(flow)) leave_half_open(flow);
}

void FlowTable::enter_half_open(const Flow& flow) noexcept {
  const uint32_t service = block_.destinations[flow.destination].service;
  ++block_.services[service].half_open;
  half_open_.enter(index_of(flow), flow.client, service);
}

void FlowTable::leave_half_open(const Flow& flow) noexcept {
  const uint32_t service = block_.destinations[flow.destination].service;
  --block_.services[service].half_open;
  half_open_.leave(flow.client, service);
}

Flow* FlowTable::oldest_half_open(uint32_t service) noexcept {
  constexpr int kLooks = 8;
  for (int look = 0; look < kLooks; ++look) {
    const uint32_t at = half_open_.next_oldest();
    if (at == kNone) return nullptr;
    Flow& flow = block_.flows[at];
    if (flow.live != Flow::kLive || flow.has(Flow::kTemplate) || !is_half_open(flow)) continue;
    if (service == kNone || block_.destinations[flow.destination].service == service) return &flow;
    half_open_.put_back(at);
  }
  return nullptr;
}

bool FlowTable::is_kept(Flow& flow) const noexcept {
  return flow.has(Flow::kTemplate) ? dependents(flow) != 0 : flow.has(Flow::kHelped) && has_data(block_, flow);
}

// IPVS: what controls others is looked at again after a minute (ip_vs_conn_expire).
void FlowTable::prolong(Flow& flow) noexcept {
  timers_.unfile(flow);
  flow.expires_at += 60 * kTicksPerSecond;
  timers_.file(flow);
}

void FlowTable::list_in(const LiveFilter& filter) noexcept {
  filter_ = filter;
  for (uint32_t at = 0; at < block_.header->fresh; ++at) {
    if (block_.flows[at].live == Flow::kLive) list(block_.flows[at]);
  }
}

// A destination that answers from any port has flows only the filter tells, a data connection is unknown on either side. The flag is kept,
// not asked for again: what is entered must be taken out.
void FlowTable::list(Flow& flow) noexcept {
  flow.flags &= static_cast<uint8_t>(~Flow::kListed);
  const bool on_any_port = block_.destinations[flow.destination].port == 0;
  if (flow.has(Flow::kTemplate) || !(on_any_port || flow.has(Flow::kRelated)) || !filter_.is_there()) return;
  flow.flags |= Flow::kListed;
  filter_.add(server_side(flow));
  if (flow.has(Flow::kRelated)) filter_.add(client_side(flow));
}

void FlowTable::unlist(const Flow& flow) noexcept {
  if (!flow.has(Flow::kListed)) return;
  filter_.remove(server_side(flow));
  if (flow.has(Flow::kRelated)) filter_.remove(client_side(flow));
}

LiveKey FlowTable::client_side(const Flow& flow) const noexcept {
  return {flow.client, {block_.addresses[flow.virtual_address].address, flow.virtual_port}, flow.protocol};
}

LiveKey FlowTable::server_side(const Flow& flow) const noexcept {
  return {flow.client, {block_.destinations[flow.destination].address, flow.destination_port}, flow.protocol};
}

uint64_t FlowTable::hash_of_leg(uint32_t leg) const noexcept {
  const Flow& flow = block_.flows[leg / 2];
  return hash_of(leg % 2 != 0 ? reverse_key(flow) : forward_key(flow));
}

bool FlowTable::index_both(uint32_t flow) noexcept {
  if (!index(flow * 2, hash_of_leg(flow * 2))) return false;
  if (index(flow * 2 + 1, hash_of_leg(flow * 2 + 1))) return true;
  unindex(flow * 2, hash_of_leg(flow * 2));
  return false;
}

bool FlowTable::index(uint32_t leg, uint64_t hash) noexcept {
  Bucket& first = block_.buckets[first_bucket(hash)];
  Bucket& second = block_.buckets[second_bucket(hash)];
  const uint32_t first_used = used(first);
  Bucket* bucket = first_used < kNearlyFull || first_used <= used(second) ? &first : &second;
  if (used(*bucket) == Bucket::kEntries && !make_room(*bucket)) return false;
  put(*bucket, leg, tag_of(hash));
  return true;
}

// Moves one entry of a full bucket to the other bucket it may stand in.
bool FlowTable::make_room(Bucket& bucket) noexcept {
  for (uint32_t i = 0; i < Bucket::kEntries; ++i) {
    const uint64_t hash = hash_of_leg(bucket.legs[i]);
    Bucket& first = block_.buckets[first_bucket(hash)];
    Bucket& other = &first == &bucket ? block_.buckets[second_bucket(hash)] : first;
    if (used(other) == Bucket::kEntries) continue;
    put(other, bucket.legs[i], bucket.tags[i]);
    bucket.tags[i] = 0;
    return true;
  }
  return false;
}

void FlowTable::unindex(uint32_t leg, uint64_t hash) noexcept {
  for (Bucket* bucket : {&block_.buckets[first_bucket(hash)], &block_.buckets[second_bucket(hash)]}) {
    for (uint32_t entries = entries_with(*bucket, tag_of(hash)); entries != 0; entries &= entries - 1) {
      const auto at = static_cast<uint32_t>(__builtin_ctz(entries));
      if (bucket->legs[at] != leg) continue;
      bucket->tags[at] = 0;
      return;
    }
  }
}

uint32_t FlowTable::take_record() noexcept {
  BlockHeader& header = *block_.header;
  if (header.free_head != kNone) {
    const uint32_t at = header.free_head;
    header.free_head = block_.flows[at].timer_next;
    return at;
  }
  return header.fresh < header.max_flows ? header.fresh++ : kNone;
}

void FlowTable::give_record(Flow& flow) noexcept {
  flow.timer_next = block_.header->free_head;
  block_.header->free_head = static_cast<uint32_t>(&flow - block_.flows);
}

// A process that died may have left any list half-written; only the records themselves are trusted, and those only as far as they are
// sound.
void FlowTable::adopt(uint32_t now) noexcept {
  BlockHeader& header = *block_.header;
  std::memset(block_.buckets, 0, header.buckets * sizeof(Bucket));
  timers_.clear();
  for (uint32_t i = 0; i < kMaxDestinations; ++i) {
    if (block_.destinations[i].in_use == 0) continue;
    block_.loads[i].active = 0;
    block_.loads[i].inactive = 0;
    block_.destinations[i].persistent.set(0);
    block_.destinations[i].flows.set(0);
  }
  for (uint32_t i = 0; i < kMaxVirtualAddresses; ++i) block_.addresses[i].flows.set(0);
  for (uint32_t i = 0; i < kMaxServices; ++i) block_.services[i].half_open = 0;
  header.tick = now;
  header.free_head = kNone;
  header.entries = 0;
  for (uint32_t at = 0; at < header.fresh; ++at) {
    Flow& flow = block_.flows[at];
    flow.timer_slot = Flow::kNoTimer;
    flow.routes = 0;
    if (!sound(flow) || find(forward_key(flow), hash_of_leg(at * 2)).flow != nullptr || !index_both(at)) {
      flow.live = 0;
      give_record(flow);
      continue;
    }
    if (flow.has(Flow::kTemplate)) dependents(flow) = 0;
    timers_.file(flow);
    count_in(flow);
  }
  for (uint32_t at = 0; at < header.fresh; ++at) adopt_control(at);
}

void FlowTable::adopt_control(uint32_t at) noexcept {
  Flow& flow = block_.flows[at];
  if (flow.live != Flow::kLive || !flow.has(Flow::kControlled)) return;
  const uint32_t keeper = block_.controls[at];
  const bool there = keeper < block_.header->fresh && block_.flows[keeper].live == Flow::kLive && block_.flows[keeper].has(Flow::kTemplate);
  if (there) {
    ++dependents(block_.flows[keeper]);
  } else {
    flow.flags &= static_cast<uint8_t>(~Flow::kControlled);
  }
}

bool FlowTable::sound(const Flow& flow) const noexcept {
  if (flow.live != Flow::kLive || flow.state >= FlowState::count) return false;
  if (flow.has(Flow::kTemplate) ? flow.state != FlowState::NONE : row(flow.state).protocol != flow.protocol) return false;
  if (flow.virtual_address >= kMaxVirtualAddresses || block_.addresses[flow.virtual_address].in_use == 0) return false;
  if (flow.destination >= kMaxDestinations || block_.destinations[flow.destination].in_use == 0) return false;
  const uint32_t service = block_.destinations[flow.destination].service;
  return service < kMaxServices && block_.services[service].in_use != 0;
}

}  // namespace natlb
