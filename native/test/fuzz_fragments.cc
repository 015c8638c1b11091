// Fuzzes the table of fragments beside a slow model of it: whatever comes in whatever order, no two pieces of one datagram that go on
// overlap, none goes on without ports, and every piece goes on, ends or still waits. An input is a sequence of (whose, begin, length,
// kind).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <tuple>
#include <vector>

#include "core/fragments.h"
#include "test/scene.h"

using namespace natlb;

namespace {

constexpr HashSecret kSecret{{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}};
constexpr uint8_t kMoreBit = 1, kLongBit = 2, kV6Bit = 4, kCallBit = 8, kLaterBit = 16, kMuchLaterBit = 32, kSettleBit = 64;
constexpr uint16_t kPort = 0x1234;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// What has gone on of each datagram since its first fragment did.
class Watch {
 public:
  explicit Watch(const Fragments& table) : ended_before_{ended(table)} {}
  void goes_on(const Packet& packet) {
    require(packet.key.source_port == kPort, "what goes on has ports");
    auto& gone = gone_[{packet.key.source.high(), packet.key.source.low(), packet.fragment.id}];
    const Fragment& piece = packet.fragment;
    if (piece.begin == 0) gone.clear();  // of another life: two first fragments of one would overlap
    for (const Fragment& other : gone) require(piece.begin >= other.end || other.begin >= piece.end, "no pieces that overlap go on");
    gone.push_back(piece);
    ++went_on_;
  }
  void take(Fragments& table, Packet& packet, uint32_t now) {
    const Verdict verdict = table.take(packet, now);
    if (verdict == Verdict::pending) {
      goes_on(packet);
    } else if (verdict != Verdict::fragment_waiting) {
      require(row(verdict).fate == Fate::dropped, "what does not go on has a verdict");
      ++dropped_;
    }
    ++taken_;
  }
  void call(Fragments& table) {
    Batch batch;
    table.call(batch);
    for (const Packet& packet : batch) {
      require(packet.frame[0] == 0x5a && packet.frame[packet.length - 1] == 0xa5, "a copy is what was copied");
      goes_on(packet);
    }
    called_ = batch.count;
  }
  void call_all(Fragments& table) {
    do call(table);
    while (called_ > 0);
  }
  void settle(Fragments& table) {
    call_all(table);
    require(went_on_ + dropped_ + ended(table) - ended_before_ + table.waiting() == taken_, "every piece goes on, ends or waits");
    require(table.waiting() <= Fragments::kSeats && table.datagrams() <= Fragments::kDatagrams, "there is room for so many");
    table.settle();
    table.expire(now_far(), UINT32_MAX);
    require(table.datagrams() == 0 && table.waiting() == 0, "in the end nothing is left");
  }
  void set_now(uint32_t now) { now_ = now; }

 private:
  static uint64_t ended(const Fragments& table) {
    uint64_t all = 0;
    for (size_t verdict = 0; verdict < kVerdicts; ++verdict) all += table.ended(static_cast<Verdict>(verdict));
    return all;
  }
  [[nodiscard]] uint32_t now_far() const { return now_ + Fragments::kPatienceTicks; }
  uint64_t ended_before_;
  uint64_t taken_ = 0, went_on_ = 0, dropped_ = 0, called_ = 0;
  uint32_t now_ = 0;
  std::map<std::tuple<uint64_t, uint64_t, uint32_t>, std::vector<Fragment>> gone_;
};

Key key_of(uint8_t whose, bool is_v4) {
  uint8_t bytes[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, static_cast<uint8_t>(whose >> 6)};
  const uint8_t four[4] = {198, 51, 100, static_cast<uint8_t>(whose >> 6)};
  return {is_v4 ? Address::v4(four) : Address::v6(bytes), scene::address(is_v4 ? "203.0.113.10" : "2001:db8::10"), 0, 0, kUdp};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Fragments table{kSecret};  // each input leaves it empty, and its memory is most of the work
  Watch watch{table};
  uint32_t now = UINT32_MAX - 100;
  std::vector<uint8_t> frame;
  for (; size >= 4; data += 4, size -= 4) {
    const uint8_t whose = data[0], kind = data[3];
    const uint32_t begin = data[1] * 8U * (kind & kLongBit ? 32 : 1);
    const uint32_t length = data[2] * (kind & kLongBit ? 37U : 8U);
    frame.assign(34 + length, 0);
    frame.front() = 0x5a, frame.back() = 0xa5;
    Packet packet = scene::Scene::packet(frame.data(), frame.size(), frame.size(), scene::kPublic);
    packet.is_v4 = (kind & kV6Bit) == 0;
    packet.l3 = kEthernetHeader;
    packet.protocol = kUdp;
    packet.key = key_of(whose, packet.is_v4);
    packet.fragment = {
        begin == 0 ? Fragment::Place::first : Fragment::Place::later, (kind & kMoreBit) != 0, 34, begin, begin + length, whose & 63U};
    if (begin == 0) packet.key.source_port = kPort;
    if (kind & kLaterBit) now += 3;
    if (kind & kMuchLaterBit) now += Fragments::kPatienceTicks, table.expire(now, whose);
    watch.set_now(now);
    if (kind & kSettleBit) table.settle();
    if (begin == 0) watch.call_all(table);  // what waited for another first fragment of this name is not of its datagram
    watch.take(table, packet, now);
    if (kind & kCallBit) watch.call(table);
  }
  watch.settle(table);
  return 0;
}
