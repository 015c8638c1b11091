// Calls a JavaScript function whenever a descriptor is readable, on its loop, without keeping the process alive.
#pragma once

#include <napi.h>

namespace natlb {

class Watch {
 public:
  Watch() = default;
  ~Watch() { stop(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // `self` is what the function is called on; it stays alive until stop(). The descriptor must stay open until then. Ends by itself with
  // its environment.
  void start(Napi::Env env, int fd, const Napi::Object& self, const Napi::Function& on_readable);
  void stop();
  [[nodiscard]] bool runs() const noexcept { return state_ != nullptr; }

 private:
  struct State;
  State* state_ = nullptr;
};

}  // namespace natlb
