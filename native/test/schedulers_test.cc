// Every scheduler against what all of them promise, and each against what its IPVS namesake does.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/snapshot.h"
#include "scene.h"

using namespace natlb;

namespace {

constexpr uint32_t kSlots = 256;
constexpr int kNobody = -1;

// A service with its destinations and their loads, and nothing around it.
class Pool {
 public:
  Pool(const std::string& scheduler, const std::vector<uint32_t>& weights, uint32_t flags = 0, bool is_v4 = true)
      : scheduler_{scheduler}, flags_{flags}, is_v4_{is_v4} {
    std::vector<uint32_t> slots(weights.size());
    std::iota(slots.begin(), slots.end(), 0);
    configure(weights, slots);
  }

  // The list as it is from now on; destinations are known by their slots.
  void configure(const std::vector<uint32_t>& weights, const std::vector<uint32_t>& slots) {
    Service service;
    service.scheduler = find_scheduler(scheduler_);
    service.scheduler_flags = flags_;
    service.is_v4 = is_v4_;
    for (size_t i = 0; i < weights.size(); ++i) service.destinations.push_back(destination(weights[i], slots[i]));
    SnapshotParts parts;
    parts.services.push_back(std::move(service));
    snapshot_ = std::make_unique<Snapshot>(std::move(parts));
  }
  void configure(const std::vector<uint32_t>& weights) {
    std::vector<uint32_t> slots(weights.size());
    std::iota(slots.begin(), slots.end(), 0);
    configure(weights, slots);
  }

  // The slot, or kNobody.
  int pick(const Address& client, uint16_t port = 0, const Address& target = scene::address("203.0.113.10")) {
    const Key key{client, target, to_wire(port), to_wire(80), kTcp};
    const Service& service = snapshot_->services()[0];
    const Destination* picked = service.scheduler->pick({service, state, key, slots.get(), loads.get()});
    if (picked == nullptr) return kNobody;
    // What is not in the list is nobody's.
    REQUIRE(picked >= service.destinations.data());
    REQUIRE(picked < service.destinations.data() + service.destinations.size());
    return static_cast<int>(picked->slot);
  }
  int pick() { return pick(client(next_client_++)); }

  // Picks of as many clients, each of which then has an active flow.
  std::vector<uint32_t> serve(uint32_t clients) {
    std::vector<uint32_t> served(kSlots);
    for (uint32_t i = 0; i < clients; ++i) {
      const int picked = pick();
      REQUIRE(picked != kNobody);
      ++served[static_cast<size_t>(picked)];
      Load::add(loads[static_cast<size_t>(picked)].active, 1);
    }
    return served;
  }

  [[nodiscard]] Address client(uint32_t number) const {
    if (is_v4_) return scene::address("198.51." + std::to_string(100 + number / 256) + "." + std::to_string(number % 256));
    std::array<char, 8> hex{};
    std::snprintf(hex.data(), hex.size(), "%x", number);
    return scene::address(std::string("2001:db8:7::") + hex.data());
  }

  void load(uint32_t slot, uint32_t active, uint32_t inactive = 0) {
    loads[slot].active.store(active);
    loads[slot].inactive.store(inactive);
  }

  SchedulerState state;
  std::unique_ptr<DestinationSlot[]> slots = std::make_unique<DestinationSlot[]>(kSlots);
  std::unique_ptr<Load[]> loads = std::make_unique<Load[]>(kSlots);

 private:
  Destination destination(uint32_t weight, uint32_t slot) {
    if (weight != 0) slots[slot].last_weight = weight;
    std::array<char, 8> hex{};
    std::snprintf(hex.data(), hex.size(), is_v4_ ? "%u" : "%x", slot + 1);
    return {scene::address(std::string(is_v4_ ? "10.11.12." : "fd00:11:12::") + hex.data()),
            to_wire(8080),
            weight,
            slot,
            slots[slot].last_weight,
            true};
  }

  std::string scheduler_;
  uint32_t flags_;
  bool is_v4_;
  std::unique_ptr<Snapshot> snapshot_;
  uint32_t next_client_ = 0;
};

template <typename Check>
void for_each_scheduler(Check&& check) {
  for (const SchedulerRow& row : kSchedulers) {
    for (const uint32_t flags : {0U, kFallback, kWithPort, kFallback | kWithPort}) {
      CAPTURE(row.name);
      CAPTURE(flags);
      check(std::string(row.name), flags);
    }
  }
}

std::string picks(Pool& pool, uint32_t count) {
  std::string text;
  for (uint32_t i = 0; i < count; ++i) {
    const int picked = pool.pick();
    text += picked == kNobody ? "-" : std::to_string(picked);
  }
  return text;
}

}  // namespace

TEST_CASE("every scheduler finds nobody where there is nobody") {
  for_each_scheduler([](const std::string& name, uint32_t flags) {
    Pool empty{name, {}, flags};
    Pool quiesced{name, {0, 0, 0}, flags};
    Pool overloaded{name, {1, 5, 3}, flags};
    for (uint32_t slot = 0; slot < 3; ++slot) overloaded.slots[slot].overloaded = true;
    for (int i = 0; i < 50; ++i) {
      CHECK(empty.pick() == kNobody);
      CHECK(quiesced.pick() == kNobody);
      CHECK(overloaded.pick() == kNobody);
    }
  });
}

TEST_CASE("every scheduler picks only from the list, never weight 0, never an overloaded one, however all of it changes") {
  for_each_scheduler([](const std::string& name, uint32_t flags) {
    std::mt19937 random{42};
    Pool pool{name, {}, flags};
    uint32_t wrong = 0;
    for (int round = 0; round < 150; ++round) {
      std::vector<uint32_t> slots(20), weights;
      std::iota(slots.begin(), slots.end(), 0);
      std::shuffle(slots.begin(), slots.end(), random);
      slots.resize(random() % 12);
      for (size_t i = 0; i < slots.size(); ++i) weights.push_back(random() % 3 == 0 ? 0 : 1 + random() % (round % 2 == 0 ? 5 : 65535));
      pool.configure(weights, slots);
      for (uint32_t slot = 0; slot < 20; ++slot) {
        pool.slots[slot].overloaded = random() % 4 == 0;
        pool.load(slot, random() % 10, random() % 1000);
      }
      for (int i = 0; i < 30; ++i) {
        const int picked = pool.pick();
        if (picked == kNobody) continue;
        const auto at = std::ranges::find(slots, static_cast<uint32_t>(picked));
        wrong += at == slots.end() || weights[static_cast<size_t>(at - slots.begin())] == 0 ||
                 pool.slots[static_cast<size_t>(picked)].overloaded;
      }
    }
    CHECK(wrong == 0);
  });
}

TEST_CASE("every scheduler but those that keep clients where they are finds the only one that is left") {
  for_each_scheduler([](const std::string& name, uint32_t flags) {
    if (name == "dh" || ((name == "sh" || name == "mh") && (flags & kFallback) == 0)) return;
    Pool pool{name, {3, 3, 3, 1, 3}, flags};
    for (const uint32_t slot : {0, 1, 2, 4}) pool.slots[slot].overloaded = true;
    for (int i = 0; i < 50; ++i) CHECK(pool.pick() == 3);
  });
}

TEST_CASE("weights far apart do not make wrr's next round hard to find") {
  Pool pool{"wrr", {4'000'000'000, 7, 5}};
  pool.slots[0].overloaded = true;
  // 7 and 5 in rounds of 1: both in five of seven, then the heavier alone in two.
  const std::string cycle = "12121212121" + std::string("1");
  std::string seen = picks(pool, 24);
  CHECK(std::ranges::count(seen, '1') == 14);
  CHECK(std::ranges::count(seen, '2') == 10);
}

TEST_CASE("flows are shared out as the weights say, or evenly") {
  struct Row {
    const char* scheduler;
    std::vector<uint32_t> weights;
    std::vector<double> shares;
    double tolerance;
  };
  const Row rows[] = {
      {"rr", {5, 1, 9}, {1. / 3, 1. / 3, 1. / 3}, 0.001},
      {"wrr", {3, 2, 1}, {1. / 2, 1. / 3, 1. / 6}, 0.001},
      {"wrr", {30, 0, 10}, {3. / 4, 0, 1. / 4}, 0.001},
      {"lc", {5, 1, 9}, {1. / 3, 1. / 3, 1. / 3}, 0.001},
      {"wlc", {3, 2, 1}, {1. / 2, 1. / 3, 1. / 6}, 0.001},
      {"wlc", {65535, 1, 0}, {1, 0, 0}, 0.001},
      {"sed", {3, 2, 1}, {1. / 2, 1. / 3, 1. / 6}, 0.001},
      {"nq", {3, 2, 1}, {1. / 2, 1. / 3, 1. / 6}, 0.001},
      {"sh", {1, 1, 2}, {1. / 4, 1. / 4, 1. / 2}, 0.05},
      {"mh", {3, 2, 1}, {1. / 2, 1. / 3, 1. / 6}, 0.05},
      {"mh", {300, 200, 100}, {1. / 2, 1. / 3, 1. / 6}, 0.05},
      {"fo", {3, 2, 1}, {1, 0, 0}, 0},
      // Two draws and the emptier of them: nearer to the weights than one draw is.
      {"twos", {3, 2, 1}, {1. / 2, 1. / 3, 1. / 6}, 0.02},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scheduler);
    constexpr uint32_t kClients = 6000;
    Pool pool{row.scheduler, row.weights};
    const std::vector<uint32_t> served = pool.serve(kClients);
    for (size_t i = 0; i < row.shares.size(); ++i) {
      CAPTURE(i);
      CHECK(std::abs(served[i] / double{kClients} - row.shares[i]) <= row.tolerance);
    }
  }
}

TEST_CASE("whom the schedulers that count flows pick") {
  struct Row {
    const char* why;
    const char* scheduler;
    std::vector<uint32_t> weights;
    std::vector<std::array<uint32_t, 2>> loads;  // active, inactive
    int picked;
  };
  const Row rows[] = {
      {"of equals the first", "lc", {1, 1, 1}, {{2, 0}, {1, 5}, {1, 5}}, 1},
      {"256 inactive flows are less than an active one", "lc", {1, 1}, {{1, 0}, {0, 256}}, 1},
      {"257 are as much: the first", "lc", {1, 1}, {{1, 0}, {0, 257}}, 0},
      {"258 are more", "lc", {1, 1}, {{0, 258}, {1, 0}}, 1},
      {"lc has no eye for weights but 0", "lc", {1, 9, 0}, {{2, 0}, {3, 0}, {0, 0}}, 0},
      {"of idle ones the first, not the heaviest", "wlc", {1, 9}, {{0, 0}, {0, 0}}, 0},
      {"flows over weight", "wlc", {1, 9}, {{1, 0}, {8, 0}}, 1},
      {"equal quotients: the first", "wlc", {1, 9}, {{1, 0}, {9, 0}}, 0},
      {"products larger than 64 bits", "wlc", {4294967295, 4294967294}, {{4294967294, 0}, {4294967295, 0}}, 0},
      {"the heaviest of idle ones, as the one to come is counted", "sed", {1, 9, 9}, {{0, 0}, {0, 0}, {0, 0}}, 1},
      {"nine of weight nine wait less than one of weight one", "sed", {1, 9}, {{0, 0}, {7, 0}}, 1},
      {"until it is as long", "sed", {1, 9}, {{0, 0}, {8, 0}}, 0},
      {"sed does not count inactive flows", "sed", {1, 1}, {{0, 1000}, {0, 0}}, 0},
      {"the first idle one, however light", "nq", {9, 1, 1}, {{1, 0}, {0, 1000}, {0, 0}}, 1},
      {"none is idle: as sed", "nq", {9, 1}, {{1, 0}, {1, 0}}, 0},
      {"one that is idle with weight 0 does not count", "nq", {1, 0}, {{5, 0}, {0, 0}}, 0},
      {"the heaviest", "fo", {1, 3, 2}, {{0, 0}, {99, 0}, {0, 0}}, 1},
      {"of equals the first", "fo", {1, 3, 3}, {{0, 0}, {0, 0}, {0, 0}}, 1},
      {"the heaviest while it has no more than its weight", "ovf", {1, 3, 2}, {{0, 0}, {3, 99}, {0, 0}}, 1},
      {"then the next", "ovf", {1, 3, 2}, {{0, 0}, {4, 0}, {0, 0}}, 2},
      {"and then nobody", "ovf", {1, 3, 2}, {{2, 0}, {4, 0}, {3, 0}}, kNobody},
      {"of equals the first", "ovf", {3, 3}, {{1, 0}, {0, 0}}, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scheduler);
    CAPTURE(row.why);
    Pool pool{row.scheduler, row.weights};
    for (uint32_t slot = 0; slot < row.loads.size(); ++slot) pool.load(slot, row.loads[slot][0], row.loads[slot][1]);
    CHECK(pool.pick() == row.picked);
  }
}

// Worked out with another implementation of what Linux 6.1 does (ip_vs_sh.c, ip_vs_dh.c, ip_vs_mh.c, lib/siphash.c, linux/hash.h): clients
// 198.51.100.0 to .39 or 2001:db8:7::0 to ::27, which are virtual addresses for dh; destinations 10.11.12.1 or fd00:11:12::1 and on, port
// 8080.
TEST_CASE("hashing schedulers lead to the same destination as IPVS") {
  struct Row {
    const char* scheduler;
    std::vector<uint32_t> weights;
    bool is_v4;
    uint16_t port;  // 0 = without
    const char* picked;
  };
  const Row rows[] = {
      {"sh", {3, 2, 1}, true, 0, "0002010100101212110101202000000101211010"},
      {"sh", {3, 2, 1}, true, 40000, "0100201000010121201010120200000010100101"},
      {"sh", {3, 2, 1}, false, 0, "1012120201012120002010001212010001001010"},
      {"sh", {3, 2, 1}, false, 40000, "0101212000101201120200002121101010100101"},
      {"sh", {1, 1, 1, 1, 1, 1, 1}, true, 0, "2550003355510033655114336651144366621444"},
      {"sh", {1, 1, 1, 1, 1, 1, 1}, false, 40000, "4446622244366611433665110336551103355510"},
      {"mh", {3, 2, 1}, true, 0, "1211010020011112201100110001120120200010"},
      {"mh", {3, 2, 1}, true, 40000, "0100100020001120101000010011212102120001"},
      {"mh", {3, 2, 1}, false, 0, "0020002101000012211200120221000000001110"},
      {"mh", {3, 2, 1}, false, 40000, "0100010000010102112100220021211100021021"},
      {"mh", {1, 1, 1, 1, 1, 1, 1}, true, 0, "1443613023515642203433513435123466304465"},
      {"mh", {1000, 250, 7}, true, 0, "1010010010011000201000010000000100000000"},
      {"mh", {1000, 250, 7}, false, 40000, "0100010000000000010000000000011100000020"},
      {"dh", {3, 2, 1}, true, 0, "2022101002120202010101212120202010201210"},
      {"dh", {3, 2, 1}, false, 0, "1012021221102022012100200202010210121210"},
      {"dh", {1, 1, 1, 1, 1, 1, 1}, true, 0, "2550003355510033655114336651144366621444"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scheduler);
    CAPTURE(row.port);
    Pool pool{row.scheduler, row.weights, row.port == 0 ? 0 : kWithPort, row.is_v4};
    std::string picked;
    for (uint32_t i = 0; i < 40; ++i) {
      const bool by_target = std::string(row.scheduler) == "dh";
      const Address varying = pool.client(i), fixed = pool.client(77);
      picked += std::to_string(by_target ? pool.pick(fixed, row.port, varying) : pool.pick(varying, row.port));
    }
    CHECK(picked == row.picked);
  }
}

TEST_CASE("sh and mh keep a client with its destination, whatever the others do, and by port only when told") {
  for (const char* name : {"sh", "mh"}) {
    CAPTURE(name);
    Pool pool{name, {1, 1, 1, 1}}, with_port{name, {1, 1, 1, 1}, kWithPort};
    std::array<bool, 4> seen{};
    for (uint16_t port = 1024; port < 1124; ++port) {
      CHECK(pool.pick(pool.client(7), port) == pool.pick(pool.client(7), 1));
      seen[static_cast<size_t>(with_port.pick(pool.client(7), port))] = true;
    }
    CHECK(std::ranges::all_of(seen, std::identity{}));
  }
}

TEST_CASE("clients of a destination that is not available get nobody, or with fallback others, always the same") {
  for (const char* name : {"sh", "mh"}) {
    CAPTURE(name);
    Pool whole{name, {2, 2, 2, 2}}, strict{name, {2, 2, 2, 2}}, lenient{name, {2, 2, 2, 2}, kFallback};
    strict.slots[1].overloaded = true;
    lenient.slots[1].overloaded = true;
    std::array<bool, 4> seen{};
    for (uint32_t i = 0; i < 400; ++i) {
      const Address client = whole.client(i);
      const int own = whole.pick(client);
      CHECK(strict.pick(client) == (own == 1 ? kNobody : own));
      const int other = lenient.pick(client);
      CHECK(lenient.pick(client) == other);
      if (own != 1) CHECK(other == own);
      if (own == 1) seen[static_cast<size_t>(other)] = true;
    }
    // They are not all sent to one.
    CHECK(std::ranges::count(seen, true) >= 2);
  }
}

TEST_CASE("a destination that is quiesced keeps its places with mh: nobody else's clients move, and its own come back") {
  Pool pool{"mh", {3, 2, 1}, kFallback};
  std::vector<int> before;
  for (uint32_t i = 0; i < 1000; ++i) before.push_back(pool.pick(pool.client(i)));
  pool.configure({3, 0, 1});
  for (uint32_t i = 0; i < 1000; ++i) {
    const int now = pool.pick(pool.client(i));
    if (before[i] == 1) CHECK(now != 1);
    if (before[i] != 1) CHECK(now == before[i]);
  }
  pool.configure({3, 2, 1});
  for (uint32_t i = 0; i < 1000; ++i) CHECK(pool.pick(pool.client(i)) == before[i]);
}

TEST_CASE("when one of ten destinations goes, mh moves few clients of the other nine") {
  Pool pool{"mh", std::vector<uint32_t>(10, 1)};
  std::vector<int> before;
  for (uint32_t i = 0; i < 5000; ++i) before.push_back(pool.pick(pool.client(i)));
  pool.configure(std::vector<uint32_t>(9, 1), {0, 1, 2, 3, 5, 6, 7, 8, 9});
  uint32_t others = 0, moved = 0;
  for (uint32_t i = 0; i < 5000; ++i) {
    if (before[i] == 4) continue;
    ++others;
    moved += pool.pick(pool.client(i)) != before[i];
  }
  CHECK(moved * 100 < others * 5);
}

TEST_CASE("more destinations than mh has places: the first of them have one each") {
  Pool pool{"mh", {1}};
  SnapshotParts parts;
  Service service;
  service.scheduler = find_scheduler("mh");
  for (uint32_t i = 0; i < 5000; ++i)
    service.destinations.push_back({scene::address("10.11.12.1"), to_wire(static_cast<uint16_t>(i + 1)), 1, i});
  parts.services.push_back(service);
  const Snapshot snapshot{std::move(parts)};
  const auto& table = snapshot.services()[0].table;
  CHECK(table.size() == 4093);
  CHECK(std::ranges::max(table) == 4092);
}

TEST_CASE("rr goes on behind the one it picked last, wherever that stands in the new list") {
  struct Row {
    const char* what;
    std::vector<uint32_t> slots;  // of the new list, after 0, 1 of 0 1 2 3 had their turn
    const char* next;
  };
  const Row rows[] = {
      {"nothing changed", {0, 1, 2, 3}, "2301"},   {"one before it went", {1, 2, 3}, "231"},
      {"one behind it went", {0, 1, 3}, "301"},    {"it went itself", {0, 2, 3}, "230"},
      {"it went, and all behind it", {0}, "000"},  {"it went, and others too: about where it was", {2, 3}, "323"},
      {"one came before it", {4, 0, 1, 2}, "240"}, {"one came behind it", {0, 1, 4, 2}, "420"},
      {"all are others", {5, 6, 7}, "675"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Pool pool{"rr", {1, 1, 1, 1}};
    CHECK(picks(pool, 2) == "01");
    pool.configure(std::vector<uint32_t>(row.slots.size(), 1), row.slots);
    CHECK(picks(pool, static_cast<uint32_t>(std::string(row.next).size())) == row.next);
  }
}

TEST_CASE("wrr's rounds, and what a change makes of them") {
  struct Row {
    const char* what;
    std::vector<uint32_t> weights;
    uint32_t before;
    std::vector<uint32_t> changed;
    const char* next;
  };
  const Row rows[] = {
      {"the last round of a cycle is the first of all", {3, 2, 1}, 0, {3, 2, 1}, "012001012001"},
      {"multiples make the same rounds", {30, 20, 10}, 0, {30, 20, 10}, "012001012001"},
      {"nothing changed: it goes on", {3, 2, 1}, 4, {3, 2, 1}, "01012001"},
      {"a change begins at the head, in the same round", {3, 2, 1}, 5, {3, 2, 2}, "012012001"},
      {"in a lower one when there is none so high any more", {3, 2, 1}, 4, {1, 1, 1}, "012012"},
      {"all became 0", {3, 2, 1}, 4, {0, 0, 0}, "---"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Pool pool{"wrr", row.weights};
    picks(pool, row.before);
    pool.configure(row.changed);
    CHECK(picks(pool, static_cast<uint32_t>(std::string(row.next).size())) == row.next);
  }
}

TEST_CASE("rr and wrr begin anywhere when there is chance in it, and then take their turns") {
  for (const char* name : {"rr", "wrr"}) {
    CAPTURE(name);
    std::array<bool, 3> seen{};
    for (uint64_t random = 1; random <= 30; ++random) {
      Pool pool{name, {1, 1, 1}};
      pool.state.random = random;
      const std::string text = picks(pool, 6);
      CHECK(text.substr(0, 3) == text.substr(3));
      CHECK(std::string("01201").find(text.substr(0, 3)) != std::string::npos);
      seen[static_cast<size_t>(text[0] - '0')] = true;
    }
    CHECK(std::ranges::all_of(seen, std::identity{}));
  }
}

TEST_CASE("two choices are the same from the same seed, differ with it, and prefer the emptier") {
  Pool one{"twos", {1, 1, 1, 1}}, same{"twos", {1, 1, 1, 1}}, other{"twos", {1, 1, 1, 1}};
  other.state.random = 5;
  const std::string first = picks(one, 60);
  CHECK(first == picks(same, 60));
  CHECK(first != picks(other, 60));
  Pool loaded{"twos", {1, 1}};
  loaded.load(0, 100);
  // The loaded one only if both draws fall on it: 2/3 of 2/3, as the first has one chance more.
  const std::string many = picks(loaded, 3000);
  CHECK(std::abs(static_cast<double>(std::ranges::count(many, '0')) / 3000 - 4. / 9) < 0.04);
}
