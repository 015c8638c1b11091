// What would happen now to a packet of a client: found out by sending one through the real pipeline, over a table of its own into which the
// flows, slots and loads that it could meet are copied. Nothing that runs changes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/flow_table.h"
#include "core/snapshot.h"

namespace natlb {

// Ports in network order.
struct PacketQuestion {
  uint8_t protocol;
  Address client;
  uint16_t client_port;
  Address service;
  uint16_t service_port;
};

struct Candidate {
  Address address;
  uint16_t port;  // network order; 0 = the one the client asks for
  uint32_t weight, active, inactive, persistent;
  bool overloaded;
};

struct Explanation {
  std::optional<uint32_t> service;  // slot
  bool is_local = false;            // the host holds the service's address
  std::vector<Candidate> candidates;
  std::optional<Flow> flow, kept;  // as they are now: the packet's own, and the template that keeps the client with a destination
  std::optional<Candidate> chosen;
  Verdict verdict = Verdict::pending;
  // Frames, and positions in routes of the interfaces they are on; `out` is empty when nothing leaves.
  std::vector<uint8_t> in, out;
  uint32_t interface_in = kNoInterface, interface_out = kNoInterface;
  NextHop next{};  // of what leaves, or would
};

// Reads `live` beside its worker. Memory and time are bounded by the destinations of one service.
Explanation explain(const PacketQuestion& question, const View& view, const FlowTable& live, uint32_t now);

}  // namespace natlb
