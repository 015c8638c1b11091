// Everything configured that a packet may need, immutable: built off the data path, swapped in whole.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/routes.h"
#include "core/scheduler.h"
#include "core/tcp_state.h"

namespace natlb {

class Snapshot {
 public:
  // Services must differ in (protocol, address, port). Times in ticks, one for each state.
  Snapshot(uint64_t generation, std::vector<Service> services, const std::array<uint32_t, kFlowStates>& timeouts);

  [[nodiscard]] const Service* find_service(const Endpoint& endpoint, uint8_t protocol) const noexcept;
  [[nodiscard]] bool is_destination(const Endpoint& endpoint, uint8_t protocol) const noexcept;
  [[nodiscard]] const std::vector<Service>& services() const noexcept { return services_; }
  [[nodiscard]] uint32_t timeout(FlowState state) const noexcept { return timeouts_[static_cast<size_t>(state)]; }
  [[nodiscard]] uint64_t generation() const noexcept { return generation_; }

 private:
  struct Place {
    Endpoint endpoint;
    uint8_t protocol;
  };
  static bool before(const Endpoint& a, uint8_t a_protocol, const Endpoint& b, uint8_t b_protocol) noexcept;

  uint64_t generation_;
  std::vector<Service> services_;    // sorted
  std::vector<Place> destinations_;  // sorted
  std::array<uint32_t, kFlowStates> timeouts_;
};

// What one round of a worker goes by.
struct View {
  const Snapshot* snapshot;
  const Routes* routes;
  // For each device of the worker, its interface's position in routes; for each such position, the device to send by.
  std::vector<uint32_t> interface_of_device;
  std::vector<uint16_t> device_of_interface;

  static constexpr uint16_t kNoDevice = UINT16_MAX;
};

}  // namespace natlb
