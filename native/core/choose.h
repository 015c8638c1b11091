// Which destination a first packet gets: that of its client's template, else the scheduler's choice.
#pragma once

#include <cstdint>

#include "core/flow_table.h"
#include "core/snapshot.h"

namespace natlb {

struct Chosen {
  uint32_t slot = kNone;   // of the destination; kNone: there is none
  uint16_t port = 0;       // of the destination, as configured
  Flow* keeper = nullptr;  // the template that keeps the client there
  bool full = false;       // a template was needed, and the table had no room for it
};

// Under which a persistent service keeps the template of who sent `key`.
Key template_key(const Service& service, const Listener& listener, const Key& key) noexcept;

// Makes or renews the client's template where the service is persistent.
Chosen choose(const Service& service, const Listener& listener, const Key& key, FlowTable& flows, uint32_t now) noexcept;

}  // namespace natlb
