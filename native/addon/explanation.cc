// explain() between JavaScript and the engine.
#include "addon/explanation.h"

#include <stdexcept>

#include "addon/convert.h"
#include "addon/flow_list.h"

namespace natlb {

namespace {

Endpoint endpoint_in(const Napi::Object& from, const char* name) {
  const Napi::Object endpoint = object_in(from, name);
  const uint32_t port = number_in(endpoint, "port");
  if (port > UINT16_MAX) throw std::invalid_argument("a port is above 65535");
  return {address_from(string_in(endpoint, "address")), to_wire(static_cast<uint16_t>(port))};
}

std::string hex(const uint8_t* bytes, size_t length, const char* between = "") {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t at = 0; at < length; ++at) {
    if (at != 0) text += between;
    text += kDigits[bytes[at] >> 4];
    text += kDigits[bytes[at] & 15];
  }
  return text;
}

Napi::Object candidate_object(Napi::Env env, const Candidate& candidate) {
  Napi::Object object = endpoint_object(env, {candidate.address, candidate.port});
  object.Set("weight", number(env, candidate.weight));
  object.Set("active", number(env, candidate.active));
  object.Set("inactive", number(env, candidate.inactive));
  object.Set("persistent", number(env, candidate.persistent));
  object.Set("overloaded", candidate.overloaded);
  return object;
}

Napi::Object frame_object(Napi::Env env, const std::vector<uint8_t>& frame, const std::string& interface) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("interface", interface);
  object.Set("frame", hex(frame.data(), frame.size()));
  return object;
}

void set_way_out(Napi::Object object, const Explanation& explanation, const ExplanationContext& context) {
  if (explanation.out.empty()) return;
  const Napi::Env env = object.Env();
  Napi::Object out = frame_object(env, explanation.out, context.interface_name(explanation.interface_out));
  out.Set("nextHop", text_of(explanation.next.neighbour));
  if (explanation.next.resolved) out.Set("mac", hex(explanation.next.destination.bytes, sizeof explanation.next.destination.bytes, ":"));
  object.Set("out", out);
}

}  // namespace

PacketQuestion packet_question_from(const Napi::Object& from) {
  const Endpoint client = endpoint_in(from, "client");
  const Endpoint service = endpoint_in(from, "service");
  if (client.address.is_v4() != service.address.is_v4()) throw std::invalid_argument("client and service are not of one family");
  return {protocol_from(string_in(from, "protocol")), client.address, client.port, service.address, service.port};
}

Napi::Object explanation_object(Napi::Env env, const Explanation& explanation, const ExplanationContext& context) {
  Napi::Object object = Napi::Object::New(env);
  if (explanation.service) object.Set("service", context.directory.name(*explanation.service));
  object.Set("isLocal", explanation.is_local);
  Napi::Array candidates = Napi::Array::New(env);
  for (const Candidate& candidate : explanation.candidates) candidates.Set(candidates.Length(), candidate_object(env, candidate));
  object.Set("candidates", candidates);
  const auto set_flow = [&](const char* name, const std::optional<Flow>& flow) {
    if (flow) object.Set(name, flow_object(env, *flow, context.block, context.directory, context.now));
  };
  set_flow("flow", explanation.flow);
  set_flow("kept", explanation.kept);
  if (explanation.chosen) object.Set("chosen", endpoint_object(env, {explanation.chosen->address, explanation.chosen->port}));
  const VerdictRow& outcome = row(explanation.verdict);
  object.Set("verdict", std::string(outcome.name));
  object.Set("fate", outcome.fate == Fate::sent ? "sent" : outcome.fate == Fate::answered ? "answered" : "dropped");
  object.Set("help", std::string(outcome.help));
  object.Set("in", frame_object(env, explanation.in, context.interface_name(explanation.interface_in)));
  set_way_out(object, explanation, context);
  return object;
}

}  // namespace natlb
