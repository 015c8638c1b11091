// SCTP on the wire (RFC 9260 3) and what of it a router must know: which chunk says what, verification tags, and a checksum that covers the
// ports but not the addresses.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/flow.h"
#include "core/packet.h"
#include "core/sctp_state.h"
#include "core/verdict.h"

namespace natlb {

namespace sctp {
inline constexpr size_t kHeader = 12, kTag = 4, kChecksum = 8;
// In a chunk.
inline constexpr size_t kChunkHeader = 4, kFlags = 1, kLength = 2, kInitiateTag = 4, kInitHeader = 20;
inline constexpr uint8_t kInit = 1, kInitAck = 2, kAbort = 6, kShutdownAck = 8, kError = 9, kCookieEcho = 10, kCookieAck = 11,
                         kShutdownComplete = 14;
inline constexpr uint8_t kTagReflected = 1;  // the T bit of ABORT and SHUTDOWN COMPLETE
}  // namespace sctp

// Compares lengths for parse, and finishes a checksum that a local sender left to a NIC: no device takes it over, because the way out could
// not say that it is a CRC (virtio_net_hdr knows but the Internet checksum).
Verdict parse_sctp(Packet& packet) noexcept;

// What the packet tells of its association.
SctpEvent event_of(const Packet& packet) noexcept;
inline bool opens_association(const Packet& packet) noexcept { return event_of(packet) == SctpEvent::init; }

// Learns which verification tags the two sides want to see. False: the packet carries another, and says nothing about the flow.
bool follow_sctp(Flow& flow, const Packet& packet) noexcept;

// Puts a port at `header` + `at`. `length`: of the whole SCTP packet, of which perhaps only `available` bytes are there (quoted by ICMP).
void put_sctp_port(uint8_t* header, size_t length, size_t available, size_t at, uint16_t port) noexcept;

// What a host says to a packet of no association of its own, an INIT it does not want included (RFC 9260 8.4): a chunk with this tag.
struct SctpAnswer {
  uint8_t chunk = 0;  // 0: nothing
  uint8_t flags = 0;
  uint32_t tag = 0;  // network order
};
SctpAnswer answer_to_stranger(const Packet& packet) noexcept;
// Writes the answer as an SCTP packet of one chunk.
void write_sctp(uint8_t* header, uint16_t source_port, uint16_t target_port, const SctpAnswer& answer) noexcept;

// The checksum of `length` bytes from the header on, as it stands in the header.
uint32_t sctp_checksum(const uint8_t* header, size_t length) noexcept;

}  // namespace natlb
