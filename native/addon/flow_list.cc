// Goes through the records of the flow table beside the worker.
#include "addon/flow_list.h"

#include <algorithm>
#include <stdexcept>

#include "addon/convert.h"
#include "core/read_flow.h"

namespace natlb {

namespace {

// Records looked at in one piece, so that few matches among many flows do not make a long turn.
constexpr uint32_t kLooks = 1 << 16;

bool is_in(const Address& address, const FlowFilter::Clients& clients) {
  return (address.high() & clients.mask.high()) == clients.network.high() && (address.low() & clients.mask.low()) == clients.network.low();
}

uint16_t port_of(const Napi::Object& from) { return to_wire(static_cast<uint16_t>(number_in(from, "port"))); }

FlowFilter::Where where_in(const Napi::Object& from) { return {address_from(string_in(from, "address")), port_of(from)}; }

FlowFilter::Clients clients_in(const Napi::Object& from) {
  const Address address = address_from(string_in(from, "address"));
  const uint32_t bits = number_in(from, "prefixLength") + (address.is_v4() ? 96 : 0);
  if (bits > 128) throw std::invalid_argument("a prefix longer than the address");
  FlowFilter::Clients clients{address, address, port_of(from)};
  for (uint32_t byte = 0; byte < sizeof address.bytes; ++byte) {
    const uint32_t set = std::clamp<uint32_t>(bits, byte * 8, byte * 8 + 8) - byte * 8;
    clients.mask.bytes[byte] = static_cast<uint8_t>(0xff00 >> set);
    clients.network.bytes[byte] &= clients.mask.bytes[byte];
  }
  return clients;
}

FlowState state_from(const std::string& name) {
  for (size_t state = 0; state < kFlowStates; ++state) {
    if (row(static_cast<FlowState>(state)).text == name) return static_cast<FlowState>(state);
  }
  throw std::invalid_argument("no flow has the state " + name);
}

// Two states of different protocols may show the same name.
bool is_named(FlowState state, FlowState wanted) { return row(state).text == row(wanted).text; }

}  // namespace

bool FlowFilter::fits(const Flow& flow, const Block& block, const SlotDirectory& directory) const {
  if (state && !is_named(flow.state, *state)) return false;
  if (client && (!is_in(flow.client, *client) || (client->port != 0 && (flow.has(Flow::kTemplate) || client->port != flow.client_port)))) {
    return false;
  }
  const DestinationSlot& destination = block.destinations[flow.destination];
  const auto is_at = [](const Where& where, const Address& address, uint16_t port) {
    return where.address == address && (where.port == 0 || where.port == port);
  };
  if (server && !is_at(*server, destination.address, flow.destination_port)) return false;
  if (service && !is_at(*service, block.addresses[flow.virtual_address].address, flow.virtual_port)) return false;
  return !name || directory.name(destination.service) == *name;
}

FlowFilter flow_filter_from(const Napi::Object& from) {
  const auto given = [&](const char* name) { return from.Get(name).IsObject(); };
  FlowFilter filter;
  if (from.Get("name").IsString()) filter.name = string_in(from, "name");
  if (from.Get("state").IsString()) filter.state = state_from(string_in(from, "state"));
  if (given("service")) filter.service = where_in(object_in(from, "service"));
  if (given("server")) filter.server = where_in(object_in(from, "server"));
  if (given("client")) filter.client = clients_in(object_in(from, "client"));
  return filter;
}

Napi::Object flow_piece(Napi::Env env, const Block& block, const SlotDirectory& directory, const FlowFilter& filter, const FlowPiece& piece,
                        uint32_t now) {
  Napi::Array flows = Napi::Array::New(env);
  uint32_t matched = 0;
  uint32_t at = piece.cursor;
  for (uint32_t looks = 0; at < block.header->fresh && looks < kLooks && flows.Length() < piece.count; ++at, ++looks) {
    const std::optional<Flow> flow = read_flow(block, at);
    if (!flow || !filter.fits(*flow, block, directory)) continue;
    ++matched;
    if (piece.listed) flows.Set(flows.Length(), flow_object(env, *flow, block, directory, now));
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("flows", flows);
  object.Set("matched", number(env, matched));
  if (at < block.header->fresh) object.Set("next", number(env, at));
  return object;
}

Napi::Array flows_array(Napi::Env env, const Block& block, const SlotDirectory& directory, uint32_t now) {
  Napi::Array flows = Napi::Array::New(env);
  for (uint32_t at = 0; at < block.header->fresh; ++at) {
    if (const std::optional<Flow> flow = read_flow(block, at)) flows.Set(flows.Length(), flow_object(env, *flow, block, directory, now));
  }
  return flows;
}

Napi::Object flow_object(Napi::Env env, const Flow& flow, const Block& block, const SlotDirectory& directory, uint32_t now) {
  const bool kept = flow.has(Flow::kTemplate);
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", directory.name(block.destinations[flow.destination].service));
  object.Set("protocol", protocol_name(protocol_of(flow)));
  object.Set("template", kept);
  const auto ticks = static_cast<int32_t>(flow.expires_at - now);
  object.Set("expiresInMs", number(env, ticks > 0 ? static_cast<uint64_t>(ticks) * kMillisPerTick : 0));
  object.Set("state", std::string(row(flow.state).text));
  object.Set("client", endpoint_object(env, {flow.client, kept ? uint16_t{0} : flow.client_port}));
  object.Set("service", endpoint_object(env, {block.addresses[flow.virtual_address].address, flow.virtual_port}));
  object.Set("destination", endpoint_object(env, {block.destinations[flow.destination].address, flow.destination_port}));
  return object;
}

}  // namespace natlb
