// The data plane's one sentence: receive → parse → lookup → schedule → track → rewrite → route → transmit. Receiving and transmitting are
// the engine's; the rest is forward().
#pragma once

#include <array>
#include <cstdint>

#include "core/counter.h"
#include "core/stages.h"

namespace natlb {

class Forwarder {
 public:
  explicit Forwarder(FlowTable& flows) noexcept : flows_{flows} {}

  // Gives each packet of `batch` its verdict, and those that leave their device_out and their bytes. `now` in ticks.
  void forward(Batch& batch, const View& view, uint32_t now) noexcept;

  // Counts the verdicts, once the devices have had their say. Packets still pending wait somewhere and are counted when they go on.
  void count(const Batch& batch) noexcept;

  [[nodiscard]] const Missing& missing() const noexcept { return missing_; }
  [[nodiscard]] uint64_t packets(Verdict verdict) const noexcept { return verdicts_[static_cast<size_t>(verdict)].get(); }
  [[nodiscard]] FlowTable& flows() noexcept { return flows_; }

 private:
  FlowTable& flows_;
  Passing passing_{};
  IcmpBudget icmp_;
  Missing missing_;
  std::array<Counter, kVerdicts> verdicts_;
};

}  // namespace natlb
