// auth_hmac of keepalived 2.4: 28 bytes behind an advert that say who made it, when, and the how many-eth it was.
//   type 1 · key id · 0 0 · seconds (32 bits) · fraction (16) · counter (16) · the first 16 bytes of HMAC-SHA256
// The three numbers together are a sequence of 64 bits, in the order of RFC 1982.

import { concatenate } from './packet.js';

export const TRAILER_LENGTH = 28;
const TYPE_SHA256 = 1;
const PROOF_AT = 12;
const PROOF_LENGTH = TRAILER_LENGTH - PROOF_AT;
const VRRP_CHECKSUM_AT = 6;
const ADDRESS_FIELD = 16;

export interface Signed {
  readonly version: 2 | 3;
  readonly virtualRouterId: number;
  readonly source: Uint8Array;
  /** The advert without its trailer. */
  readonly message: Uint8Array;
}

/** The trailer, its proof still zero. */
export function blankTrailer(keyId: number, sequence: bigint): Uint8Array {
  const trailer = new Uint8Array(TRAILER_LENGTH);
  trailer.set([TYPE_SHA256, keyId]);
  new DataView(trailer.buffer).setBigUint64(4, sequence);
  return trailer;
}

/** Who sent it is a part of it, where it was sent to is not; the checksum counts as zero, for the kernel may write it later. */
export function provable({ version, virtualRouterId, source, message }: Signed, trailer: Uint8Array): Uint8Array {
  const identity = Uint8Array.from([source.length === 4 ? 4 : 6, version, virtualRouterId, 0]);
  const address = new Uint8Array(ADDRESS_FIELD);
  address.set(source);
  const blank = concatenate([message]);
  blank.fill(0, VRRP_CHECKSUM_AT, VRRP_CHECKSUM_AT + 2);
  return concatenate([identity, address, blank, trailer.subarray(0, PROOF_AT), new Uint8Array(PROOF_LENGTH)]);
}

export function withProof(trailer: Uint8Array, proof: Uint8Array): Uint8Array {
  return concatenate([trailer.subarray(0, PROOF_AT), proof.subarray(0, PROOF_LENGTH)]);
}

export interface TrailerClaims {
  readonly keyId: number;
  readonly sequence: bigint;
  readonly seconds: number;
  readonly proof: Uint8Array;
}

/** Undefined: it is none of ours. */
export function claimsOf(trailer: Uint8Array): TrailerClaims | undefined {
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (trailer.length !== TRAILER_LENGTH || view.getUint8(0) !== TYPE_SHA256 || view.getUint16(2) !== 0) return undefined;
  return { keyId: view.getUint8(1), sequence: view.getBigUint64(4), seconds: view.getUint32(4), proof: trailer.subarray(PROOF_AT) };
}

/** Seconds since 1970 in the upper half, then 65 536ths of a second; the counter is for those who ask twice in one of these. */
export function sequenceAt(wallClockMs: number): bigint {
  const seconds = BigInt(Math.floor(wallClockMs / 1000)) & 0xffffffffn;
  const fraction = BigInt(Math.floor(((wallClockMs % 1000) * 65_536) / 1000));
  return (seconds << 32n) | (fraction << 16n);
}

export function isAfter(one: bigint, other: bigint): boolean {
  return BigInt.asIntN(64, one - other) > 0n;
}

/** By how many seconds the clock is ahead of a sequence, in the order of RFC 1982. */
export function secondsAhead(wallClockMs: number, sequence: bigint): number {
  return (Math.floor(wallClockMs / 1000) - Number(sequence >> 32n)) | 0;
}

export interface Freshness {
  /** Undefined: any age will do. */
  readonly windowSeconds: number | undefined;
}

/** The clock, or one more than before; but a clock that was put back by more than others tolerate starts the sequence anew. */
export function nextSequence(last: bigint | undefined, wallClockMs: number, { windowSeconds }: Freshness): bigint {
  const clock = sequenceAt(wallClockMs);
  if (last === undefined || isAfter(clock, last)) return clock;
  const stranded = windowSeconds !== undefined && -secondsAhead(wallClockMs, last) > windowSeconds;
  return stranded ? clock : BigInt.asUintN(64, last + 1n);
}

/** A sender's last sequence that the window has left behind stands for nothing any more. */
export function isReplay(last: bigint | undefined, sequence: bigint, wallClockMs: number, { windowSeconds }: Freshness): boolean {
  if (last === undefined) return false;
  if (windowSeconds !== undefined && Math.abs(secondsAhead(wallClockMs, last)) > windowSeconds) return false;
  return !isAfter(sequence, last);
}
