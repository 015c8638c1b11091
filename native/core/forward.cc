// The pipeline in its order.
#include "core/forward.h"

namespace natlb {

namespace {

bool is_orphan(const Flow& flow, const Block& block) noexcept {
  return !flow.has(Flow::kTemplate) && block.destinations[flow.destination].standing.load(std::memory_order_relaxed) == Standing::gone;
}

}  // namespace

void Forwarder::forward(Batch& batch, const View& view, uint32_t now) noexcept {
  parse(batch, view, flows_);
  gather(batch, fragments_, now);
  carry(batch, view, now);
}

bool Forwarder::resume(Batch& batch, const View& view, uint32_t now) noexcept {
  batch.count = 0;
  if (!fragments_.calls()) return false;
  fragments_.call(batch);
  carry(batch, view, now);
  return batch.count > 0;
}

void Forwarder::carry(Batch& batch, const View& view, uint32_t now) noexcept {
  missing_.count = 0;
  lookup(batch, flows_);
  schedule(batch, view, flows_, fragments_, passing_, icmp_, sheds_, now);
  track(batch, *view.snapshot, flows_, now);
  help(batch, *view.snapshot, flows_, now);
  rewrite(batch, flows_.block());
  route(batch, view, flows_.block(), icmp_, now, missing_);
}

bool Forwarder::end_idle(Batch& batch, const View& view, uint32_t now) noexcept {
  fragments_.expire(now, Farewells::kFlows);  // also where no packet comes any more
  const bool done = flows_.expire(now, Farewells::kFlows, [&](const Flow& flow) { farewells_.say(flow, flows_.block(), view, batch); });
  farewells_sent_.add(batch.count);
  return !done;
}

// Once for each snapshot all records are looked at: whose destination is in it no longer.
bool Forwarder::end_orphans(Batch& batch, const View& view) noexcept {
  constexpr uint32_t kLooks = 256;
  Block& block = flows_.block();
  if (view.snapshot->generation() == 0) return false;
  if (swept_serial_ != view.snapshot->serial()) {
    swept_serial_ = view.snapshot->serial();
    sweep_at_ = 0;
  }
  for (uint32_t looks = 0; looks < kLooks && sweep_at_ < block.header->fresh && batch.count + 2 <= kBatch; ++looks, ++sweep_at_) {
    Flow& flow = block.flows[sweep_at_];
    if (flow.live == Flow::kLive && is_orphan(flow, block)) part(flow, batch, view);
  }
  return sweep_at_ < block.header->fresh;
}

void Forwarder::part(Flow& flow, Batch& batch, const View& view) noexcept {
  if (flow.protocol == kUdp) return flows_.remove(flow);
  const size_t before = batch.count;
  farewells_.say(flow, flows_.block(), view, batch);
  if (batch.count == before) return;  // it may go on, or ends by its timer
  farewells_sent_.add(batch.count - before);
  flows_.remove(flow);
}

void Forwarder::count(const Batch& batch) noexcept {
  for (size_t i = 0; i < batch.count; ++i) {
    const Verdict verdict = batch.packets[i].verdict;
    if (verdict != Verdict::pending && verdict != Verdict::fragment_waiting) verdicts_[static_cast<size_t>(verdict)].add(1);
  }
}

}  // namespace natlb
