// Between JavaScript values and the engine's types. Throws std::invalid_argument naming the value that does not fit.
#pragma once

#include <napi.h>

#include <string>

#include "core/address.h"
#include "engine/slot_directory.h"

namespace natlb {

Address address_from(const std::string& text);
std::string text_of(const Address& address);

Napi::Object object_in(const Napi::Object& from, const char* name);
Napi::Array array_in(const Napi::Object& from, const char* name);
std::string string_in(const Napi::Object& from, const char* name);
uint32_t number_in(const Napi::Object& from, const char* name);

uint8_t protocol_from(const std::string& name);
const char* protocol_name(uint8_t protocol);  // 0: ip

// dataplane/protocol.ts: Snapshot, or a SnapshotChange based on `before`.
WantedSnapshot snapshot_from(const Napi::Object& snapshot, const WantedSnapshot& before = {});

// {address, port}
Napi::Object endpoint_object(Napi::Env env, const Endpoint& endpoint);
Napi::Number number(Napi::Env env, uint64_t value);

// Calls `body`, turning what it throws into a JavaScript error: once, here.
template <typename Body>
auto guarded(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& problem) {
    throw Napi::Error::New(env, problem.what());
  }
}

}  // namespace natlb
