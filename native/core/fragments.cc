// The table of datagrams under way in pieces.
#include "core/fragments.h"

#include <cstring>

namespace natlb {

namespace {

constexpr uint32_t kLongest = 65535;

// What no sender means. The IP header counts in IPv4's total length, but not in IPv6's payload length.
bool is_malformed(const Packet& packet) noexcept {
  const Fragment& piece = packet.fragment;
  const uint32_t header = packet.is_v4 ? packet.fragment.data - packet.l3 : 0;
  return piece.begin >= piece.end || piece.end + header > kLongest || (piece.more && (piece.end - piece.begin) % 8 != 0);
}

uint8_t protocol_in_key(const Packet& packet) noexcept { return packet.is_v4 ? packet.protocol : 0; }

}  // namespace

Fragments::Fragments(const HashSecret& secret)
    : secret_{secret},
      records_{std::make_unique_for_overwrite<Datagram[]>(kDatagrams)},
      seats_{std::make_unique_for_overwrite<Seat[]>(kSeats)},
      frames_{std::make_unique_for_overwrite<uint8_t[]>(static_cast<size_t>(kSeats) * kSeatBytes)} {
  chains_.fill(kNobody);
}

Verdict Fragments::take(Packet& packet, uint32_t now) noexcept {
  if (is_malformed(packet)) return Verdict::fragment_malformed;
  const uint16_t chain = chain_of(packet);
  Datagram* found = find(packet, chain, now);
  Datagram& datagram = found != nullptr ? *found : begin(packet, chain, now);
  if (datagram.fate != Verdict::pending) return datagram.fate;
  const Verdict verdict = datagram.pieces.add(packet.fragment);
  if (verdict == Verdict::fragment_duplicate) return verdict;  // networks make them (RFC 8200 4.5); the datagram lives
  if (verdict != Verdict::pending) {
    condemn(datagram, verdict, now);
    return verdict;
  }
  packet.fragment.datagram = number_of(datagram);
  if (packet.fragment.place == Fragment::Place::first) meet_first(datagram, packet, now);
  if (datagram.stage == Stage::waiting) return seat(datagram, packet);
  packet.key = datagram.key;
  if (datagram.pieces.are_all()) finish(datagram);
  return Verdict::pending;
}

Fragments::Datagram* Fragments::find(const Packet& packet, uint16_t chain, uint32_t now) noexcept {
  for (uint16_t at = chains_[chain]; at != kNobody; at = records_[at].next_in_chain) {
    Datagram& datagram = records_[at];
    const bool same = datagram.id == packet.fragment.id && datagram.protocol == protocol_in_key(packet) &&
                      datagram.key.source == packet.key.source && datagram.key.target == packet.key.target && datagram.stage != Stage::done;
    if (!same) continue;
    if (now - datagram.since < kPatienceTicks) return &datagram;
    end(datagram, Verdict::fragment_timeout);
    return nullptr;
  }
  return nullptr;
}

Fragments::Datagram& Fragments::begin(const Packet& packet, uint16_t chain, uint32_t now) noexcept {
  const uint16_t number = take_record();
  Datagram& datagram = records_[number];
  datagram.key = {packet.key.source, packet.key.target, 0, 0, 0};
  datagram.id = packet.fragment.id;
  datagram.protocol = protocol_in_key(packet);
  datagram.fate = Verdict::pending;
  datagram.since = now;
  datagram.share = share_of(packet);
  datagram.chain = chain;
  datagram.next_in_chain = chains_[chain];
  chains_[chain] = number;
  datagram.seats = {};
  datagram.leg = Leg::none;
  datagram.pieces.clear();
  enter(datagram, Stage::waiting);
  return datagram;
}

// Whom a fragment belongs with. Not the protocol: IPv6 has it in the first fragment alone.
uint16_t Fragments::chain_of(const Packet& packet) const noexcept {
  const auto id = packet.fragment.id;
  const Key key{packet.key.source, packet.key.target, static_cast<uint16_t>(id >> 16), static_cast<uint16_t>(id), protocol_in_key(packet)};
  return static_cast<uint16_t>(hash(key, secret_) >> 32 & (kChains - 1));
}

// Whom it counts for: who has one IPv6 address has 2^64.
uint16_t Fragments::share_of(const Packet& packet) const noexcept {
  const uint64_t source = packet.is_v4 ? packet.key.source.low() : packet.key.source.high();
  return static_cast<uint16_t>(multiply_fold(source ^ secret_.words[1], secret_.words[3] | 1) >> 32 & (kShares - 1));
}

// Those that wait have a seat each, and there are fewer seats than records.
uint16_t Fragments::take_record() noexcept {
  static_assert(kSeats < kDatagrams);
  if (free_record_ == kNobody && fresh_records_ < kDatagrams) return fresh_records_++;
  if (free_record_ == kNobody) end(records_[all_[all_[Stage::done].count > 0 ? Stage::done : Stage::known].first], Verdict::pending);
  const uint16_t number = free_record_;
  free_record_ = records_[number].next_in_chain;
  return number;
}

void Fragments::meet_first(Datagram& datagram, const Packet& packet, uint32_t now) noexcept {
  datagram.key = packet.key;
  become_known(datagram, now);
  for (uint16_t at = datagram.seats.first; at != kNobody; at = seats_[at].next) seats_[at].packet.key = datagram.key;
  shares_[datagram.share].seats -= datagram.seats.count;
  seated_ -= datagram.seats.count;
  splice(ready_, datagram.seats);
}

// Its time begins anew, so that the oldest of the queue is the first to end.
void Fragments::become_known(Datagram& datagram, uint32_t now) noexcept {
  const Queue& own = shares_[datagram.share].queues[Stage::known];
  if (own.count == kDatagramsOfSource) end(records_[own.first], Verdict::pending);
  leave(datagram);
  datagram.since = now;
  enter(datagram, Stage::known);
}

// Its identification may soon be another's; only its pieces in this batch still refer to it.
void Fragments::finish(Datagram& datagram) noexcept {
  leave(datagram);
  enter(datagram, Stage::done);
}

// RFC 5722 4: all of it is dropped, what has been there and what is to come. Linux does the same for IPv4 since 2018 (CVE-2018-5391).
void Fragments::condemn(Datagram& datagram, Verdict fate, uint32_t now) noexcept {
  dismiss(datagram, fate);
  datagram.fate = fate;
  if (datagram.stage == Stage::waiting) become_known(datagram, now);
}

Verdict Fragments::seat(Datagram& datagram, const Packet& packet) noexcept {
  if (packet.length > kSeatBytes || !make_seat(datagram)) {
    end(datagram, Verdict::fragment_no_room);
    return Verdict::fragment_no_room;
  }
  Seats taken;
  if (free_seats_.first == kNobody) {
    taken = {fresh_seats_, fresh_seats_, 1};
    ++fresh_seats_;
  } else {
    taken = {free_seats_.first, free_seats_.first, 1};
    free_seats_.first = seats_[taken.first].next;
    --free_seats_.count;
  }
  Seat& one = seats_[taken.first];
  uint8_t* frame = &frames_[static_cast<size_t>(taken.first) * kSeatBytes];
  std::memcpy(frame, packet.frame, packet.length);
  one.packet = packet;
  one.packet.frame = frame;
  one.packet.capacity = kSeatBytes;
  one.packet.cookie = 0;
  one.packet.taken = false;
  one.next = kNobody;
  splice(datagram.seats, taken);
  ++shares_[datagram.share].seats;
  ++seated_;
  return Verdict::fragment_waiting;
}

// The oldest goes: of the same source when that has its share, of all when there is no seat left. False: it is the one that wants it.
bool Fragments::make_seat(const Datagram& wanting) noexcept {
  const Share& own = shares_[wanting.share];
  const bool full = free_seats_.first == kNobody && fresh_seats_ == kSeats;
  if (own.seats < kSeatsOfSource && !full) return true;
  Datagram& oldest = records_[(own.seats == kSeatsOfSource ? own.queues : all_)[Stage::waiting].first];
  if (&oldest == &wanting) return false;
  end(oldest, Verdict::fragment_no_room);
  return free_seats_.first != kNobody || fresh_seats_ < kSeats;
}

void Fragments::remember(const Packet& first) noexcept {
  Datagram* datagram = followed(first);
  if (datagram == nullptr) return;
  datagram->flow = *first.flow;
  datagram->leg = first.leg;
}

void Fragments::recall(Packet& later) noexcept {
  Datagram* datagram = followed(later);
  if (datagram == nullptr || datagram->leg == Leg::none) return;
  later.flow = &datagram->flow;
  later.leg = datagram->leg;
}

// The datagram that take has written into the packet, unless another has its record by now.
Fragments::Datagram* Fragments::followed(const Packet& packet) noexcept {
  Datagram& datagram = records_[packet.fragment.datagram];
  const Key& a = datagram.key;
  const Key& b = packet.key;
  const bool same = a.source == b.source && a.target == b.target && a.source_port == b.source_port && a.target_port == b.target_port &&
                    a.protocol == b.protocol && datagram.id == packet.fragment.id;
  return same ? &datagram : nullptr;
}

void Fragments::call(Batch& batch) noexcept {
  splice(free_seats_, called_);
  Seats calling;
  for (uint16_t at = ready_.first; at != kNobody && batch.count < kBatch; at = seats_[at].next) {
    batch.packets[batch.count++] = seats_[at].packet;
    if (calling.first == kNobody) calling.first = at;
    calling.last = at;
    ++calling.count;
  }
  if (calling.count == 0) return;
  ready_.first = seats_[calling.last].next;
  ready_.count -= calling.count;
  if (ready_.first == kNobody) ready_.last = kNobody;
  seats_[calling.last].next = kNobody;
  called_ = calling;
}

void Fragments::expire(uint32_t now, uint32_t budget) noexcept {
  for (const Stage stage : {Stage::waiting, Stage::known}) {
    const Queue& queue = all_[stage];
    for (; queue.count > 0 && now - records_[queue.first].since >= kPatienceTicks && budget > 0; --budget) {
      end(records_[queue.first], Verdict::fragment_timeout);
    }
  }
}

void Fragments::dismiss(Datagram& datagram, Verdict verdict) noexcept {
  ended_[static_cast<size_t>(verdict)].add(datagram.seats.count);
  shares_[datagram.share].seats -= datagram.seats.count;
  seated_ -= datagram.seats.count;
  splice(free_seats_, datagram.seats);
}

// `verdict`: what becomes of the pieces that still wait.
void Fragments::end(Datagram& datagram, Verdict verdict) noexcept {
  dismiss(datagram, verdict);
  leave(datagram);
  const uint16_t number = number_of(datagram);
  uint16_t* link = &chains_[datagram.chain];
  while (*link != number) link = &records_[*link].next_in_chain;
  *link = datagram.next_in_chain;
  datagram.next_in_chain = free_record_;
  free_record_ = number;
}

void Fragments::enter(Datagram& datagram, Stage stage) noexcept {
  datagram.stage = stage;
  append(all_[stage], &Datagram::by_age, datagram);
  append(shares_[datagram.share].queues[stage], &Datagram::by_share, datagram);
}

void Fragments::leave(Datagram& datagram) noexcept {
  remove(all_[datagram.stage], &Datagram::by_age, datagram);
  remove(shares_[datagram.share].queues[datagram.stage], &Datagram::by_share, datagram);
}

void Fragments::append(Queue& queue, Links Datagram::*links, Datagram& datagram) noexcept {
  const uint16_t number = number_of(datagram);
  datagram.*links = {queue.last, kNobody};
  (queue.last == kNobody ? queue.first : (records_[queue.last].*links).next) = number;
  queue.last = number;
  ++queue.count;
}

void Fragments::remove(Queue& queue, Links Datagram::*links, Datagram& datagram) noexcept {
  const auto [previous, next] = datagram.*links;
  (previous == kNobody ? queue.first : (records_[previous].*links).next) = next;
  (next == kNobody ? queue.last : (records_[next].*links).previous) = previous;
  --queue.count;
}

void Fragments::splice(Seats& to, Seats& from) noexcept {
  if (from.first == kNobody) return;
  (to.first == kNobody ? to.first : seats_[to.last].next) = from.first;
  to.last = from.last;
  to.count += from.count;
  from = {};
}

}  // namespace natlb
