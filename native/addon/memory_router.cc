// The JavaScript class MemoryRouter: the real pipeline between memory devices, with routes, neighbours and time given. For tests, `explain`
// and benchmarks; needs no privilege and touches no network.
#include <cstdlib>
#include <memory>

#include "addon/convert.h"
#include "addon/engine_object.h"
#include "addon/explanation.h"
#include "addon/flow_list.h"
#include "addon/readings.h"
#include "core/forward.h"
#include "engine/flow_memory.h"
#include "engine/transmit.h"
#include "io/memory.h"

namespace natlb {

namespace {

constexpr size_t kCapacity = 70'000;  // a super-packet and what an ICMP error adds
constexpr HashSecret kSecret{{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}};

MacAddress mac_from(const std::string& text) {
  MacAddress mac{};
  for (size_t i = 0; i < sizeof mac.bytes; ++i) {
    if (text.size() != 17) throw std::invalid_argument("not a MAC address: " + text);
    mac.bytes[i] = static_cast<uint8_t>(std::strtoul(text.substr(i * 3, 2).c_str(), nullptr, 16));
  }
  return mac;
}

// In JavaScript a prefix length is of its family; in Routes it is of the 128-bit space.
uint8_t length_of(const Address& prefix, uint32_t length) { return static_cast<uint8_t>(length + (prefix.is_v4() ? 96 : 0)); }

template <typename Each>
void for_each(const Napi::Array& array, Each&& each) {
  for (uint32_t i = 0; i < array.Length(); ++i) each(array.Get(i).As<Napi::Object>());
}

// Numbers from the outside in; of two the outer is a provider's.
VlanTags tags_from(const Napi::Value& value) {
  if (!value.IsArray()) return {};
  const auto numbers = value.As<Napi::Array>();
  const auto number = [&](uint32_t at) { return static_cast<uint16_t>(numbers.Get(at).As<Napi::Number>().Uint32Value()); };
  if (numbers.Length() == 1) return {vlan_tag(kEtherTypeVlan, number(0)), 0};
  return {vlan_tag(kEtherTypeQinQ, number(0)), vlan_tag(kEtherTypeVlan, number(1))};
}

Routes routes_from(const Napi::Object& from) {
  std::vector<Interface> interfaces;
  std::vector<Route> routes;
  std::vector<Neighbour> neighbours;
  for_each(array_in(from, "interfaces"), [&](const Napi::Object& one) {
    Interface interface {
      static_cast<uint32_t>(interfaces.size() + 1), mac_from(string_in(one, "mac")), number_in(one, "mtu"), true, {}
    };
    interface.root = one.Has("device") ? number_in(one, "device") + 1 : interface.index;
    interface.tags = tags_from(one.Get("vlans"));
    interface.macvlan = one.Has("macvlan");
    const Napi::Array addresses = array_in(one, "addresses");
    for (uint32_t i = 0; i < addresses.Length(); ++i) interface.addresses.push_back(address_from(addresses.Get(i).As<Napi::String>()));
    interfaces.push_back(std::move(interface));
  });
  for_each(array_in(from, "routes"), [&](const Napi::Object& one) {
    const Address prefix = address_from(string_in(one, "prefix"));
    const Address gateway = one.Has("gateway") ? address_from(string_in(one, "gateway")) : Address{};
    routes.push_back({prefix, length_of(prefix, number_in(one, "length")), number_in(one, "interface"), gateway});
  });
  for_each(array_in(from, "neighbours"), [&](const Napi::Object& one) {
    neighbours.push_back({address_from(string_in(one, "address")), number_in(one, "interface"), mac_from(string_in(one, "mac"))});
  });
  return Routes{std::move(interfaces), std::move(routes), std::move(neighbours)};
}

Offload offload_from(const Napi::Value& value) {
  Offload offload;
  if (!value.IsObject()) return offload;
  const auto from = value.As<Napi::Object>();
  if (from.Has("unknown")) offload.checksum = Checksum::unknown;
  if (from.Has("checksumStart")) {
    offload.checksum = Checksum::partial;
    offload.checksum_start = static_cast<uint16_t>(number_in(from, "checksumStart"));
    offload.checksum_offset = static_cast<uint16_t>(number_in(from, "checksumOffset"));
  }
  if (from.Has("gsoSize")) {
    offload.gso_type = 1;  // TCPv4
    offload.gso_size = static_cast<uint16_t>(number_in(from, "gsoSize"));
  }
  return offload;
}

class MemoryRouter : public Napi::ObjectWrap<MemoryRouter> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "MemoryRouter",
                       {
                           InstanceMethod<&MemoryRouter::configure>("configure"),
                           InstanceMethod<&MemoryRouter::route>("route"),
                           InstanceMethod<&MemoryRouter::advance>("advance"),
                           InstanceMethod<&MemoryRouter::takeOver>("takeOver"),
                           InstanceMethod<&MemoryRouter::send>("send"),
                           InstanceMethod<&MemoryRouter::transmitRoom>("transmitRoom"),
                           InstanceMethod<&MemoryRouter::stats>("stats"),
                           InstanceMethod<&MemoryRouter::flows>("flows"),
                           InstanceMethod<&MemoryRouter::flowPiece>("flowPiece"),
                           InstanceMethod<&MemoryRouter::explain>("explain"),
                       });
  }

  // new MemoryRouter({maxFlows, takesOffload, interfaces, routes, neighbours}): one device for each interface, in their order.
  explicit MemoryRouter(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MemoryRouter>(info) {
    guarded(info.Env(), [&] {
      const auto from = info[0].As<Napi::Object>();
      const uint32_t max_flows = number_in(from, "maxFlows");
      memory_ = std::make_unique<FlowMemory>("", Block::bytes(max_flows));
      block_ = std::make_unique<Block>(memory_->data(), max_flows);
      flows_ = std::make_unique<FlowTable>(*block_, kSecret, now_);
      directory_ = std::make_unique<SlotDirectory>(*block_, 0);
      forwarder_ = std::make_unique<Forwarder>(*flows_);
      snapshot_ = std::make_unique<Snapshot>(directory_->build(WantedSnapshot{}));
      set_routes(from);
      for (size_t i = 0; i < routes_->interfaces().size(); ++i) {
        devices_.push_back(std::make_unique<Memory>("eth" + std::to_string(i), kBatch, kCapacity));
        devices_.back()->set_takes_offload(from.Get("takesOffload").ToBoolean());
      }
      weight_ = static_cast<int64_t>(Block::bytes(max_flows) + devices_.size() * 2 * kBatch * kCapacity);
      Napi::MemoryManagement::AdjustExternalMemory(info.Env(), weight_);
    });
  }

  void Finalize(Napi::Env env) override { Napi::MemoryManagement::AdjustExternalMemory(env, -weight_); }

 private:
  void set_routes(const Napi::Object& from) {
    routes_ = std::make_unique<Routes>(routes_from(from));
    view_ = {snapshot_.get(), routes_.get(), {}, {}, view_.takeover_until};
    std::vector<uint32_t> roots;
    for (const Interface& interface : routes_->interfaces()) roots.push_back(interface.index);
    view_.connect(roots);
  }

  // configure(snapshot) → frames that tell flows of their end.
  Napi::Value configure(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      directory_->collect(*snapshot_);
      WantedSnapshot wanted = snapshot_from(info[0].As<Napi::Object>(), configured_);
      snapshot_ = std::make_unique<Snapshot>(directory_->build(wanted));
      configured_ = std::move(wanted);
      view_.snapshot = snapshot_.get();
      return end_flows(info.Env(), [this] { return forwarder_->end_orphans(batch_, view_); });
    });
  }

  template <typename End>
  Napi::Array end_flows(Napi::Env env, End&& end) {
    Napi::Array out = Napi::Array::New(env);
    for (bool more = true; more;) {
      batch_.count = 0;
      more = end();
      transmit_batch();
      pop_into(out);
    }
    return out;
  }

  void transmit_batch() {
    std::vector<Device*> devices;
    for (const auto& device : devices_) devices.push_back(device.get());
    transmit(batch_, devices, spares_);
  }

  // route({interfaces, routes, neighbours}): what the kernel says now.
  void route(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { set_routes(info[0].As<Napi::Object>()); });
  }

  // An address of a service has just come to this router.
  void takeOver(const Napi::CallbackInfo&) { view_.takeover_until = now_ + snapshot_->takeover_ticks(); }

  // advance(ms) → frames that tell flows of their end.
  Napi::Value advance(const Napi::CallbackInfo& info) {
    now_ += info[0].As<Napi::Number>().Uint32Value() / kMillisPerTick;
    return end_flows(info.Env(), [this] { return forwarder_->end_idle(batch_, view_, now_); });
  }

  void transmitRoom(const Napi::CallbackInfo& info) {
    guarded(info.Env(),
            [&] { devices_.at(info[0].As<Napi::Number>().Uint32Value())->set_transmit_room(info[1].As<Napi::Number>().Uint32Value()); });
  }

  // send(device, frames, offload?) → {verdicts, out: [{device, frame, offload}]}: the frames travel as one batch, and fragments that waited
  // for one of them follow.
  Napi::Value send(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const uint32_t in = info[0].As<Napi::Number>();
      const auto frames = info[1].As<Napi::Array>();
      for (uint32_t i = 0; i < frames.Length(); ++i) {
        const auto bytes = frames.Get(i).As<Napi::Uint8Array>();
        if (!devices_.at(in)->push({bytes.Data(), bytes.ByteLength()}, offload_from(info[2])))
          throw std::length_error("no room for the frame");
      }
      return run(info.Env(), in);
    });
  }

  Napi::Value run(Napi::Env env, uint32_t in) {
    batch_.count = 0;
    devices_.at(in)->receive(batch_);
    for (Packet& packet : batch_) packet.device_in = static_cast<uint16_t>(in);
    forwarder_->forward(batch_, view_, now_);
    Napi::Object result = Napi::Object::New(env);
    Napi::Array verdicts = Napi::Array::New(env);
    const auto finish = [&] {
      transmit_batch();
      forwarder_->count(batch_);
      for (const Packet& packet : batch_) verdicts.Set(verdicts.Length(), std::string(row(packet.verdict).name));
    };
    finish();
    devices_[in]->release(batch_);
    while (forwarder_->resume(batch_, view_, now_)) finish();
    result.Set("verdicts", verdicts);
    Napi::Array out = Napi::Array::New(env);
    pop_into(out);
    result.Set("out", out);
    return result;
  }

  void pop_into(Napi::Array out) {
    const Napi::Env env = out.Env();
    for (uint32_t i = 0; i < devices_.size(); ++i) {
      for (Memory::Frame frame; devices_[i]->pop(frame);) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("device", number(env, i));
        object.Set("frame", Napi::Buffer<uint8_t>::Copy(env, frame.bytes.data(), frame.bytes.size()));
        object.Set("partialChecksum", frame.offload.checksum == Checksum::partial);
        object.Set("gsoSize", number(env, frame.offload.gso_type == 0 ? 0 : frame.offload.gso_size));
        out.Set(out.Length(), object);
      }
    }
  }

  Napi::Value stats(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object object = Napi::Object::New(env);
    object.Set("services", services_array(env, *snapshot_, *directory_, *block_));
    object.Set("ended", ended_object(env, *forwarder_));
    object.Set("total", total_object(env, *directory_));
    object.Set("verdicts", verdicts_array(env, *forwarder_));
    object.Set("flows", flow_table_object(env, *flows_));
    return object;
  }

  Napi::Value flows(const Napi::CallbackInfo& info) { return flows_array(info.Env(), *block_, *directory_, now_); }

  // As Engine.flows and Engine.explain.
  Napi::Value flowPiece(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const auto from = info[0].As<Napi::Object>();
      const FlowPiece piece{number_in(from, "cursor"), number_in(from, "count"), from.Get("listed").ToBoolean()};
      return flow_piece(info.Env(), *block_, *directory_, flow_filter_from(object_in(from, "filter")), piece, now_);
    });
  }

  Napi::Value explain(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const PacketQuestion question = packet_question_from(info[0].As<Napi::Object>());
      const auto name = [](uint32_t position) { return position == kNoInterface ? "" : "eth" + std::to_string(position); };
      return explanation_object(info.Env(), natlb::explain(question, view_, *flows_, now_), {*block_, *directory_, now_, name});
    });
  }

  uint32_t now_ = 0;
  std::unique_ptr<FlowMemory> memory_;
  std::unique_ptr<Block> block_;
  std::unique_ptr<FlowTable> flows_;
  std::unique_ptr<SlotDirectory> directory_;
  std::unique_ptr<Forwarder> forwarder_;
  WantedSnapshot configured_;
  std::unique_ptr<Snapshot> snapshot_;
  std::unique_ptr<Routes> routes_;
  View view_{};
  std::vector<std::unique_ptr<Memory>> devices_;
  Batch batch_;
  SpareFrames spares_;
  int64_t weight_ = 0;  // bytes the garbage collector would not know of: some forty million
};

}  // namespace

Napi::Function define_memory_router(Napi::Env env) { return MemoryRouter::define(env); }

}  // namespace natlb
