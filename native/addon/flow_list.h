// The flow table as JavaScript sees it: a piece at a time, and only what was asked for.
#pragma once

#include <napi.h>

#include <optional>
#include <string>

#include "core/flow.h"
#include "engine/slot_directory.h"

namespace natlb {

// What is not set fits any flow.
struct FlowFilter {
  struct Where {
    Address address;
    uint16_t port = 0;  // network order; 0 = any
  };
  struct Clients {
    Address mask, network;
    uint16_t port = 0;
  };
  std::optional<std::string> name;
  std::optional<Where> service, server;
  std::optional<Clients> client;
  std::optional<FlowState> state;

  [[nodiscard]] bool fits(const Flow& flow, const Block& block, const SlotDirectory& directory) const;
};

// {name?, service?: {address, port}, client?: {address, prefixLength, port}, server?: {address, port}, state?}
FlowFilter flow_filter_from(const Napi::Object& from);

// {flows, matched, next}: from record `cursor` on at most `count` flows, or none at all but their number when not `listed`; `next` is where
// to go on, absent at the end. Copied while the worker works: each record is whole or left out, the list is of no one moment.
struct FlowPiece {
  uint32_t cursor, count;
  bool listed;
};
Napi::Object flow_piece(Napi::Env env, const Block& block, const SlotDirectory& directory, const FlowFilter& filter, const FlowPiece& piece,
                        uint32_t now);

Napi::Array flows_array(Napi::Env env, const Block& block, const SlotDirectory& directory, uint32_t now);
Napi::Object flow_object(Napi::Env env, const Flow& flow, const Block& block, const SlotDirectory& directory, uint32_t now);

}  // namespace natlb
