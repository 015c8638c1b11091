// The data plane's one sentence: receive → parse → gather → lookup → schedule → track → help → rewrite → route → transmit. Receiving and
// transmitting are the engine's; the rest is forward().
#pragma once

#include <array>
#include <cstdint>

#include "core/counter.h"
#include "core/farewell.h"
#include "core/stages.h"

namespace natlb {

class Forwarder {
 public:
  explicit Forwarder(FlowTable& flows) : flows_{flows}, fragments_{flows.secret()} {}

  // Gives each packet of `batch` its verdict, and those that leave their device_out and their bytes. `now` in ticks.
  void forward(Batch& batch, const View& view, uint32_t now) noexcept;

  // Does the same with fragments that waited for the first of their datagram, which went before: fills `batch` with them, and says whether
  // there were any. To be called until there are none, after each batch; their frames last until the next call.
  bool resume(Batch& batch, const View& view, uint32_t now) noexcept;

  // Ends flows whose time has come, or whose destination is gone, a few at a time; what their ends are to be told is put into `batch`,
  // which is empty, ready to be transmitted. True when there is more to do at once.
  bool end_idle(Batch& batch, const View& view, uint32_t now) noexcept;
  bool end_orphans(Batch& batch, const View& view) noexcept;

  // Counts the verdicts, once the devices have had their say. Packets still pending wait somewhere and are counted when they go on.
  void count(const Batch& batch) noexcept;

  [[nodiscard]] const Missing& missing() const noexcept { return missing_; }
  [[nodiscard]] uint64_t packets(Verdict verdict) const noexcept {
    return verdicts_[static_cast<size_t>(verdict)].get() + fragments_.ended(verdict);
  }
  [[nodiscard]] uint64_t farewells() const noexcept { return farewells_sent_.get(); }
  [[nodiscard]] uint64_t sheds() const noexcept { return sheds_.get(); }
  [[nodiscard]] FlowTable& flows() noexcept { return flows_; }

 private:
  void carry(Batch& batch, const View& view, uint32_t now) noexcept;
  void part(Flow& flow, Batch& batch, const View& view) noexcept;

  FlowTable& flows_;
  Fragments fragments_;
  Passing passing_{};
  Farewells farewells_;
  Counter farewells_sent_;     // RSTs
  Counter sheds_;              // half-open flows
  uint32_t swept_serial_ = 0;  // of the snapshot whose orphans are being looked for
  uint32_t sweep_at_ = 0;
  IcmpBudget icmp_;
  Missing missing_;
  std::array<Counter, kVerdicts> verdicts_;
};

}  // namespace natlb
