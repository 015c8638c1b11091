// The JavaScript class Engine: the data plane of this machine.
#include "addon/engine_object.h"

#include <net/if.h>

#include <exception>

#include "addon/convert.h"
#include "addon/explanation.h"
#include "addon/flow_list.h"
#include "addon/readings.h"
#include "addon/traced.h"
#include "engine/engine.h"
#include "io/netlink.h"

namespace natlb {

namespace {

class EngineObject : public Napi::ObjectWrap<EngineObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Engine",
                       {
                           InstanceMethod<&EngineObject::configure>("configure"),
                           InstanceMethod<&EngineObject::stats>("stats"),
                           InstanceMethod<&EngineObject::rounds>("rounds"),
                           InstanceMethod<&EngineObject::flows>("flows"),
                           InstanceMethod<&EngineObject::explain>("explain"),
                           InstanceMethod<&EngineObject::trace>("trace"),
                           InstanceMethod<&EngineObject::endTrace>("endTrace"),
                           InstanceMethod<&EngineObject::withdraw>("withdraw"),
                           InstanceMethod<&EngineObject::close>("close"),
                           InstanceAccessor<&EngineObject::about>("about"),
                       });
  }

  // new Engine({interfaces, backend, flowFile, maxFlows})
  explicit EngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineObject>(info) {
    guarded(info.Env(), [&] {
      const auto from = info[0].As<Napi::Object>();
      EngineOptions options;
      const Napi::Array interfaces = array_in(from, "interfaces");
      for (uint32_t i = 0; i < interfaces.Length(); ++i) options.interfaces.push_back(interfaces.Get(i).As<Napi::String>());
      options.backend = string_in(from, "backend");
      options.flow_file = string_in(from, "flowFile");
      options.max_flows = number_in(from, "maxFlows");
      engine_ = std::make_unique<Engine>(options);
    });
  }

 private:
  void configure(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      WantedSnapshot wanted = snapshot_from(info[0].As<Napi::Object>(), configured_);
      engine_->configure(wanted);
      configured_ = std::move(wanted);
    });
  }

  // withdraw([{interface, address, prefixLength}]): nothing more is steered here, and the addresses go: all that can, whatever holds one
  // back.
  void withdraw(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      std::exception_ptr problem;
      const auto attempt = [&problem](auto&& act) {
        try {
          act();
        } catch (const std::exception&) {
          problem = std::current_exception();
        }
      };
      attempt([&] { engine_->withdraw(); });
      Netlink netlink;
      const auto held = info[0].As<Napi::Array>();
      for (uint32_t i = 0; i < held.Length(); ++i) {
        attempt([&] { remove_address(netlink, held.Get(i).As<Napi::Object>()); });
      }
      if (problem) std::rethrow_exception(problem);
    });
  }

  static void remove_address(Netlink& netlink, const Napi::Object& held) {
    netlink.remove_address(string_in(held, "interface"), address_from(string_in(held, "address")),
                           static_cast<uint8_t>(number_in(held, "prefixLength")));
  }

  void close(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { engine_->close(); });
  }

  Napi::Value about(const Napi::CallbackInfo& info) {
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("backend", engine_->backend());
    object.Set("backendReason", engine_->backend_reason());
    object.Set("adoptedFlows", number(info.Env(), engine_->adopted()));
    object.Set("flowsLast", engine_->flows_last());
    return object;
  }

  Napi::Value stats(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto snapshot = engine_->snapshot();
    Napi::Object object = Napi::Object::New(env);
    object.Set("backend", engine_->backend());
    object.Set("backendReason", engine_->backend_reason());
    object.Set("generation", number(env, snapshot->generation()));
    object.Set("ended", ended_object(env, engine_->worker().forwarder()));
    object.Set("total", total_object(env, engine_->directory()));
    object.Set("services", services_array(env, *snapshot, engine_->directory(), engine_->flows().block()));
    object.Set("verdicts", verdicts_array(env, engine_->worker().forwarder()));
    Napi::Array devices = Napi::Array::New(env);
    uint64_t received = 0;
    for (const auto& device : engine_->devices()) {
      received += device->counters().received;
      devices.Set(devices.Length(), device_object(env, *device));
    }
    object.Set("devices", devices);
    object.Set("received", number(env, received));
    object.Set("flows", flow_table_object(env, engine_->flows()));
    object.Set("rounds", number(env, engine_->worker().rounds()));
    return object;
  }

  Napi::Value rounds(const Napi::CallbackInfo& info) { return number(info.Env(), engine_->worker().rounds()); }

  // flows({cursor, count, listed, filter})
  Napi::Value flows(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const auto from = info[0].As<Napi::Object>();
      const FlowPiece piece{number_in(from, "cursor"), number_in(from, "count"), from.Get("listed").ToBoolean()};
      const FlowFilter filter = flow_filter_from(object_in(from, "filter"));
      return flow_piece(info.Env(), engine_->flows().block(), engine_->directory(), filter, piece, ticks_now());
    });
  }

  // trace([verdict]) → {packets, lost}: since the last call; packets are watched until endTrace().
  Napi::Value trace(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      engine_->trace().watch(verdicts_from(info[0].As<Napi::Array>()));
      return traced_object(info.Env(), engine_->trace(), engine_->devices());
    });
  }

  void endTrace(const Napi::CallbackInfo&) { engine_->trace().leave(); }

  // explain({protocol, client, service})
  Napi::Value explain(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const PacketQuestion question = packet_question_from(info[0].As<Napi::Object>());
      std::shared_ptr<const Routes> routes;
      const Explanation explanation = engine_->explain(question, routes);
      return explanation_object(info.Env(), explanation,
                                {engine_->flows().block(), engine_->directory(), ticks_now(),
                                 [&routes](uint32_t position) { return interface_name(*routes, position); }});
    });
  }

  static std::string interface_name(const Routes& routes, uint32_t position) {
    char name[IF_NAMESIZE] = "";
    if (position < routes.interfaces().size()) ::if_indextoname(routes.interfaces()[position].index, name);
    return name;
  }

  WantedSnapshot configured_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace

Napi::Function define_engine(Napi::Env env) { return EngineObject::define(env); }

}  // namespace natlb
