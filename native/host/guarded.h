// Where the kernel's refusals become JavaScript's errors.
#pragma once

#include <napi.h>

#include <system_error>

namespace natlb {

// Runs `act`; what it throws becomes an error in JavaScript.
template <typename Act>
auto guarded(Napi::Env env, const Act& act) {
  try {
    return act();
  } catch (const std::system_error& error) {
    throw Napi::Error::New(env, error.what());
  }
}

}  // namespace natlb
