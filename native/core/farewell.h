// RST to both sides of a TCP flow that is given up, so that neither waits for a connection which no router knows any more.
#pragma once

#include <array>
#include <cstdint>

#include "core/flow_table.h"
#include "core/snapshot.h"
#include "core/stages.h"

namespace natlb {

class Farewells {
 public:
  // Flows for whose farewells an empty batch has room.
  static constexpr uint32_t kFlows = kBatch / 2;

  // Adds to `batch` what the ends of the flow are to be told, if anything: packets of our own, on their way already. Their frames last
  // until the batch is used again.
  void say(const Flow& flow, const Block& block, const View& view, Batch& batch) noexcept;

 private:
  void add(const Key& key, uint32_t sequence, uint32_t acknowledgement, const View& view, Batch& batch) noexcept;

  std::array<std::array<uint8_t, 128>, kBatch> frames_;
};

}  // namespace natlb
