// auth_type AH: an IPsec authentication header (RFC 2402) with HMAC-MD5-96, as keepalived sends it: the security parameters index is the sender's
// address, and all routers of a VRID count on with one sequence.

import { AUTHENTICATION_HEADER_LENGTH, concatenate, VRRP_PROTOCOL } from './packet.js';

/** Of RFC 2402 2.2: the header in 32-bit words, less two. */
const PAYLOAD_LENGTH = AUTHENTICATION_HEADER_LENGTH / 4 - 2;
const PROOF_AT = 12;
export const PROOF_LENGTH = 12;
const IPV4 = { typeOfService: 1, fragment: 6, ttl: 8, checksum: 10 } as const;

/** The header, its proof still zero. */
export function blankHeader(source: Uint8Array, sequence: number): Uint8Array {
  const header = new Uint8Array(AUTHENTICATION_HEADER_LENGTH);
  header.set([VRRP_PROTOCOL, PAYLOAD_LENGTH]);
  header.set(source, 4);
  new DataView(header.buffer).setUint32(8, sequence);
  return header;
}

/** What the proof is computed over: the packet without what routers change, and without the proof itself. The TTL counts where it must stay 255. */
export function provable(packet: Uint8Array, headerAt: number, target: 'multicast' | 'unicast'): Uint8Array {
  const bytes = Uint8Array.from(packet);
  bytes.fill(0, IPV4.typeOfService, IPV4.typeOfService + 1);
  bytes.fill(0, IPV4.fragment, IPV4.fragment + 2);
  bytes.fill(0, IPV4.checksum, IPV4.checksum + 2);
  if (target === 'unicast') bytes.fill(0, IPV4.ttl, IPV4.ttl + 1);
  bytes.fill(0, headerAt + PROOF_AT, headerAt + PROOF_AT + PROOF_LENGTH);
  return bytes;
}

export function withProof(packet: Uint8Array, headerAt: number, proof: Uint8Array): Uint8Array {
  const proved = concatenate([packet]);
  proved.set(proof.subarray(0, PROOF_LENGTH), headerAt + PROOF_AT);
  return proved;
}

export interface HeaderClaims {
  readonly nextProtocol: number;
  /** The security parameters index. */
  readonly index: Uint8Array;
  readonly sequence: number;
  readonly proof: Uint8Array;
}

export function claimsOf(packet: Uint8Array, headerAt: number): HeaderClaims {
  const header = packet.subarray(headerAt, headerAt + AUTHENTICATION_HEADER_LENGTH);
  return {
    nextProtocol: header[0] ?? 0,
    index: header.subarray(4, 8),
    sequence: new DataView(header.buffer, header.byteOffset, header.byteLength).getUint32(8),
    proof: header.subarray(PROOF_AT, PROOF_AT + PROOF_LENGTH),
  };
}
