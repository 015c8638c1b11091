// The `forwarder` addon: everything JavaScript sees of the data plane.
#include <napi.h>

#include "addon/engine_object.h"
#include "core/scheduler.h"

namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Engine", natlb::define_engine(env));
  exports.Set("MemoryRouter", natlb::define_memory_router(env));
  Napi::Array schedulers = Napi::Array::New(env);
  for (const natlb::SchedulerRow& row : natlb::kSchedulers) schedulers.Set(schedulers.Length(), std::string(row.name));
  exports.Set("schedulers", schedulers);
  return exports;
}

}  // namespace

NODE_API_MODULE(forwarder, initialize)
