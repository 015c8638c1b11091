// What the ring holds, converted.
#include "addon/traced.h"

#include <string>

#include "addon/convert.h"

namespace natlb {

namespace {

constexpr uint32_t kPiece = 1024;  // packets of one answer

Verdict verdict_from(const std::string& name) {
  for (size_t verdict = 1; verdict < kVerdicts; ++verdict) {
    if (kVerdictRows[verdict].name == name) return static_cast<Verdict>(verdict);
  }
  throw std::invalid_argument("no verdict is named " + name);
}

std::string hex(const TracedPacket& packet) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(packet.captured * 2);
  for (uint32_t i = 0; i < packet.captured; ++i) {
    text += kDigits[packet.bytes[i] >> 4];
    text += kDigits[packet.bytes[i] & 15];
  }
  return text;
}

}  // namespace

VerdictSet verdicts_from(const Napi::Array& names) {
  VerdictSet verdicts;
  if (names.Length() == 0) return verdicts.set();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    verdicts.set(static_cast<size_t>(verdict_from(names.Get(i).As<Napi::String>())));
  }
  return verdicts;
}

Napi::Object traced_object(Napi::Env env, TraceRing& ring, const std::vector<std::unique_ptr<Device>>& devices) {
  Napi::Array packets = Napi::Array::New(env);
  TracedPacket packet;
  while (packets.Length() < kPiece && ring.pop(packet)) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("atUs", number(env, packet.at_us));
    object.Set("interface", packet.device < devices.size() ? devices[packet.device]->interface() : std::string());
    object.Set("leaving", packet.leaving);
    object.Set("verdict", std::string(row(packet.verdict).name));
    object.Set("length", number(env, packet.length));
    object.Set("frame", hex(packet));
    packets.Set(packets.Length(), object);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("packets", packets);
  object.Set("lost", number(env, ring.take_lost()));
  return object;
}

}  // namespace natlb
