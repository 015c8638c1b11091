// What can be read of a running data plane, as the JavaScript values of dataplane/protocol.ts.
#pragma once

#include <napi.h>

#include "core/forward.h"
#include "engine/slot_directory.h"
#include "io/device.h"

namespace natlb {

Napi::Array services_array(Napi::Env env, const Snapshot& snapshot, const SlotDirectory& directory, const Block& block);
Napi::Object total_object(Napi::Env env, const SlotDirectory& directory);
// Every verdict, zeros included.
Napi::Array verdicts_array(Napi::Env env, const Forwarder& forwarder);
Napi::Object device_object(Napi::Env env, const Device& device);
// Flows that the data plane ended by itself.
Napi::Object ended_object(Napi::Env env, const Forwarder& forwarder);
Napi::Object flow_table_object(Napi::Env env, const FlowTable& flows);

}  // namespace natlb
