// Places are given up by nobody: whoever needs one looks whether its owner still lives.
#include "core/conversations.h"

#include <span>

#include "core/block.h"

namespace natlb {

namespace {

constexpr uint32_t kPlaces = 8;

uint32_t index_of(const Block& block, const Flow& flow) noexcept { return static_cast<uint32_t>(&flow - block.flows); }

std::span<ConversationSlot, kPlaces> places(Block& block, const Flow& control) noexcept {
  const uint32_t sets = conversation_count(block.header->max_flows) / kPlaces;
  const uint32_t set = (index_of(block, control) * 0x9e3779b1U >> 8) % sets;
  return std::span<ConversationSlot, kPlaces>{block.conversations + set * kPlaces, kPlaces};
}

bool is_free(const Block& block, const ConversationSlot& slot) noexcept {
  if (slot.flow == 0 || slot.flow > block.header->max_flows) return true;
  const Flow& owner = block.flows[slot.flow - 1];
  return owner.live != Flow::kLive || !owner.has(Flow::kHelped);
}

// A process that died may have left it half-written; then it need not be true, but must not lead outside of itself.
bool is_sound(const ftp::Stream& stream) noexcept {
  const ftp::Scanner& scanner = stream.scanner;
  const Sequence& sequence = stream.sequence;
  if (scanner.length > scanner.text.size() || scanner.where > ftp::Scanner::Where::rest || scanner.line > ftp::Scanner::Line::epsv)
    return false;
  if (sequence.count > Sequence::kEdits || sequence.open > scanner.length) return false;
  for (uint8_t i = 0; i < sequence.count; ++i) {
    const Edit& edit = sequence.edits[i];
    if (edit.shown > edit.text.size() || edit.held > edit.sent) return false;
  }
  return true;
}

}  // namespace

ConversationSlot* find_conversation(Block& block, const Flow& control) noexcept {
  const uint32_t name = index_of(block, control) + 1;
  for (ConversationSlot& slot : places(block, control)) {
    if (slot.flow == name) return is_sound(slot.said.client) && is_sound(slot.said.server) ? &slot : nullptr;
  }
  return nullptr;
}

ConversationSlot* begin_conversation(Block& block, const Flow& control) noexcept {
  const uint32_t name = index_of(block, control) + 1;
  ConversationSlot* free = nullptr;
  for (ConversationSlot& slot : places(block, control)) {
    if (slot.flow == name || (free == nullptr && is_free(block, slot))) free = &slot;
    if (slot.flow == name) break;
  }
  if (free != nullptr) *free = {name, {}, {}};
  return free;
}

}  // namespace natlb
