// A question about a packet and its answer, converted.
#pragma once

#include <napi.h>

#include <functional>
#include <string>

#include "engine/explain.h"
#include "engine/slot_directory.h"

namespace natlb {

// dataplane/protocol.ts: PacketQuestion.
PacketQuestion packet_question_from(const Napi::Object& from);

// dataplane/protocol.ts: Explanation. `interface_name`: of a position in the routes that were asked.
struct ExplanationContext {
  const Block& block;
  const SlotDirectory& directory;
  uint32_t now;
  std::function<std::string(uint32_t)> interface_name;
};
Napi::Object explanation_object(Napi::Env env, const Explanation& explanation, const ExplanationContext& context);

}  // namespace natlb
