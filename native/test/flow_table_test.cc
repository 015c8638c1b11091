// The flow table against what it promises: room for as many flows as it was made for, both legs found, time kept, and a dead process's
// flows taken over.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <vector>

#include "core/flow_table.h"
#include "engine/flow_memory.h"

using namespace natlb;

namespace {

constexpr HashSecret kSecret{{1, 2, 3, 4}}, kOtherSecret{{5, 6, 7, 8}};

struct Table {
  explicit Table(uint32_t max_flows) : memory{"", Block::bytes(max_flows)}, block{memory.data(), max_flows}, flows{block, kSecret, 0} {
    const uint8_t service[4] = {203, 0, 113, 10}, destination[4] = {10, 11, 12, 1};
    block.services[0].in_use = 1;
    block.addresses[0].address = Address::v4(service);
    block.addresses[0].in_use = 1;
    block.destinations[0].address = Address::v4(destination);
    block.destinations[0].in_use = 1;
  }
  FlowMemory memory;
  Block block;
  FlowTable flows;
};

Flow client(uint32_t number, uint32_t expires_at = 1000) {
  Flow flow{};
  const uint8_t address[4] = {198, static_cast<uint8_t>(number >> 16 & 0xff), static_cast<uint8_t>(number >> 8),
                              static_cast<uint8_t>(number)};
  flow.client = Address::v4(address);
  flow.client_port = static_cast<uint16_t>(number >> 24) + 1024;
  flow.virtual_port = 80;
  flow.destination_port = 8080;
  flow.protocol = kTcp;
  flow.state = FlowState::ESTABLISHED;
  flow.expires_at = expires_at;
  return flow;
}

Found find_forward(const FlowTable& flows, const Flow& flow) {
  const Key key = flows.forward_key(flow);
  return flows.find(key, flows.hash_of(key));
}
Found find_reverse(const FlowTable& flows, const Flow& flow) {
  const Key key = flows.reverse_key(flow);
  return flows.find(key, flows.hash_of(key));
}

}  // namespace

TEST_CASE("a table for a million flows takes a million flows, finds both legs of each, and refuses one more") {
  constexpr uint32_t kFlows = 1 << 20;
  Table table{kFlows};
  uint32_t refused = 0;
  for (uint32_t i = 0; i < kFlows; ++i) refused += table.flows.insert(client(i)) == nullptr;
  CHECK(refused == 0);
  CHECK(table.flows.insert(client(kFlows)) == nullptr);
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kFlows; ++i) {
    const Found forward = find_forward(table.flows, client(i)), reverse = find_reverse(table.flows, client(i));
    wrong += forward.flow == nullptr || forward.flow != reverse.flow || forward.leg != Leg::forward || reverse.leg != Leg::reverse;
  }
  CHECK(wrong == 0);
  CHECK(Block::bytes(kFlows) - Block::bytes(0) <= 112ull * kFlows);
  CHECK(Load::get(table.block.loads[0].active) == kFlows);
}

TEST_CASE("any order of coming and going leaves exactly the flows that should be there") {
  Table table{512};
  std::map<uint32_t, Flow*> expected;
  std::mt19937 random{20260101};
  uint32_t wrong = 0;
  for (int step = 0; step < 200'000; ++step) {
    const uint32_t number = random() % 700;
    const auto known = expected.find(number);
    wrong += find_forward(table.flows, client(number)).flow != (known == expected.end() ? nullptr : known->second);
    if (known != expected.end()) {
      table.flows.remove(*known->second);
      expected.erase(known);
    } else if (Flow* flow = table.flows.insert(client(number)); flow != nullptr) {
      expected[number] = flow;
    } else {
      wrong += expected.size() < 512;
    }
  }
  CHECK(wrong == 0);
  CHECK(table.flows.entries() == expected.size());
  CHECK(Load::get(table.block.loads[0].active) == expected.size());
}

TEST_CASE("flows expire at their time, also when it lies beyond one turn of the wheel") {
  for (const uint32_t expires_at : {1u, 2u, 100u, kTimerSlots - 1, kTimerSlots, kTimerSlots + 1, 3 * kTimerSlots + 7}) {
    CAPTURE(expires_at);
    Table table{16};
    REQUIRE(table.flows.insert(client(1, expires_at)) != nullptr);
    table.flows.expire(expires_at - 1, UINT32_MAX, [](const Flow&) {});
    CHECK(table.flows.entries() == 1);
    table.flows.expire(expires_at, UINT32_MAX, [](const Flow&) {});
    CHECK(table.flows.entries() == 0);
    CHECK(find_forward(table.flows, client(1)).flow == nullptr);
  }
}

TEST_CASE("a flow that is used lives on; one whose time was shortened dies earlier") {
  Table table{16};
  Flow* used = table.flows.insert(client(1, 100));
  Flow* closed = table.flows.insert(client(2, 7000));
  used->expires_at = 500;
  closed->expires_at = 80;
  table.flows.hasten(*closed);
  table.flows.expire(79, UINT32_MAX, [](const Flow&) {});
  CHECK(table.flows.entries() == 2);
  table.flows.expire(100, UINT32_MAX, [](const Flow&) {});
  CHECK(table.flows.entries() == 1);
  CHECK(find_forward(table.flows, client(1)).flow == used);
  table.flows.expire(500, UINT32_MAX, [](const Flow&) {});
  CHECK(table.flows.entries() == 0);
}

TEST_CASE("expiry does no more than its budget at once, and all of it in the end") {
  Table table{1024};
  for (uint32_t i = 0; i < 1000; ++i) table.flows.insert(client(i, 10));
  table.flows.expire(10, 300, [](const Flow&) {});
  CHECK(table.flows.entries() == 700);
  for (int round = 0; round < 3; ++round) table.flows.expire(10, 300, [](const Flow&) {});
  CHECK(table.flows.entries() == 0);
}

TEST_CASE("the next process finds the flows, and those whose record was torn are gone") {
  Table table{64};
  for (uint32_t i = 0; i < 40; ++i) table.flows.insert(client(i, 1000));
  find_forward(table.flows, client(7)).flow->live = 0;                        // half-created
  find_forward(table.flows, client(8)).flow->destination = kMaxDestinations;  // nonsense
  find_forward(table.flows, client(9)).flow->state = FlowState::count;
  Block block{table.memory.data(), 64};
  REQUIRE(block.found());
  FlowTable flows{block, kOtherSecret, 500};
  CHECK(flows.entries() == 37);
  for (uint32_t i = 0; i < 40; ++i) CHECK((find_forward(flows, client(i)).flow != nullptr) == (i < 7 || i > 9));
  uint32_t added = 0;
  while (flows.insert(client(1000 + added)) != nullptr) ++added;
  CHECK(added == 64 - 37);
  flows.expire(1000, UINT32_MAX, [](const Flow&) {});
  CHECK(flows.entries() == 0);
}

TEST_CASE("a block of another size or version is not taken for ours") {
  Table table{64};
  table.flows.insert(client(1));
  CHECK_FALSE(Block{table.memory.data(), 32}.found());
}
