// The pipeline in its order.
#include "core/forward.h"

namespace natlb {

void Forwarder::forward(Batch& batch, const View& view, uint32_t now) noexcept {
  missing_.count = 0;
  parse(batch, view);
  lookup(batch, flows_);
  schedule(batch, view, flows_, passing_, icmp_, now);
  track(batch, *view.snapshot, flows_, now);
  rewrite(batch, flows_.block());
  route(batch, view, flows_.block(), icmp_, now, missing_);
}

void Forwarder::count(const Batch& batch) noexcept {
  for (size_t i = 0; i < batch.count; ++i) {
    const Verdict verdict = batch.packets[i].verdict;
    if (verdict != Verdict::pending) verdicts_[static_cast<size_t>(verdict)].add(1);
  }
}

}  // namespace natlb
