// The part of the `host` addon that asks the kernel what control has put together, and hears of what is ours among its routes.
#include "host/kernel.h"

#include <memory>
#include <system_error>
#include <vector>

#include "host/ask.h"
#include "host/guarded.h"
#include "host/route_news.h"
#include "host/watch.h"

namespace natlb {

namespace {

Napi::Value to_js(Napi::Env env, const Answer& answer) {
  Napi::Object object = Napi::Object::New(env);
  object["error"] = answer.error == 0 ? "" : answer.text.empty() ? std::generic_category().message(answer.error) : answer.text;
  object["code"] = answer.error;
  Napi::Array messages = Napi::Array::New(env, answer.messages.size());
  for (uint32_t at = 0; at < answer.messages.size(); ++at) {
    messages[at] = Napi::Buffer<uint8_t>::Copy(env, answer.messages[at].data(), answer.messages[at].size());
  }
  object["messages"] = messages;
  return object;
}

// askKernel(message: Uint8Array)
Napi::Value ask(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  return guarded(info.Env(),
                 [&] { return to_js(info.Env(), ask_kernel(std::vector<uint8_t>(bytes.Data(), bytes.Data() + bytes.ByteLength()))); });
}

// new RouteMonitor(onReadable, protocol, bufferBytes)
class RouteMonitor : public Napi::ObjectWrap<RouteMonitor> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "RouteMonitor", {InstanceMethod<&RouteMonitor::drain>("drain"), InstanceMethod<&RouteMonitor::close>("close")});
  }

  explicit RouteMonitor(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RouteMonitor>{info} {
    const auto protocol = static_cast<uint8_t>(info[1].As<Napi::Number>().Uint32Value());
    const int buffer_bytes = info[2].As<Napi::Number>().Int32Value();
    guarded(info.Env(), [&] { news_ = std::make_unique<OwnRouteNews>(protocol, buffer_bytes); });
    watch_.start(info.Env(), news_->fd(), Value(), info[0].As<Napi::Function>());
  }

 private:
  Napi::Value drain(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] { return Napi::Boolean::New(info.Env(), watch_.runs() && news_->drain()); });
  }

  void close(const Napi::CallbackInfo&) {
    watch_.stop();
    news_.reset();
  }

  std::unique_ptr<OwnRouteNews> news_;
  Watch watch_;
};

}  // namespace

void define_kernel(Napi::Env env, Napi::Object exports) {
  exports["askKernel"] = Napi::Function::New<ask>(env, "askKernel");
  exports["RouteMonitor"] = RouteMonitor::define(env);
}

}  // namespace natlb
