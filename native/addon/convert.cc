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

uint8_t protocol_from(const std::string& name) {
  if (name == "tcp") return kTcp;
  if (name == "udp") return kUdp;
  throw std::invalid_argument("unknown protocol " + name);
}

const char* protocol_name(uint8_t protocol) { return protocol == kTcp ? "tcp" : "udp"; }

namespace {

Endpoint endpoint_from(const Napi::Object& from) {
  const uint32_t port = number_in(from, "port");
  if (port > UINT16_MAX) throw std::invalid_argument("port " + std::to_string(port) + " is above 65535");
  return {address_from(string_in(from, "address")), to_wire(static_cast<uint16_t>(port))};
}

WantedService service_from(const Napi::Object& from) {
  WantedService service{endpoint_from(from), protocol_from(string_in(from, "protocol")), string_in(from, "scheduler"), {}};
  const Napi::Array destinations = array_in(from, "destinations");
  for (uint32_t i = 0; i < destinations.Length(); ++i) {
    const auto one = destinations.Get(i).As<Napi::Object>();
    service.destinations.push_back({endpoint_from(one), number_in(one, "weight")});
    if (service.destinations.back().endpoint.address.is_v4() != service.endpoint.address.is_v4()) {
      throw std::invalid_argument("a destination of " + text_of(service.endpoint.address) + " is of the other address family");
    }
  }
  return service;
}

}  // namespace

WantedSnapshot snapshot_from(const Napi::Object& snapshot) {
  WantedSnapshot wanted;
  wanted.generation = number_in(snapshot, "generation");
  const Napi::Array services = array_in(snapshot, "services");
  for (uint32_t i = 0; i < services.Length(); ++i) wanted.services.push_back(service_from(services.Get(i).As<Napi::Object>()));
  const Napi::Object timeouts = object_in(snapshot, "timeouts");
  wanted.tcp_ms = number_in(timeouts, "tcpMs");
  wanted.tcp_fin_ms = number_in(timeouts, "tcpFinMs");
  wanted.udp_ms = number_in(timeouts, "udpMs");
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
