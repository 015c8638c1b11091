// VRRP adverts, and the IP addresses in them, between bytes and values: version 2 (RFC 3768) and 3 (RFC 9568), over IPv4 and IPv6.
// Never throws on what arrives.

import type { VrrpInstance } from '../config/model.js';

export const VRRP_PROTOCOL = 112;
export const GROUP_ADDRESS = { 4: '224.0.0.18', 6: 'ff02::12' } as const;

/** With: RFC 5798 as keepalived and FRR read it, and always over IPv6. Without: RFC 9568 5.2.8 over IPv4, and version 2. */
export type ChecksumForm = 'with-pseudo-header' | 'message-only';

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
  | 'length'
  | 'virtual-router-id'
  | 'ttl'
  | 'version'
  | 'authentication-invalid'
  | 'authentication-mismatch'
  | 'authentication-failure'
  | 'interval'
  | 'type'
  | 'checksum'
  | 'destination'
  | 'no-addresses';

/** `detail` says it to the operator, in keepalived's words where keepalived has any. */
export type Decoded = { readonly advert: Advert } | { readonly discard: DiscardReason; readonly detail: string };

/** As sockets deliver them: IPv4 with its header; IPv6 without, its hop limit checked by a socket filter. */
export type Received =
  | { readonly family: 4; readonly packet: Uint8Array }
  | { readonly family: 6; readonly message: Uint8Array; readonly source: string; readonly destination: string };

/** What an advert has to be, to be of this instance. */
export type Expected = Pick<VrrpInstance, 'virtualRouterId' | 'version' | 'family' | 'advertIntervalMs' | 'authentication' | 'addresses'>;

const HEADER_LENGTH = 8;
const AUTHENTICATION_LENGTH = 8; // Version 2 sends it even when it has no authentication.
const TYPE_ADVERTISEMENT = 1;
const AUTHENTICATION_TYPE = { none: 0, pass: 1, ah: 2 } as const;
const CHECKSUM_OFFSET = 6;

/** The advert that `instance` sends from `source`; over IPv6 `source` is the link-local address. */
export function encode(instance: VrrpInstance, priority: number, source: string): Uint8Array {
  const addresses = instance.addresses.filter((address) => address.family === instance.family).map(({ address }) => addressBytes(address));
  const trailer = instance.version === 2 ? authenticationData(instance) : new Uint8Array();
  const message = concatenate([header(instance, priority, addresses.length), ...addresses, trailer]);
  const checksum = internetChecksum(pseudoHeader(instance, source, message.length), message);
  new DataView(message.buffer).setUint16(CHECKSUM_OFFSET, checksum);
  return message;
}

function header(instance: VrrpInstance, priority: number, addressCount: number): Uint8Array {
  const start = [(instance.version << 4) | TYPE_ADVERTISEMENT, instance.virtualRouterId, priority, addressCount];
  return Uint8Array.from([...start, ...versionSpecific(instance), 0, 0]);
}

/** Version 2: authentication type, seconds. Version 3: twelve bits of centiseconds. */
function versionSpecific(instance: VrrpInstance): [number, number] {
  if (instance.version === 2) return [AUTHENTICATION_TYPE[instance.authentication.type], wireInterval(instance)];
  const centiseconds = wireInterval(instance);
  return [centiseconds >> 8, centiseconds & 0xff];
}

function wireInterval({ version, advertIntervalMs }: Pick<VrrpInstance, 'version' | 'advertIntervalMs'>): number {
  const [unitMs, longest] = version === 2 ? [1000, 255] : [10, 4095];
  return Math.min(longest, Math.max(1, Math.round(advertIntervalMs / unitMs)));
}

/** The password, padded with zeros; eight zeros without one. */
function authenticationData({ authentication }: Pick<VrrpInstance, 'authentication'>): Uint8Array {
  const data = new Uint8Array(AUTHENTICATION_LENGTH);
  if (authentication.type === 'pass') data.set(new TextEncoder().encode(authentication.password).subarray(0, AUTHENTICATION_LENGTH));
  return data;
}

function pseudoHeader(instance: VrrpInstance, source: string, length: number): Uint8Array {
  if (instance.version === 2 || (instance.family === 4 && instance.v3ChecksumAsV2)) return new Uint8Array();
  return pseudoHeaderOf(addressBytes(source), addressBytes(GROUP_ADDRESS[instance.family]), length);
}

function pseudoHeaderOf(source: Uint8Array, destination: Uint8Array, length: number): Uint8Array {
  const high = length >> 8;
  const low = length & 0xff;
  const tail = source.length === 4 ? [0, VRRP_PROTOCOL, high, low] : [0, 0, high, low, 0, 0, 0, VRRP_PROTOCOL];
  return concatenate([source, destination, Uint8Array.from(tail)]);
}

/** Whose advert it is, as far as it can be told; which instance to ask `decode` about. */
export function virtualRouterIdOf(received: Received): number | undefined {
  return open(received)?.message[1];
}

/** In keepalived's order of checks, so that its counters and ours tell the same story about the same packet. */
export function decode(received: Received, expected: Expected): Decoded {
  const datagram = open(received);
  if (datagram === undefined) return { discard: 'length', detail: 'packet too short for a VRRP header' };
  for (const check of CHECKS) {
    const discarded = check(datagram, expected);
    if (discarded !== undefined) return discarded;
  }
  return { advert: advertOf(datagram, expected) };
}

/** A packet known to hold eight bytes of VRRP; everything else about it is still to be doubted. */
interface Datagram {
  readonly family: 4 | 6;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ttl: number;
  readonly message: Uint8Array;
}

function open(received: Received): Datagram | undefined {
  const datagram = received.family === 4 ? openIpv4(received.packet) : openIpv6(received);
  return datagram !== undefined && datagram.message.length >= HEADER_LENGTH ? datagram : undefined;
}

function openIpv4(packet: Uint8Array): Datagram | undefined {
  if (packet.length < 20 || byte(packet, 0) >> 4 !== 4) return undefined;
  const headerLength = (byte(packet, 0) & 0x0f) * 4;
  const totalLength = word(packet, 2);
  if (headerLength < 20 || totalLength < headerLength || totalLength > packet.length) return undefined;
  return {
    family: 4,
    source: packet.subarray(12, 16),
    destination: packet.subarray(16, 20),
    ttl: byte(packet, 8),
    message: packet.subarray(headerLength, totalLength), // What follows is padding of a short Ethernet frame.
  };
}

function openIpv6({ source, destination, message }: Received & { family: 6 }): Datagram {
  return { family: 6, source: addressBytes(source), destination: addressBytes(destination), ttl: 255, message };
}

type Check = (datagram: Datagram, expected: Expected) => { discard: DiscardReason; detail: string } | undefined;

const CHECKS: readonly Check[] = [
  ({ message }, { virtualRouterId }) =>
    message[1] === virtualRouterId ? undefined : { discard: 'virtual-router-id', detail: `Unknown VRID(${message[1]}) received` },

  (datagram) => {
    const length = expectedLength(datagram);
    return datagram.message.length >= length ? undefined : lengthError('short', datagram.message.length, length);
  },

  ({ ttl }) => (ttl === 255 ? undefined : { discard: 'ttl', detail: `invalid TTL/HL. Received ${ttl} and expect 255` }),

  ({ message }, { version }) => {
    const found = byte(message, 0) >> 4;
    return found === version ? undefined : { discard: 'version', detail: `wrong version. Received ${found} and expect ${version}` };
  },

  authenticationCheck,

  ({ message }, expected) => {
    const mine = wireInterval(expected);
    const theirs = intervalOf(message, expected.version);
    if (expected.version === 2 && theirs !== mine)
      return { discard: 'interval', detail: `advertisement interval mismatch mine=${mine} sec rcv'd=${theirs} sec` };
    // Obeying it would mean a master-down timer of next to nothing (RFC 9568 erratum 8301).
    return theirs === 0 ? { discard: 'interval', detail: 'advertisement interval of 0' } : undefined;
  },

  ({ message }) => {
    const type = byte(message, 0) & 0x0f;
    if (type === TYPE_ADVERTISEMENT) return undefined;
    return { discard: 'type', detail: `Invalid packet type. ${type} and expect ${TYPE_ADVERTISEMENT}` };
  },

  (datagram) => {
    const length = expectedLength(datagram);
    return datagram.message.length === length ? undefined : lengthError('long', datagram.message.length, length);
  },

  (datagram, { version }) => (checksumForm(datagram, version) ? undefined : { discard: 'checksum', detail: 'Invalid VRRP checksum' }),

  ({ family, destination }) =>
    addressText(destination) === GROUP_ADDRESS[family]
      ? undefined
      : { discard: 'destination', detail: 'Expected multicast packet but received unicast packet' },

  ({ message }) => (byte(message, 3) > 0 ? undefined : { discard: 'no-addresses', detail: 'expected VIPs but received 0' }),
];

/** By the message's own version: what the instance expects is a question for the version check. */
function expectedLength({ family, message }: Datagram): number {
  const trailer = byte(message, 0) >> 4 === 2 ? AUTHENTICATION_LENGTH : 0;
  return HEADER_LENGTH + byte(message, 3) * addressLength(family) + trailer;
}

function lengthError(which: 'short' | 'long', found: number, expected: number): { discard: DiscardReason; detail: string } {
  return { discard: 'length', detail: `vrrp packet too ${which}, length ${found} and expect ${expected}` };
}

function authenticationCheck({ message }: Datagram, expected: Expected): ReturnType<Check> {
  if (expected.version === 3) return undefined;
  const type = byte(message, 4);
  const wanted = AUTHENTICATION_TYPE[expected.authentication.type];
  const detail = `received a ${type} auth, expecting ${wanted}!`;
  if (type > AUTHENTICATION_TYPE.ah) return { discard: 'authentication-invalid', detail };
  if (type !== wanted) return { discard: 'authentication-mismatch', detail };
  if (type === AUTHENTICATION_TYPE.none || sameBytes(message.subarray(-AUTHENTICATION_LENGTH), authenticationData(expected)))
    return undefined;
  return { discard: 'authentication-failure', detail: 'received an invalid passwd!' };
}

/** Undefined: wrong in every form. */
function checksumForm({ family, source, destination, message }: Datagram, version: 2 | 3): ChecksumForm | undefined {
  const forms: readonly ChecksumForm[] =
    version === 2 ? ['message-only'] : family === 6 ? ['with-pseudo-header'] : ['with-pseudo-header', 'message-only'];
  return forms.find((form) => {
    const pseudo = form === 'message-only' ? new Uint8Array() : pseudoHeaderOf(source, destination, message.length);
    return internetChecksum(pseudo, message) === 0;
  });
}

function advertOf(datagram: Datagram, expected: Expected): Advert {
  const { message, family, source } = datagram;
  const addresses = Array.from({ length: byte(message, 3) }, (_, i) => {
    const start = HEADER_LENGTH + i * addressLength(family);
    return addressText(message.subarray(start, start + addressLength(family)));
  });
  return {
    version: expected.version,
    virtualRouterId: expected.virtualRouterId,
    priority: byte(message, 2),
    // Version 2 has agreed on the interval by now; a fraction of a second the wire cannot carry counts all the same.
    intervalMs: expected.version === 2 ? expected.advertIntervalMs : intervalOf(message, 3) * 10,
    addresses,
    source: addressText(source),
    checksumForm: checksumForm(datagram, expected.version) ?? 'message-only',
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

function addressLength(family: 4 | 6): number {
  return family === 4 ? 4 : 16;
}

function byte(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function word(bytes: Uint8Array, offset: number): number {
  return (byte(bytes, offset) << 8) | byte(bytes, offset + 1);
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((value, i) => value === right[i]);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** RFC 1071, over parts of even length. Zero for a message whose own checksum is right. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += word(part, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function addressBytes(text: string): Uint8Array {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
}

export function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes);
}

/** Unsigned, byte by byte: how VRRP decides between equal priorities. */
export function compareAddresses(left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function isLinkLocal(text: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(text);
}

function ipv4Bytes(text: string): Uint8Array {
  const parts = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255)) throw new Error(`expected an IPv4 address, found "${text}"`);
  return Uint8Array.from(parts);
}

function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const left = ipv6Groups(head);
  const right = ipv6Groups(tail ?? '');
  const missing = 8 - left.length - right.length;
  const whole = tail === undefined ? missing === 0 : missing > 0 && text.split('::').length === 2;
  if (!whole) throw new Error(`expected an IPv6 address, found "${text}"`);
  const groups = [...left, ...Array<number>(missing).fill(0), ...right];
  if (groups.some((group) => Number.isNaN(group))) throw new Error(`expected an IPv6 address, found "${text}"`);
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The 16-bit groups of one side of `::`; a dotted IPv4 address may stand for the last two. */
function ipv6Groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) {
      const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(group);
      return [(a << 8) | b, (c << 8) | d];
    }
    return [/^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : Number.NaN];
  });
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`, the first of several. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  const { start, length } = longestZeroRun(groups);
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
