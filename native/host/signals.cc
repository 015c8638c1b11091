// Signals that Node has no names for, by libuv's own handles.
#include "host/signals.h"

#include <uv.h>

#include <memory>
#include <string>

namespace natlb {

namespace {

// What libuv holds: the addon must not be unloaded before it is gone.
struct Watch {
  uv_signal_t signal;
  Napi::FunctionReference listener;
  napi_async_cleanup_hook_handle hook;
};

void hear(uv_signal_t* signal, int) {
  const Napi::FunctionReference& listener = static_cast<Watch*>(signal->data)->listener;
  const Napi::HandleScope scope{listener.Env()};
  try {
    listener.MakeCallback(listener.Env().Global(), {});
  } catch (const Napi::Error& error) {
    napi_fatal_exception(listener.Env(), error.Value());
  }
}

void end(napi_async_cleanup_hook_handle, void* ending) {
  auto* watch = static_cast<Watch*>(ending);
  watch->listener.Reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->signal), [](uv_handle_t* handle) {
    const std::unique_ptr<Watch> gone{static_cast<Watch*>(handle->data)};
    napi_remove_async_cleanup_hook(gone->hook);
  });
}

}  // namespace

void on_signal(const Napi::CallbackInfo& info) {
  const int number = info[0].As<Napi::Number>();
  uv_loop_t* loop = nullptr;
  auto watch = std::make_unique<Watch>();
  if (napi_get_uv_event_loop(info.Env(), &loop) != napi_ok || uv_signal_init(loop, &watch->signal) != 0) {
    throw Napi::Error::New(info.Env(), "cannot hear signals");
  }
  Watch* held = watch.release();
  held->signal.data = held;
  held->listener = Napi::Persistent(info[1].As<Napi::Function>());
  napi_add_async_cleanup_hook(info.Env(), end, held, &held->hook);
  uv_unref(reinterpret_cast<uv_handle_t*>(&held->signal));
  if (uv_signal_start(&held->signal, hear, number) != 0) {
    throw Napi::Error::New(info.Env(), "cannot hear signal " + std::to_string(number));
  }
}

}  // namespace natlb
