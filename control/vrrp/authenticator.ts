// What proves who sent an advert: nothing, or a header before it (auth_type AH), or a trailer behind it (auth_hmac). Remembers what it has sent and
// heard, so that nothing is believed twice.

import type { AuthHmac, VrrpInstance } from '../config/model.js';
import { addressBytes, addressText } from './address-bytes.js';
import * as header from './authentication-header.js';
import * as trailer from './hmac-trailer.js';
import { AUTHENTICATION_HEADER_PROTOCOL, concatenate, type Datagram, type Header, ipv4Packet, VRRP_PROTOCOL } from './packet.js';

export interface Hashes {
  hmacMd5(key: Uint8Array, message: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** In a time that does not depend on where they differ. */
  same(left: Uint8Array, right: Uint8Array): boolean;
}

export interface Memory {
  /** auth_type AH: the highest sequence sent or heard. */
  headerSequence: number;
  trailerSequence: bigint | undefined;
  /** By sender, the one heard longest ago first. */
  readonly heard: Map<string, bigint>;
}

export type AuthenticationFault =
  | 'authentication-failure'
  | 'other-protocol'
  | 'trailer-missing'
  | 'trailer-malformed'
  | 'trailer-key'
  | 'trailer-proof'
  | 'trailer-stale'
  | 'trailer-replay'
  | 'unicast-source';

export interface Authenticator {
  /** What stands behind this advert, which is asked for once however many peers it goes to; nothing when none is signed. */
  trailer(message: Uint8Array, source: string): Uint8Array;
  /** An IPv4 packet with the advert in it, and the proof before it where that is asked for. `sequence` is from `nextHeader`. */
  ipv4(about: Header, payload: Uint8Array, sequence: number): Uint8Array;
  nextHeader(): number;
  checkHeader(datagram: Datagram): AuthenticationFault | undefined;
  checkTrailer(datagram: Datagram, advert: Uint8Array, trailer: Uint8Array | undefined): AuthenticationFault | undefined;
  /** A master of lower priority counted as we did: we go on from its sequence. */
  resume(datagram: Datagram): void;
}

export function noMemory(): Memory {
  return { headerSequence: 0, trailerSequence: undefined, heard: new Map() };
}

type Subject = Pick<VrrpInstance, 'version' | 'virtualRouterId' | 'authentication' | 'hmac' | 'target'>;

export interface AuthenticatorTools {
  readonly memory: Memory;
  readonly hashes: Hashes;
  /** Unix time: it is compared with that of other machines. */
  readonly wallClockMs: () => number;
}

const KEY_LENGTH = 8;
const LAST_SEQUENCE = 0xfffffffd;
/** As many senders as contend for one VRID at the same time; more could only be made up. */
const MULTICAST_SENDERS = 4;

export function createAuthenticator(instance: Subject, tools: AuthenticatorTools): Authenticator {
  const { memory, hashes, wallClockMs } = tools;
  const { hmac, target } = instance;
  const password = passwordBytes(instance);
  const keys = new Map(hmac?.keys.map(({ id, hex }) => [id, bytesOfHex(hex)]));
  const freshness = { windowSeconds: hmac?.antiReplay === 'time' ? hmac.windowSeconds : undefined };
  return {
    trailer: (message, source) => (hmac === undefined || hmac.mode === 'receive-only' ? new Uint8Array() : sign(hmac, message, source)),
    ipv4: (about, payload, sequence) =>
      instance.authentication.type === 'ah' ? seal(about, payload, sequence) : ipv4Packet(about, payload),
    nextHeader: () => {
      if (memory.headerSequence < LAST_SEQUENCE) memory.headerSequence += 1;
      return memory.headerSequence;
    },
    checkHeader,
    checkTrailer: (datagram, advert, tail) => (hmac === undefined ? undefined : checkTrailer(hmac, datagram, advert, tail)),
    resume: ({ authenticated }) => {
      if (authenticated !== undefined) memory.headerSequence = header.claimsOf(authenticated.packet, authenticated.headerAt).sequence + 1;
    },
  };

  function sign({ activeKey }: AuthHmac, message: Uint8Array, source: string): Uint8Array {
    memory.trailerSequence = trailer.nextSequence(memory.trailerSequence, wallClockMs(), freshness);
    const blank = trailer.blankTrailer(activeKey, memory.trailerSequence);
    const proof = hashes.hmacSha256(
      keys.get(activeKey) ?? new Uint8Array(),
      trailer.provable(signed(addressBytes(source), message), blank),
    );
    return trailer.withProof(blank, proof);
  }

  function signed(source: Uint8Array, message: Uint8Array): trailer.Signed {
    return { version: instance.version, virtualRouterId: instance.virtualRouterId, source, message };
  }

  function seal(about: Header, payload: Uint8Array, sequence: number): Uint8Array {
    const source = addressBytes(about.source);
    // The kernel would number the packet after it has been proved.
    const identification = sequence & 0xffff || 1;
    const blank = concatenate([header.blankHeader(source, sequence), payload]);
    const packet = ipv4Packet({ ...about, protocol: AUTHENTICATION_HEADER_PROTOCOL, identification }, blank);
    const headerAt = packet.length - blank.length;
    return header.withProof(packet, headerAt, hashes.hmacMd5(password, header.provable(packet, headerAt, target.kind)));
  }

  function checkHeader({ authenticated, source }: Datagram): AuthenticationFault | undefined {
    if (authenticated === undefined) return 'authentication-failure';
    const { packet, headerAt } = authenticated;
    const { nextProtocol, index, sequence, proof } = header.claimsOf(packet, headerAt);
    if (nextProtocol !== VRRP_PROTOCOL) return 'other-protocol';
    const wanted = hashes.hmacMd5(password, header.provable(packet, headerAt, target.kind)).subarray(0, header.PROOF_LENGTH);
    const proved = hashes.same(proof, wanted) && addressText(index) === addressText(source);
    if (!proved || sequence <= memory.headerSequence) return 'authentication-failure';
    memory.headerSequence = sequence;
    return undefined;
  }

  function checkTrailer(
    about: AuthHmac,
    { source }: Datagram,
    advert: Uint8Array,
    tail: Uint8Array | undefined,
  ): AuthenticationFault | undefined {
    if (tail === undefined) return about.mode === 'enforce' ? 'trailer-missing' : undefined;
    const sender = addressText(source);
    if (target.kind === 'unicast' && !target.peers.some(({ address }) => addressText(addressBytes(address)) === sender))
      return 'unicast-source';
    const claims = trailer.claimsOf(tail);
    if (claims === undefined) return 'trailer-malformed';
    // Before the hash, which costs: a flood of old adverts should not.
    if (freshness.windowSeconds !== undefined && Math.abs(trailer.secondsAhead(wallClockMs(), claims.sequence)) > freshness.windowSeconds)
      return 'trailer-stale';
    const key = keys.get(claims.keyId);
    if (key === undefined) return 'trailer-key';
    const proof = hashes.hmacSha256(key, trailer.provable(signed(source, advert), tail)).subarray(0, claims.proof.length);
    if (!hashes.same(claims.proof, proof)) return 'trailer-proof';
    if (trailer.isReplay(memory.heard.get(sender), claims.sequence, wallClockMs(), freshness)) return 'trailer-replay';
    remember(sender, claims.sequence);
    return undefined;
  }

  /** Only of those whose proof was right: a flood of made-up senders displaces nobody. */
  function remember(sender: string, sequence: bigint): void {
    memory.heard.delete(sender);
    memory.heard.set(sender, sequence);
    const senders = target.kind === 'unicast' ? target.peers.length : MULTICAST_SENDERS;
    for (const oldest of memory.heard.keys()) {
      if (memory.heard.size <= senders) break;
      memory.heard.delete(oldest);
    }
  }
}

/** In a field of eight bytes, padded with zeros. */
export function passwordBytes({ authentication }: Pick<VrrpInstance, 'authentication'>): Uint8Array {
  const data = new Uint8Array(KEY_LENGTH);
  if (authentication.type !== 'none') data.set(new TextEncoder().encode(authentication.password).subarray(0, KEY_LENGTH));
  return data;
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
