// What a process finds in the block that another left behind, whole, torn or made for another size; and slots that are still needed.
#include <doctest/doctest.h>

#include <unistd.h>

#include <string>

#include "core/flow_table.h"
#include "engine/flow_memory.h"
#include "engine/slot_directory.h"
#include "scene.h"

using namespace natlb;

namespace {

constexpr HashSecret kSecret{{1, 2, 3, 4}};

WantedSnapshot wanted(const std::vector<const char*>& destinations) {
  WantedService service;
  service.name = "[203.0.113.10]:tcp:80";
  service.scheduler = "rr";
  service.listeners.push_back({scene::address("203.0.113.10"), kTcp, 80, 80});
  for (const char* one : destinations) service.destinations.push_back({scene::address(one), to_wire(8080)});
  WantedSnapshot snapshot;
  snapshot.services.push_back(service);
  return snapshot;
}

Flow flow_to(const Service& service, uint16_t client_port) {
  Flow flow{};
  flow.client = scene::address("198.51.100.7");
  flow.client_port = client_port;
  flow.protocol = kTcp;
  flow.state = FlowState::ESTABLISHED;
  flow.virtual_port = to_wire(80);
  flow.destination_port = to_wire(8080);
  flow.virtual_address = service.listeners[0].slot;
  flow.destination = service.destinations[0].slot;
  flow.expires_at = 1000;
  return flow;
}

Flow* find(const FlowTable& flows, const Flow& flow) {
  const Key key = flows.forward_key(flow);
  return flows.find(key, flows.hash_of(key)).flow;
}

struct Router {
  explicit Router(uint32_t max_flows) : memory{"", Block::bytes(max_flows)}, block{memory.data(), max_flows}, flows{block, kSecret, 0} {}
  FlowMemory memory;
  Block block;
  FlowTable flows;
  SlotDirectory directory{block, 0};
};

}  // namespace

TEST_CASE("a block made for another number of flows leaves nothing behind, though it has the same number of bytes") {
  REQUIRE(Block::bytes(64) == Block::bytes(60));
  Router before{64};
  const Snapshot snapshot = before.directory.build(wanted({"10.11.12.1"}));
  const Flow flow = flow_to(snapshot.services()[0], 5000);
  REQUIRE(before.flows.insert(flow) != nullptr);

  Block block{before.memory.data(), 60};
  REQUIRE_FALSE(block.found());
  FlowTable flows{block, kSecret, 0};
  CHECK(block.addresses[flow.virtual_address].in_use == 0);
  block.addresses[flow.virtual_address].address = scene::address("203.0.113.10");
  CHECK(find(flows, flow) == nullptr);
  flows.expire(2000, UINT32_MAX, [](const Flow&) {});
  CHECK(flows.entries() == 0);
}

TEST_CASE("a record whose protocol and state contradict each other is not adopted") {
  Router before{64};
  const Snapshot snapshot = before.directory.build(wanted({"10.11.12.1"}));
  before.flows.insert(flow_to(snapshot.services()[0], 5000))->state = FlowState::UDP;
  before.flows.insert(flow_to(snapshot.services()[0], 5001))->protocol = kUdp;
  before.flows.insert(flow_to(snapshot.services()[0], 5002));
  Block block{before.memory.data(), 64};
  CHECK(FlowTable{block, kSecret, 1}.entries() == 1);
}

TEST_CASE("a destination of a service that does not exist is given up at once") {
  Router before{64};
  const Snapshot snapshot = before.directory.build(wanted({"10.11.12.1", "10.11.12.2"}));
  before.block.destinations[snapshot.services()[0].destinations[0].slot].service = UINT32_MAX;
  before.block.destinations[snapshot.services()[0].destinations[1].slot].service = kMaxServices - 1;
  SlotDirectory directory{before.block, 0};
  directory.collect(directory.build(wanted({})));
  CHECK(before.block.destinations[snapshot.services()[0].destinations[0].slot].in_use == 0);
  CHECK(before.block.destinations[snapshot.services()[0].destinations[1].slot].in_use == 0);
}

TEST_CASE("a slot is not given up while its only flow is on the way from one state to another") {
  Router router{64};
  const Snapshot snapshot = router.directory.build(wanted({"10.11.12.1"}));
  Flow* flow = router.flows.insert(flow_to(snapshot.services()[0], 5000));
  REQUIRE(flow != nullptr);
  DestinationSlot& slot = router.block.destinations[flow->destination];
  const Snapshot without = router.directory.build(wanted({}));
  Load& load = router.block.loads[flow->destination];
  load.active = 0;  // as change_state leaves it for a moment: counted neither here nor there
  router.directory.collect(without);
  CHECK(slot.in_use == 1);
  load.active = 1;
  router.flows.remove(*flow);
  router.directory.collect(without);
  CHECK(slot.in_use == 0);
}

TEST_CASE("flows do not last in a file system that has no room for all of them") {
  const std::string file = "/dev/shm/natlb-test-" + std::to_string(::getpid());
  const bool fits = FlowMemory{file, size_t{1} << 20}.lasting();
  const bool too_large = FlowMemory{file, size_t{1} << 42}.lasting();
  const bool again = FlowMemory{file, size_t{1} << 20}.lasting();
  ::unlink(file.c_str());
  CHECK(fits);
  CHECK_FALSE(too_large);
  CHECK(again);
}
