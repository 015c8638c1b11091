// The `host` addon: links and addresses by netlink, and a few system calls, for control. Types in control/host/addon.ts.
#include <linux/rtnetlink.h>
#include <napi.h>

#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <variant>

#include "host/guarded.h"
#include "host/hop_socket.h"
#include "host/kernel.h"
#include "host/probe_socket.h"
#include "host/signals.h"
#include "host/system.h"
#include "host/watch.h"
#include "io/address_text.h"
#include "io/link_table.h"
#include "io/netlink.h"

namespace natlb {

namespace {

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

// new LinkMonitor(onReadable, bufferBytes): keeps the links; calls `onReadable` whenever drain() would find news. Does not keep the process
// alive.
class LinkMonitor : public Napi::ObjectWrap<LinkMonitor> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "LinkMonitor",
                       {InstanceMethod<&LinkMonitor::drain>("drain"), InstanceMethod<&LinkMonitor::links>("links"),
                        InstanceMethod<&LinkMonitor::close>("close")});
  }

  explicit LinkMonitor(const Napi::CallbackInfo& info) : Napi::ObjectWrap<LinkMonitor>{info} {
    const int buffer_bytes = info[1].As<Napi::Number>().Int32Value();
    guarded(info.Env(), [&] {
      news_ = std::make_unique<NetlinkNews>(kTopics, buffer_bytes);
      links_.reload(netlink_);
    });
    watch_.start(info.Env(), news_->fd(), Value(), info[0].As<Napi::Function>());
  }

 private:
  Napi::Value drain(const Napi::CallbackInfo& info) {
    if (!watch_.runs()) return Napi::Boolean::New(info.Env(), false);
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
    watch_.stop();
    news_.reset();
  }

  Netlink netlink_;
  std::unique_ptr<NetlinkNews> news_;
  LinkTable links_;
  Watch watch_;
};

Napi::Value hop_limit_filter(const Napi::CallbackInfo& info) {
  const auto limit = [&](size_t i) { return static_cast<uint8_t>(info[i].As<Napi::Number>().Uint32Value()); };
  return guarded(info.Env(), [&] { return Napi::Number::New(info.Env(), load_hop_limit_filter(limit(0), limit(1))); });
}

void sd_notify(const Napi::CallbackInfo& info) {
  const std::string socket = info[0].As<Napi::String>(), text = info[1].As<Napi::String>();
  guarded(info.Env(), [&] { notify(socket, text); });
}

Napi::Value lock(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  return guarded(info.Env(), [&] { return Napi::Boolean::New(info.Env(), take_lock(fd)); });
}

ProbeSocketKind probe_socket_kind(const std::string& name) {
  if (name == "stream") return ProbeSocketKind::stream;
  return name == "echo" ? ProbeSocketKind::echo : ProbeSocketKind::datagram;
}

// ({ kind: 'stream' | 'datagram' | 'echo', family: 4 | 6, address?: string, port?: number, mark?: number, interface?: string }): number
Napi::Value probe_socket(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  ProbeSocket wanted{};
  wanted.kind = probe_socket_kind(given.Get("kind").As<Napi::String>());
  wanted.v6 = given.Get("family").As<Napi::Number>().Int32Value() == 6;
  if (given.Has("address")) wanted.address = parse_address(given.Get("address").As<Napi::String>());
  if (wanted.address && wanted.address->is_v4() == wanted.v6) throw Napi::Error::New(info.Env(), "cannot bind a check to the other family");
  if (given.Has("port")) wanted.port = static_cast<uint16_t>(given.Get("port").As<Napi::Number>().Uint32Value());
  if (given.Has("mark")) wanted.mark = given.Get("mark").As<Napi::Number>().Uint32Value();
  if (given.Has("interface")) wanted.interface = given.Get("interface").As<Napi::String>();
  return guarded(info.Env(), [&] { return Napi::Number::New(info.Env(), open_probe_socket(wanted)); });
}

Napi::Object define_addon(Napi::Env env, Napi::Object exports) {
  define_kernel(env, exports);
  define_hop_socket(env, exports);
  exports["LinkMonitor"] = LinkMonitor::define(env);
  exports["hopLimitFilter"] = Napi::Function::New<hop_limit_filter>(env, "hopLimitFilter");
  exports["sdNotify"] = Napi::Function::New<sd_notify>(env, "sdNotify");
  exports["probeSocket"] = Napi::Function::New<probe_socket>(env, "probeSocket");
  exports["lock"] = Napi::Function::New<lock>(env, "lock");
  exports["onSignal"] = Napi::Function::New<on_signal>(env, "onSignal");
  return exports;
}

}  // namespace

}  // namespace natlb

Napi::Object define_host(Napi::Env env, Napi::Object exports) { return natlb::define_addon(env, exports); }
NODE_API_MODULE(host, define_host)
