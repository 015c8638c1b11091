// Declares the JavaScript classes of the addon.
#pragma once

#include <napi.h>

namespace natlb {

Napi::Function define_engine(Napi::Env env);
Napi::Function define_memory_router(Napi::Env env);

}  // namespace natlb
