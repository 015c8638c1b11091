// The bridge's vocabulary.
#include "addon/convert.h"

#include <arpa/inet.h>

#include <stdexcept>

#include "core/wire.h"

namespace natlb {

Address address_from(const std::string& text) {
  uint8_t bytes[16];
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return Address::v4(bytes);
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return Address::v6(bytes);
  throw std::invalid_argument("not an IP address: " + text);
}

std::string text_of(const Address& address) {
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.wire(), text, sizeof text);
  return text;
}

Napi::Object object_in(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  if (!value.IsObject()) throw std::invalid_argument(std::string(name) + " is not an object");
  return value.As<Napi::Object>();
}

Napi::Array array_in(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  if (!value.IsArray()) throw std::invalid_argument(std::string(name) + " is not an array");
  return value.As<Napi::Array>();
}

std::string string_in(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  if (!value.IsString()) throw std::invalid_argument(std::string(name) + " is not a string");
  return value.As<Napi::String>();
}

uint32_t number_in(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  const double wide = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(wide >= 0 && wide <= UINT32_MAX)) throw std::invalid_argument(std::string(name) + " is not a number from 0 to 4294967295");
  return static_cast<uint32_t>(wide);
}

namespace {

template <typename Value>
struct Named {
  const char* name;
  Value value;
};

template <typename Value, size_t Size>
Value named(const Named<Value> (&rows)[Size], const std::string& name, const char* what) {
  for (const Named<Value>& row : rows) {
    if (row.name == name) return row.value;
  }
  throw std::invalid_argument(std::string("unknown ") + what + " " + name);
}

constexpr Named<uint8_t> kProtocols[] = {{"tcp", kTcp}, {"udp", kUdp}, {"sctp", kSctp}};
constexpr Named<uint32_t> kSchedulerFlags[] = {
    {"sh-fallback", kFallback}, {"sh-port", kWithPort}, {"mh-fallback", kFallback}, {"mh-port", kWithPort}};
constexpr Named<NoDestination> kNoDestinations[] = {
    {"default", NoDestination::reset_or_icmp}, {"rst", NoDestination::reset}, {"icmp", NoDestination::icmp}, {"drop", NoDestination::drop}};
constexpr Named<Sloppy> kSloppies[] = {{"never", Sloppy::never}, {"takeover", Sloppy::takeover}, {"always", Sloppy::always}};

uint16_t port_in(const Napi::Object& from, const char* name) {
  const uint32_t port = number_in(from, name);
  if (port > UINT16_MAX) throw std::invalid_argument(std::string(name) + " " + std::to_string(port) + " is above 65535");
  return static_cast<uint16_t>(port);
}

uint32_t optional_number(const Napi::Object& from, const char* name) { return from.Get(name).IsUndefined() ? 0 : number_in(from, name); }

bool flag_in(const Napi::Object& from, const char* name) { return from.Get(name).ToBoolean(); }

template <typename Each>
void for_each(const Napi::Array& array, Each&& each) {
  for (uint32_t i = 0; i < array.Length(); ++i) each(array.Get(i));
}

// An unknown state is no error: control may know more of them than this data plane.
WantedTimeouts timeouts_from(const Napi::Object& from) {
  WantedTimeouts timeouts{};
  for (size_t state = 0; state < kFlowStates; ++state) {
    timeouts[state] = optional_number(from, std::string(kFlowStateRows[state].name).c_str());
  }
  return timeouts;
}

WantedListener listener_from(const Napi::Object& from) {
  return {address_from(string_in(from, "address")), protocol_from(string_in(from, "protocol")), port_in(from, "firstPort"),
          port_in(from, "lastPort")};
}

WantedDestination destination_from(const Napi::Object& from) {
  return {address_from(string_in(from, "address")), to_wire(port_in(from, "port")),          number_in(from, "weight"),
          optional_number(from, "upperThreshold"),  optional_number(from, "lowerThreshold"), flag_in(from, "down")};
}

void set_persistence(WantedService& service, const Napi::Value& value) {
  if (!value.IsObject()) return;
  const auto from = value.As<Napi::Object>();
  service.persistence_ms = number_in(from, "timeoutMs");
  service.persistence_prefix = static_cast<uint8_t>(number_in(from, "prefixLength"));
}

WantedService service_from(const Napi::Object& from) {
  WantedService service;
  service.name = string_in(from, "name");
  service.is_mark = string_in(object_in(from, "identity"), "kind") == "fwmark";
  service.scheduler = string_in(from, "scheduler");
  for_each(array_in(from, "schedulerFlags"),
           [&](const Napi::Value& flag) { service.scheduler_flags |= named(kSchedulerFlags, flag.As<Napi::String>(), "scheduler flag"); });
  service.one_packet = flag_in(from, "onePacket");
  set_persistence(service, from.Get("persistence"));
  service.helps_ftp = from.Get("helper").IsString();
  service.timeouts = timeouts_from(object_in(from, "timeouts"));
  service.no_destination = named(kNoDestinations, string_in(from, "noDestination"), "noDestination");
  service.resets = flag_in(from, "resets");
  service.sloppy = named(kSloppies, string_in(from, "sloppy"), "sloppy");
  for_each(array_in(from, "listeners"),
           [&](const Napi::Value& one) { service.listeners.push_back(listener_from(one.As<Napi::Object>())); });
  for_each(array_in(from, "destinations"),
           [&](const Napi::Value& one) { service.destinations.push_back(destination_from(one.As<Napi::Object>())); });
  return service;
}

// The engine takes both families for one code, and would translate between them without noticing.
void check_families(const WantedService& service) {
  const auto check = [&](const Address& address) {
    if (address.is_v4() == service.listeners.at(0).address.is_v4()) return;
    throw std::invalid_argument("service " + service.name + " has addresses of both families: " + text_of(address));
  };
  for (const WantedListener& one : service.listeners) check(one.address);
  for (const WantedDestination& one : service.destinations) check(one.address);
}

void check_base(const Napi::Object& snapshot, const WantedSnapshot& before) {
  if (snapshot.Get("base").IsUndefined() || number_in(snapshot, "base") == before.generation) return;
  throw std::invalid_argument("the snapshot is based on generation " + std::to_string(number_in(snapshot, "base")) +
                              ", and the one before is of " + std::to_string(before.generation));
}

}  // namespace

uint8_t protocol_from(const std::string& name) { return named(kProtocols, name, "protocol"); }

const char* protocol_name(uint8_t protocol) {
  for (const Named<uint8_t>& row : kProtocols) {
    if (row.value == protocol) return row.name;
  }
  return "ip";
}

WantedSnapshot snapshot_from(const Napi::Object& snapshot, const WantedSnapshot& before) {
  check_base(snapshot, before);
  WantedSnapshot wanted;
  wanted.generation = number_in(snapshot, "generation");
  const Napi::Array services = array_in(snapshot, "services");
  wanted.services.reserve(services.Length());
  for_each(services, [&](const Napi::Value& one) {
    if (one.IsNumber()) {
      wanted.services.push_back(before.services.at(one.As<Napi::Number>().Uint32Value()));
      return;
    }
    wanted.services.push_back(service_from(one.As<Napi::Object>()));
    if (!wanted.services.back().listeners.empty()) check_families(wanted.services.back());
  });
  wanted.timeouts = timeouts_from(object_in(snapshot, "timeouts"));
  wanted.takeover_ms = number_in(snapshot, "takeoverMs");
  const Napi::Object half_open = object_in(snapshot, "halfOpen");
  wanted.half_open = {number_in(half_open, "service"), number_in(half_open, "source")};
  return wanted;
}

Napi::Number number(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

Napi::Object endpoint_object(Napi::Env env, const Endpoint& endpoint) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("address", text_of(endpoint.address));
  object.Set("port", number(env, to_host(endpoint.port)));
  return object;
}

}  // namespace natlb
