// A UDP socket that tells with each packet what TTL it came with (RFC 5881 5): Node's does not.
#pragma once

#include <napi.h>

namespace natlb {

// Adds HopSocket to the addon; see control/host/addon.ts.
void define_hop_socket(Napi::Env env, Napi::Object exports);

}  // namespace natlb
