// The descriptor is watched by libuv, whose handle outlives whoever started it by a turn of the loop.
#include "host/watch.h"

#include <uv.h>

#include <memory>
#include <utility>

namespace natlb {

// The addon must not be unloaded before this is gone.
struct Watch::State {
  uv_poll_t poll{};
  Watch* owner = nullptr;
  Napi::ObjectReference self;
  Napi::FunctionReference on_readable;
  napi_async_cleanup_hook_handle hook = nullptr;

  void call() {
    const Napi::Env env = self.Env();
    const Napi::HandleScope scope{env};
    try {
      on_readable.MakeCallback(self.Value(), {});
    } catch (const Napi::Error& error) {
      napi_fatal_exception(env, error.Value());
    }
  }
};

void Watch::start(Napi::Env env, int fd, const Napi::Object& self, const Napi::Function& on_readable) {
  auto state = std::make_unique<State>();
  state->owner = this;
  state->poll.data = state.get();
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || uv_poll_init(loop, &state->poll, fd) != 0) {
    throw Napi::Error::New(env, "cannot watch the netlink socket");
  }
  state->self = Napi::Persistent(self);
  state->on_readable = Napi::Persistent(on_readable);
  state_ = state.release();
  napi_add_async_cleanup_hook(
      env, [](auto, void* ending) { static_cast<State*>(ending)->owner->stop(); }, state_, &state_->hook);
  uv_unref(reinterpret_cast<uv_handle_t*>(&state_->poll));
  uv_poll_start(&state_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) { static_cast<State*>(poll->data)->call(); });
}

void Watch::stop() {
  if (state_ == nullptr) return;
  State* state = std::exchange(state_, nullptr);
  uv_poll_stop(&state->poll);
  state->self.Reset();
  state->on_readable.Reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&state->poll), [](uv_handle_t* handle) {
    const std::unique_ptr<State> closed{static_cast<State*>(handle->data)};
    napi_remove_async_cleanup_hook(closed->hook);
  });
}

}  // namespace natlb
