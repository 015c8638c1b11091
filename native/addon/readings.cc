// Counters and flows, converted.
#include "addon/readings.h"

#include "addon/convert.h"

namespace natlb {

namespace {

const char* fate_name(Fate fate) { return fate == Fate::sent ? "sent" : fate == Fate::answered ? "answered" : "dropped"; }

void set_traffic(Napi::Object object, const SlotDirectory::Sum& sum) {
  const Napi::Env env = object.Env();
  object.Set("connections", number(env, sum.connections));
  object.Set("packetsIn", number(env, sum.packets_in));
  object.Set("packetsOut", number(env, sum.packets_out));
  object.Set("bytesIn", number(env, sum.bytes_in));
  object.Set("bytesOut", number(env, sum.bytes_out));
}

Napi::Object destination_object(Napi::Env env, const Destination& destination, const Block& block) {
  const DestinationSlot& slot = block.destinations[destination.slot];
  const Load& load = block.loads[destination.slot];
  Napi::Object object = endpoint_object(env, {destination.address, destination.port});
  object.Set("weight", number(env, destination.weight));
  object.Set("active", number(env, Load::get(load.active)));
  object.Set("inactive", number(env, Load::get(load.inactive)));
  object.Set("persistent", number(env, slot.persistent.get()));
  set_traffic(object, {slot.connections.get(), slot.packets_in.get(), slot.packets_out.get(), slot.bytes_in.get(), slot.bytes_out.get()});
  return object;
}

}  // namespace

Napi::Array services_array(Napi::Env env, const Snapshot& snapshot, const SlotDirectory& directory, const Block& block) {
  Napi::Array services = Napi::Array::New(env);
  for (const Service& service : snapshot.services()) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", directory.name(service.slot));
    set_traffic(object, directory.sum(service.slot));
    Napi::Array destinations = Napi::Array::New(env);
    for (const Destination& destination : service.destinations) {
      destinations.Set(destinations.Length(), destination_object(env, destination, block));
    }
    object.Set("destinations", destinations);
    services.Set(services.Length(), object);
  }
  return services;
}

Napi::Object total_object(Napi::Env env, const SlotDirectory& directory) {
  Napi::Object object = Napi::Object::New(env);
  set_traffic(object, directory.total());
  return object;
}

Napi::Array verdicts_array(Napi::Env env, const Forwarder& forwarder) {
  Napi::Array verdicts = Napi::Array::New(env);
  for (size_t i = 1; i < kVerdicts; ++i) {  // 0 is pending
    const auto verdict = static_cast<Verdict>(i);
    Napi::Object object = Napi::Object::New(env);
    object.Set("verdict", std::string(row(verdict).name));
    object.Set("fate", fate_name(row(verdict).fate));
    object.Set("help", std::string(row(verdict).help));
    object.Set("packets", number(env, forwarder.packets(verdict)));
    verdicts.Set(verdicts.Length(), object);
  }
  return verdicts;
}

Napi::Object device_object(Napi::Env env, const Device& device) {
  const DeviceCounters counters = device.counters();
  Napi::Object object = Napi::Object::New(env);
  object.Set("interface", device.interface());
  object.Set("queue", number(env, device.queue()));
  object.Set("received", number(env, counters.received));
  object.Set("receivedBytes", number(env, counters.received_bytes));
  object.Set("transmitted", number(env, counters.transmitted));
  object.Set("transmittedBytes", number(env, counters.transmitted_bytes));
  object.Set("transmitFull", number(env, counters.transmit_full));
  object.Set("transmitError", number(env, counters.transmit_error));
  object.Set("receiveLost", number(env, counters.receive_lost));
  return object;
}

Napi::Object ended_object(Napi::Env env, const Forwarder& forwarder) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("resetsSent", number(env, forwarder.farewells()));
  object.Set("halfOpenShed", number(env, forwarder.sheds()));
  return object;
}

Napi::Object flow_table_object(Napi::Env env, const FlowTable& flows) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("entries", number(env, flows.entries()));
  object.Set("capacity", number(env, flows.capacity()));
  object.Set("bytes", number(env, Block::bytes(flows.capacity())));
  return object;
}

}  // namespace natlb
