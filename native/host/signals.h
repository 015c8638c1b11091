// Signals that Node has no names for.
#pragma once

#include <napi.h>

namespace natlb {

// onSignal(number, listener): `listener` is called for each such signal from now on. Does not keep the process alive.
void on_signal(const Napi::CallbackInfo& info);

}  // namespace natlb
