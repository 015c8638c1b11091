// VRRP adverts from bytes to values, and everything that may be wrong with them. Never throws on what arrives.

import type { VrrpInstance } from '../config/model.js';
import { addressBytes, addressText } from './address-bytes.js';
import type { AuthenticationFault, Authenticator } from './authenticator.js';
import {
  AUTHENTICATION_LENGTH,
  AUTHENTICATION_TYPE,
  authenticationData,
  GROUP_ADDRESS,
  HEADER_LENGTH,
  TYPE_ADVERTISEMENT,
  wireInterval,
} from './encode.js';
import { TRAILER_LENGTH } from './hmac-trailer.js';
import { byte, type Datagram, internetChecksum, open, pseudoHeader, type Received, sameBytes, word } from './packet.js';

/**
 * With a pseudo-header: RFC 5798 as keepalived and FRR read it, and always over IPv6; to the multicast group, though the advert went to a peer, as
 * keepalived had it until 1.3.6. Of the message alone: RFC 9568 5.2.8 over IPv4, and version 2.
 */
export type ChecksumForm = 'with-pseudo-header' | 'message-only' | 'to-multicast-group';

export interface Advert {
  readonly version: 2 | 3;
  readonly virtualRouterId: number;
  readonly priority: number;
  readonly intervalMs: number;
  readonly addresses: readonly string[];
  readonly source: string;
  readonly checksumForm: ChecksumForm;
  /** Its addresses are not the instance's own: worth a warning, but no reason to have two masters. */
  readonly addressesDiffer: boolean;
}

export type DiscardReason =
  | AuthenticationFault
  | 'length'
  | 'virtual-router-id'
  | 'ttl'
  | 'version'
  | 'authentication-invalid'
  | 'authentication-mismatch'
  | 'interval'
  | 'type'
  | 'checksum'
  | 'destination'
  | 'no-addresses'
  | 'unicast-ttl';

/** `detail` says it to the operator, in keepalived's words where keepalived has any. */
export interface Discarded {
  readonly discard: DiscardReason;
  readonly detail: string;
}

export type Decoded = { readonly advert: Advert; readonly datagram: Datagram } | Discarded;

/** What an advert has to be, to be of this instance. */
export type Expected = Pick<
  VrrpInstance,
  'virtualRouterId' | 'version' | 'family' | 'advertIntervalMs' | 'authentication' | 'hmac' | 'addresses' | 'target' | 'oldUnicastChecksum'
>;

/** Whose advert it is, as far as it can be told; which instance to ask `decode` about. */
export function virtualRouterIdOf(received: Received): number | undefined {
  return open(received)?.message[1];
}

/**
 * In keepalived's order of checks, so that its counters and ours tell the same story about the same packet. Without an authenticator nothing has to
 * be proved by a header or a trailer.
 */
export function decode(received: Received, expected: Expected, authenticator?: Authenticator): Decoded {
  const datagram = open(received);
  if (datagram === undefined) return discarded('length', 'packet too short for a VRRP header');
  const heard: Heard = { ...datagram, ...divided(datagram, expected), authenticator };
  for (const check of CHECKS) {
    const problem = check(heard, expected);
    if (problem !== undefined) return problem;
  }
  return { advert: advertOf(heard, expected), datagram };
}

interface Heard extends Datagram {
  /** The message without its trailer. */
  readonly advert: Uint8Array;
  readonly trailer: Uint8Array | undefined;
  readonly authenticator: Authenticator | undefined;
}

/** By the message's own version: what the instance expects is a question for the version check. Padding never has a trailer's length. */
function divided({ family, message }: Datagram, { hmac }: Expected): Pick<Heard, 'advert' | 'trailer'> {
  const length = expectedLength(family, message);
  if (hmac === undefined || message.length !== length + TRAILER_LENGTH) return { advert: message, trailer: undefined };
  return { advert: message.subarray(0, length), trailer: message.subarray(length) };
}

function expectedLength(family: 4 | 6, message: Uint8Array): number {
  const data = byte(message, 0) >> 4 === 2 ? AUTHENTICATION_LENGTH : 0;
  return HEADER_LENGTH + byte(message, 3) * addressLength(family) + data;
}

type Check = (heard: Heard, expected: Expected) => Discarded | undefined;

const CHECKS: readonly Check[] = [
  ({ advert }, { virtualRouterId }) =>
    byte(advert, 1) === virtualRouterId ? undefined : discarded('virtual-router-id', `Unknown VRID(${advert[1]}) received`),

  ({ authenticated }, { authentication: { type } }) => {
    if ((authenticated !== undefined) === (type === 'ah')) return undefined;
    return discarded(
      'authentication-mismatch',
      type === 'ah' ? 'No AH header but auth type is AH' : 'Received AH header but auth type not AH',
    );
  },

  ({ advert, family }) => {
    const wanted = expectedLength(family, advert);
    if (advert.length === wanted) return undefined;
    return discarded(
      'length',
      `vrrp packet too ${advert.length < wanted ? 'short' : 'long'}, length ${advert.length} and expect ${wanted}`,
    );
  },

  ({ hops }, { target }) => {
    if (target.kind === 'unicast' || hops === undefined || hops.lowest === 255) return undefined;
    return discarded('ttl', `invalid TTL/HL. Received ${hopsText(hops)} and expect 255`);
  },

  ({ advert }, { version }) => {
    const found = byte(advert, 0) >> 4;
    return found === version ? undefined : discarded('version', `wrong version. Received ${found} and expect ${version}`);
  },

  ({ authenticator, advert, trailer, ...datagram }) => {
    const fault = authenticator?.checkTrailer(datagram, advert, trailer);
    return fault && discarded(fault, FAULT_TEXTS[fault]);
  },

  authenticationCheck,

  ({ advert }, expected) => {
    const mine = wireInterval(expected);
    const theirs = intervalOf(advert, expected.version);
    if (expected.version === 2 && theirs !== mine)
      return discarded('interval', `advertisement interval mismatch mine=${mine} sec rcv'd=${theirs} sec`);
    // Obeying it would mean a master-down timer of next to nothing (RFC 9568 erratum 8301).
    return theirs === 0 ? discarded('interval', 'advertisement interval of 0') : undefined;
  },

  ({ advert }) => {
    const type = byte(advert, 0) & 0x0f;
    return type === TYPE_ADVERTISEMENT ? undefined : discarded('type', `Invalid packet type. ${type} and expect ${TYPE_ADVERTISEMENT}`);
  },

  (heard, expected) => (checksum(heard, expected) === undefined ? discarded('checksum', 'Invalid VRRP checksum') : undefined),

  (heard, expected) => {
    const { target } = expected;
    const destination = checksum(heard, expected)?.destination ?? heard.destinations[0];
    const group = destination !== undefined && isMulticast(destination);
    if (target.kind === 'unicast' && group) return discarded('destination', 'Expected unicast packet but received multicast packet');
    if (target.kind === 'multicast' && !group) return discarded('destination', 'Expected multicast packet but received unicast packet');
    if (target.kind === 'unicast' || (destination && addressText(destination) === addressText(addressBytes(target.group))))
      return undefined;
    return discarded('destination', `Expected an advert to ${target.group} but received one to ${destination && addressText(destination)}`);
  },

  ({ advert }) => (byte(advert, 3) > 0 ? undefined : discarded('no-addresses', 'expected VIPs but received 0')),

  ({ source, hops }, { target }) => {
    if (target.kind === 'multicast' || !target.checkSource) return undefined;
    const sender = addressText(source);
    const peer = target.peers.find(({ address }) => addressText(addressBytes(address)) === sender);
    if (peer === undefined) return discarded('unicast-source', `unicast source address ${sender} not a unicast peer`);
    if (hops === undefined || (hops.lowest >= peer.minTtl && hops.highest <= peer.maxTtl)) return undefined;
    return discarded('unicast-ttl', `TTL/HL ${hopsText(hops)} from ${sender} not in range [${peer.minTtl}, ${peer.maxTtl}]`);
  },
];

const FAULT_TEXTS: Readonly<Record<AuthenticationFault, string>> = {
  'authentication-failure':
    'IPSEC-AH : invalid IPSEC HMAC-MD5 value, SPI or sequence number. Due to fields mutation, bad password or a replay !',
  'other-protocol': 'AH header for another protocol than VRRP',
  'trailer-missing': 'missing authentication trailer',
  'trailer-malformed': 'malformed authentication trailer',
  'trailer-key': 'unknown authentication key id',
  'trailer-proof': 'invalid authentication HMAC',
  'trailer-stale': 'stale authentication trailer: the clocks of both routers differ, or it is an old one',
  'trailer-replay': 'replayed authentication trailer',
  'unicast-source': 'unicast source address not a unicast peer',
};

function authenticationCheck({ advert, authenticator, trailer, ...datagram }: Heard, expected: Expected): Discarded | undefined {
  if (expected.version === 3) return undefined;
  const type = byte(advert, 4);
  const wanted = AUTHENTICATION_TYPE[expected.authentication.type];
  const detail = `received a ${type} auth, expecting ${wanted}!`;
  if (type > AUTHENTICATION_TYPE.ah) return discarded('authentication-invalid', detail);
  if (type !== wanted) return discarded('authentication-mismatch', detail);
  if (type === AUTHENTICATION_TYPE.ah) {
    const fault = authenticator?.checkHeader(datagram);
    return fault && discarded(fault, FAULT_TEXTS[fault]);
  }
  if (type === AUTHENTICATION_TYPE.none || sameBytes(advert.subarray(-AUTHENTICATION_LENGTH), authenticationData(expected)))
    return undefined;
  return discarded('authentication-failure', 'received an invalid passwd!');
}

interface Sum {
  readonly form: ChecksumForm;
  /** Known only where the checksum has a part in it. */
  readonly destination: Uint8Array | undefined;
}

/** Undefined: wrong in every form that may be. */
function checksum({ family, source, destinations, message, advert }: Heard, expected: Expected): Sum | undefined {
  const summed = family === 6 ? message : advert;
  const withHeader = destinations.map((destination): Sum => ({ form: 'with-pseudo-header', destination }));
  const alone: Sum = { form: 'message-only', destination: undefined };
  const candidates =
    expected.version === 2 && family === 4 ? [alone] : family === 6 ? withHeader : [...withHeader, alone, ...oldSum(expected)];
  return candidates.find(({ form, destination }) => {
    const to = form === 'to-multicast-group' ? addressBytes(GROUP_ADDRESS[family]) : destination;
    return internetChecksum(to === undefined ? new Uint8Array() : pseudoHeader(source, to, summed.length), summed) === 0;
  });
}

function oldSum({ target, oldUnicastChecksum }: Expected): Sum[] {
  return target.kind === 'unicast' && oldUnicastChecksum !== 'never' ? [{ form: 'to-multicast-group', destination: undefined }] : [];
}

function advertOf(heard: Heard, expected: Expected): Advert {
  const { advert, family, source } = heard;
  const addresses = Array.from({ length: byte(advert, 3) }, (_, i) => {
    const start = HEADER_LENGTH + i * addressLength(family);
    return addressText(advert.subarray(start, start + addressLength(family)));
  });
  return {
    version: expected.version,
    virtualRouterId: expected.virtualRouterId,
    priority: byte(advert, 2),
    // Version 2 has agreed on the interval by now; a fraction of a second the wire cannot carry counts all the same.
    intervalMs: expected.version === 2 ? expected.advertIntervalMs : intervalOf(advert, 3) * 10,
    addresses,
    source: addressText(source),
    checksumForm: checksum(heard, expected)?.form ?? 'message-only',
    addressesDiffer: !sameAddresses(addresses, expected),
  };
}

function sameAddresses(addresses: readonly string[], expected: Expected): boolean {
  const own = expected.addresses
    .filter(({ family }) => family === expected.family)
    .map(({ address }) => addressText(addressBytes(address)));
  return own.length === addresses.length && own.every((address) => addresses.includes(address));
}

/** In the version's own unit. The four reserved bits of version 3 are ignored. */
function intervalOf(message: Uint8Array, version: 2 | 3): number {
  return version === 2 ? byte(message, 5) : word(message, 4) & 0x0fff;
}

function isMulticast(address: Uint8Array): boolean {
  return address.length === 4 ? byte(address, 0) >> 4 === 0xe : byte(address, 0) === 0xff;
}

function addressLength(family: 4 | 6): number {
  return family === 4 ? 4 : 16;
}

function hopsText({ lowest, highest }: NonNullable<Datagram['hops']>): string {
  return lowest === highest ? String(lowest) : `${lowest} to ${highest}`;
}

function discarded(discard: DiscardReason, detail: string): Discarded {
  return { discard, detail };
}
