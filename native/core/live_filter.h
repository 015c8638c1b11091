// The flows that the kernel cannot tell by their ports alone: replies of destinations that answer on any port, and FTP data connections.
// The worker counts them here, in bytes that the steering program reads (io/steering.h): no system call for a flow.
#pragma once

#include <cstdint>

#include "core/address.h"
#include "core/live_hash.h"

namespace natlb {

// What a packet of the flow shows on one side of this host: its client and the endpoint that stands here for the other end, the virtual one
// or the destination. Not the client's port: a data connection is expected before it is known.
struct LiveKey {
  Address remote;
  Endpoint local;
  uint8_t protocol;
};

// A view of NATLB_LIVE_COUNTERS bytes that somebody else owns; over none it does nothing. One writer.
class LiveFilter {
 public:
  LiveFilter() = default;
  LiveFilter(uint8_t* counters, uint64_t secret) noexcept : counters_{counters}, secret_{secret} {}

  // Every add wants one remove. A counter at its highest value does not know how many it stands for, so it stays there until the filter is
  // made anew with the process: then too much is taken for ours, never too little.
  void add(const LiveKey& key) noexcept;
  void remove(const LiveKey& key) noexcept;
  // Never false for what was added and not removed.
  [[nodiscard]] bool has(const LiveKey& key) const noexcept;
  [[nodiscard]] bool is_there() const noexcept { return counters_ != nullptr; }

 private:
  [[nodiscard]] uint64_t hash_of(const LiveKey& key) const noexcept;

  uint8_t* counters_ = nullptr;
  uint64_t secret_ = 0;
};

}  // namespace natlb
