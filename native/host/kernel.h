// The part of the `host` addon for routes, rules and whatever else control asks of the kernel. Types in control/host/addon.ts.
#pragma once

#include <napi.h>

namespace natlb {

void define_kernel(Napi::Env env, Napi::Object exports);

}  // namespace natlb
