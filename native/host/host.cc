// The `host` addon: links and addresses by netlink, and a few system calls, for control. Types in control/host/addon.ts.
#include <linux/rtnetlink.h>
#include <napi.h>
#include <uv.h>

#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "host/signals.h"
#include "host/system.h"
#include "io/address_text.h"
#include "io/link_table.h"
#include "io/netlink.h"

namespace natlb {

namespace {

// Runs `act`; what it throws becomes an error in JavaScript.
template <typename Act>
auto guarded(Napi::Env env, const Act& act) {
  try {
    return act();
  } catch (const std::system_error& error) {
    throw Napi::Error::New(env, error.what());
  }
}

std::string mac_text(const MacAddress& mac) {
  char text[18];
  const uint8_t* byte = mac.bytes;
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", byte[0], byte[1], byte[2], byte[3], byte[4], byte[5]);
  return text;
}

// rtnetlink(7)'s words, as ip(8) prints them.
std::string scope_text(uint8_t scope) {
  switch (scope) {
    case RT_SCOPE_UNIVERSE:
      return "global";
    case RT_SCOPE_SITE:
      return "site";
    case RT_SCOPE_LINK:
      return "link";
    case RT_SCOPE_HOST:
      return "host";
    case RT_SCOPE_NOWHERE:
      return "nowhere";
    default:
      return std::to_string(scope);
  }
}

Napi::Object to_js(Napi::Env env, const LinkAddress& held) {
  Napi::Object object = Napi::Object::New(env);
  object["address"] = text(held.address);
  object["prefixLength"] = held.length;
  object["family"] = held.address.is_v4() ? 4 : 6;
  object["scope"] = scope_text(held.scope);
  return object;
}

Napi::Object to_js(Napi::Env env, const Link& link) {
  Napi::Object object = Napi::Object::New(env);
  object["name"] = link.name;
  object["index"] = link.index;
  object["mac"] = mac_text(link.mac);
  object["mtu"] = link.mtu;
  object["up"] = link.up;
  Napi::Array addresses = Napi::Array::New(env, link.addresses.size());
  for (uint32_t at = 0; at < link.addresses.size(); ++at) addresses[at] = to_js(env, link.addresses[at]);
  object["addresses"] = addresses;
  return object;
}

constexpr Topic kTopics[] = {Topic::links, Topic::addresses};

// new LinkMonitor(onReadable): keeps the links; calls `onReadable` whenever drain() would find news. Does not keep the process alive.
class LinkMonitor : public Napi::ObjectWrap<LinkMonitor> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "LinkMonitor",
                       {InstanceMethod<&LinkMonitor::drain>("drain"), InstanceMethod<&LinkMonitor::links>("links"),
                        InstanceMethod<&LinkMonitor::close>("close")});
  }

  explicit LinkMonitor(const Napi::CallbackInfo& info) : Napi::ObjectWrap<LinkMonitor>{info} {
    on_readable_ = Napi::Persistent(info[0].As<Napi::Function>());
    guarded(info.Env(), [this] {
      news_ = std::make_unique<NetlinkNews>(kTopics);
      links_.reload(netlink_);
    });
    start(info.Env());
  }
  ~LinkMonitor() override { stop(); }
  LinkMonitor(const LinkMonitor&) = delete;
  LinkMonitor& operator=(const LinkMonitor&) = delete;

 private:
  // What libuv holds: it outlives this object, and the addon must not be unloaded before it is gone.
  struct Watch {
    uv_poll_t poll;
    LinkMonitor* monitor;
    napi_async_cleanup_hook_handle hook;
  };

  void start(Napi::Env env) {
    auto watch = std::make_unique<Watch>();
    watch->monitor = this;
    watch->poll.data = watch.get();
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok || uv_poll_init(loop, &watch->poll, news_->fd()) != 0) {
      throw Napi::Error::New(env, "cannot watch the netlink socket");
    }
    watch_ = watch.release();
    napi_add_async_cleanup_hook(
        env, [](auto, void* ending) { static_cast<Watch*>(ending)->monitor->stop(); }, watch_, &watch_->hook);
    uv_unref(reinterpret_cast<uv_handle_t*>(&watch_->poll));
    uv_poll_start(&watch_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) { static_cast<Watch*>(poll->data)->monitor->readable(); });
    Ref();
  }

  void stop() {
    if (watch_ == nullptr) return;
    uv_poll_stop(&watch_->poll);
    uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(watch_, nullptr)->poll), [](uv_handle_t* handle) {
      const std::unique_ptr<Watch> watch{static_cast<Watch*>(handle->data)};
      napi_remove_async_cleanup_hook(watch->hook);
    });
    news_.reset();
  }

  void readable() {
    const Napi::HandleScope scope{Env()};
    try {
      on_readable_.MakeCallback(Value(), {});
    } catch (const Napi::Error& error) {
      napi_fatal_exception(Env(), error.Value());
    }
  }

  Napi::Value drain(const Napi::CallbackInfo& info) {
    if (!news_) return Napi::Boolean::New(info.Env(), false);
    return guarded(info.Env(), [&] {
      bool changed = false;
      const bool complete = news_->drain([&](const News& news) {
        if (const auto* link = std::get_if<LinkNews>(&news)) changed |= links_.apply(*link);
        if (const auto* address = std::get_if<AddressNews>(&news)) changed |= links_.apply(*address);
      });
      if (!complete) links_.reload(netlink_);
      return Napi::Boolean::New(info.Env(), changed || !complete);
    });
  }

  Napi::Value links(const Napi::CallbackInfo& info) {
    Napi::Array all = Napi::Array::New(info.Env());
    for (const auto& [index, link] : links_.by_index()) all[all.Length()] = to_js(info.Env(), link);
    return all;
  }

  void close(const Napi::CallbackInfo&) {
    if (watch_ == nullptr) return;
    stop();
    Unref();
  }

  Napi::FunctionReference on_readable_;
  Netlink netlink_;
  std::unique_ptr<NetlinkNews> news_;
  LinkTable links_;
  Watch* watch_ = nullptr;
};

struct HeldPlace {
  std::string link;
  Address address;
  uint8_t length;
};

// (link: string, address: string, prefixLength: number)
HeldPlace held_place(const Napi::CallbackInfo& info) {
  const std::string address_text = info[1].As<Napi::String>();
  const auto address = parse_address(address_text);
  if (!address) throw Napi::TypeError::New(info.Env(), "not an IP address: " + address_text);
  const int64_t length = info[2].As<Napi::Number>().Int64Value();
  if (length < 0 || length > (address->is_v4() ? 32 : 128)) {
    throw Napi::RangeError::New(info.Env(), "not a prefix length for " + address_text + ": " + std::to_string(length));
  }
  return {info[0].As<Napi::String>(), *address, static_cast<uint8_t>(length)};
}

void add_address(const Napi::CallbackInfo& info) {
  const HeldPlace place = held_place(info);
  guarded(info.Env(), [&] { Netlink{}.add_address(place.link, place.address, place.length); });
}

void remove_address(const Napi::CallbackInfo& info) {
  const HeldPlace place = held_place(info);
  guarded(info.Env(), [&] { Netlink{}.remove_address(place.link, place.address, place.length); });
}

Napi::Value hop_limit_filter(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::Number::New(info.Env(), load_hop_limit_filter()); });
}

void sd_notify(const Napi::CallbackInfo& info) {
  const std::string socket = info[0].As<Napi::String>(), text = info[1].As<Napi::String>();
  guarded(info.Env(), [&] { notify(socket, text); });
}

Napi::Value lock(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  return guarded(info.Env(), [&] { return Napi::Boolean::New(info.Env(), take_lock(fd)); });
}

Napi::Object define_addon(Napi::Env env, Napi::Object exports) {
  exports["LinkMonitor"] = LinkMonitor::define(env);
  exports["addAddress"] = Napi::Function::New<add_address>(env, "addAddress");
  exports["removeAddress"] = Napi::Function::New<remove_address>(env, "removeAddress");
  exports["hopLimitFilter"] = Napi::Function::New<hop_limit_filter>(env, "hopLimitFilter");
  exports["sdNotify"] = Napi::Function::New<sd_notify>(env, "sdNotify");
  exports["lock"] = Napi::Function::New<lock>(env, "lock");
  exports["onSignal"] = Napi::Function::New<on_signal>(env, "onSignal");
  return exports;
}

}  // namespace

}  // namespace natlb

Napi::Object define_host(Napi::Env env, Napi::Object exports) { return natlb::define_addon(env, exports); }
NODE_API_MODULE(host, define_host)
