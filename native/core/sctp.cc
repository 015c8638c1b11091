// SCTP: lengths, tags, checksum. Read RFC 9260 3.1, 3.3, 8.4 and 8.5 first.
#include "core/sctp.h"

#include "core/checksum.h"
#include "core/crc32c.h"
#include "core/wire.h"

namespace natlb {

namespace {

const uint8_t* header_of(const Packet& packet) noexcept { return packet.frame + packet.l4; }
size_t length_of(const Packet& packet) noexcept { return packet.end - packet.l4; }

uint32_t load_le32(const uint8_t* at) noexcept {
  return at[0] | static_cast<uint32_t>(at[1]) << 8 | static_cast<uint32_t>(at[2]) << 16 | static_cast<uint32_t>(at[3]) << 24;
}
void store_le32(uint8_t* at, uint32_t value) noexcept {
  for (int byte = 0; byte < 4; ++byte) at[byte] = static_cast<uint8_t>(value >> 8 * byte);
}

// Chunks are padded to words. `at` and the result count from the header; 0 when no whole chunk header follows.
size_t next_chunk(const uint8_t* header, size_t length, size_t at) noexcept {
  const size_t stated = host16(header + at + sctp::kLength);
  const size_t next = at + (stated + 3) / 4 * 4;
  return stated >= sctp::kChunkHeader && next + sctp::kChunkHeader <= length ? next : 0;
}

bool is_init(uint8_t chunk) noexcept { return chunk == sctp::kInit || chunk == sctp::kInitAck; }

// A device that cannot tell (AF_XDP) may hand over a checksum that is yet to be worked out: a local sender leaves zero there.
void finish_checksum(Packet& packet) noexcept {
  uint8_t* header = packet.frame + packet.l4;
  const bool unfinished = packet.offload.checksum == Checksum::partial ||
                          (packet.offload.checksum == Checksum::unknown && load32(header + sctp::kChecksum) == 0);
  if (unfinished) store_le32(header + sctp::kChecksum, sctp_checksum(header, length_of(packet)));
  packet.offload = {};
}

// From the public side, where anybody may guess: only who knows the tag ends an association (RFC 9260 8.5.1). Servers are believed.
bool is_tag_right(const Flow& flow, const Packet& packet, SctpEvent event) noexcept {
  if (packet.leg == Leg::reverse || flow.server_expects == 0 || event == SctpEvent::init) return true;
  const uint8_t* header = header_of(packet);
  const uint32_t tag = load32(header + sctp::kTag);
  if (tag == flow.server_expects) return true;
  const bool reflectable = event == SctpEvent::abort || event == SctpEvent::shutdown_complete;
  return reflectable && (header[sctp::kHeader + sctp::kFlags] & sctp::kTagReflected) != 0 && tag == flow.client_expects;
}

// Whoever sends INIT or INIT ACK names the tag he wants to see. Not of clients in the middle of an association: it may be somebody else.
void learn_tags(Flow& flow, const Packet& packet) noexcept {
  const uint8_t* header = header_of(packet);
  if (!is_init(header[sctp::kHeader])) return;
  const uint32_t tag = load32(header + sctp::kHeader + sctp::kInitiateTag);
  if (packet.leg == Leg::reverse) {
    flow.server_expects = tag;
  } else if (flow.state != FlowState::SCTP_ESTABLISHED) {
    flow.client_expects = tag;
  }
}

}  // namespace

Verdict parse_sctp(Packet& packet) noexcept {
  const uint8_t* header = header_of(packet);
  const size_t length = length_of(packet);
  if (length < sctp::kHeader + sctp::kChunkHeader) return Verdict::truncated;
  const size_t chunk = host16(header + sctp::kHeader + sctp::kLength);
  if (chunk < sctp::kChunkHeader) return Verdict::malformed;
  if (chunk > length - sctp::kHeader) return Verdict::truncated;
  if (is_init(header[sctp::kHeader])) {
    if (chunk < sctp::kInitHeader || load32(header + sctp::kHeader + sctp::kInitiateTag) == 0) return Verdict::malformed;
    // RFC 9260 8.5.1 (A), and 6.10: nothing may be bundled with it.
    const bool is_alone = next_chunk(header, length, sctp::kHeader) == 0;
    const bool is_tagged = load32(header + sctp::kTag) != 0;
    if (!is_alone || is_tagged != (header[sctp::kHeader] == sctp::kInitAck)) return Verdict::malformed;
  }
  if (packet.offload.checksum == Checksum::partial &&
      (packet.offload.checksum_start != packet.l4 || packet.offload.checksum_offset != sctp::kChecksum))
    return Verdict::malformed;
  finish_checksum(packet);
  return Verdict::pending;
}

// An ABORT may stand behind the chunk that made it necessary (RFC 9260 3.3.7), in practice behind a cookie; IPVS looks there too.
SctpEvent event_of(const Packet& packet) noexcept {
  const uint8_t* header = header_of(packet);
  const SctpEvent first = sctp_event(header[sctp::kHeader]);
  if (first != SctpEvent::cookie_echo && first != SctpEvent::cookie_ack) return first;
  const size_t second = next_chunk(header, length_of(packet), sctp::kHeader);
  return second != 0 && header[second] == sctp::kAbort ? SctpEvent::abort : first;
}

bool follow_sctp(Flow& flow, const Packet& packet) noexcept {
  if (!is_tag_right(flow, packet, event_of(packet))) return false;
  learn_tags(flow, packet);
  return true;
}

uint32_t sctp_checksum(const uint8_t* header, size_t length) noexcept {
  uint32_t running = extend_crc32c(kCrcStart, header, sctp::kChecksum);
  running = extend_crc32c_by_zeros(running, sizeof(uint32_t));
  return ~extend_crc32c(running, header + sctp::kHeader, length - sctp::kHeader);
}

// A CRC is linear: the checksums of two packets of one length differ by what their difference leaves, here two bytes and zeros behind them.
// So nothing but the length of the rest counts, and what arrives damaged leaves damaged, for its receiver to find out. (IPVS works the sum
// out anew and makes it right.) A checksum of zero is one that both ends have agreed to do without (RFC 9653).
void put_sctp_port(uint8_t* header, size_t length, size_t available, size_t at, uint16_t port) noexcept {
  const uint16_t difference = load16(header + at) ^ port;
  store16(header + at, port);
  if (difference == 0 || available < sctp::kHeader || length < sctp::kHeader) return;
  const uint32_t checksum = load_le32(header + sctp::kChecksum);
  if (checksum == 0) return;
  uint8_t bytes[2];
  store16(bytes, difference);
  const uint32_t left = extend_crc32c_by_zeros(extend_crc32c(0, bytes, sizeof bytes), length - at - sizeof bytes);
  store_le32(header + sctp::kChecksum, checksum ^ left);
}

SctpAnswer answer_to_stranger(const Packet& packet) noexcept {
  const uint8_t* header = header_of(packet);
  const uint32_t tag = load32(header + sctp::kTag);
  if (header[sctp::kHeader] == sctp::kInit) return {sctp::kAbort, 0, load32(header + sctp::kHeader + sctp::kInitiateTag)};
  if (header[sctp::kHeader] == sctp::kShutdownAck) return {sctp::kShutdownComplete, sctp::kTagReflected, tag};
  for (size_t at = sctp::kHeader; at != 0; at = next_chunk(header, length_of(packet), at)) {
    const uint8_t chunk = header[at];
    if (chunk == sctp::kAbort || chunk == sctp::kShutdownComplete || chunk == sctp::kCookieAck || chunk == sctp::kError) return {};
  }
  return {sctp::kAbort, sctp::kTagReflected, tag};
}

void write_sctp(uint8_t* header, uint16_t source_port, uint16_t target_port, const SctpAnswer& answer) noexcept {
  constexpr size_t kSize = sctp::kHeader + sctp::kChunkHeader;
  store16(header, source_port);
  store16(header + 2, target_port);
  std::memcpy(header + sctp::kTag, &answer.tag, sizeof answer.tag);
  uint8_t* chunk = header + sctp::kHeader;
  chunk[0] = answer.chunk;
  chunk[sctp::kFlags] = answer.flags;
  store16(chunk + sctp::kLength, to_wire(sctp::kChunkHeader));
  store_le32(header + sctp::kChecksum, sctp_checksum(header, kSize));
}

}  // namespace natlb
