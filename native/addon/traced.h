// Traced packets as JavaScript values: dataplane/protocol.ts, Trace.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "engine/trace_ring.h"
#include "io/device.h"

namespace natlb {

// Names of verdicts; none at all means every verdict. Throws std::invalid_argument for what is no verdict.
VerdictSet verdicts_from(const Napi::Array& names);
Napi::Object traced_object(Napi::Env env, TraceRing& ring, const std::vector<std::unique_ptr<Device>>& devices);

}  // namespace natlb
