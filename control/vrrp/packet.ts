// The IP packets that adverts travel in: headers read and written, and the checksum over what they hold. Never throws on what arrives.

import { addressBytes } from './address-bytes.js';

export const VRRP_PROTOCOL = 112;
export const AUTHENTICATION_HEADER_PROTOCOL = 51;
export const AUTHENTICATION_HEADER_LENGTH = 24;

const INTERNETWORK_CONTROL = 0xc0;
const IPV4_HEADER_LENGTH = 20;
const VRRP_HEADER_LENGTH = 8;

/** As sockets deliver them: IPv4 with its header; IPv6 without, so where it went and its hop limit are known only within bounds. */
export type Received =
  | { readonly family: 4; readonly packet: Uint8Array }
  | {
      readonly family: 6;
      readonly message: Uint8Array;
      readonly source: string;
      /** Where it may have been sent to: its checksum tells. */
      readonly destinations: readonly string[];
      /** Absent: nobody looked. */
      readonly hopLimits?: HopLimits;
    };

export interface HopLimits {
  readonly lowest: number;
  readonly highest: number;
}

/** A packet known to hold eight bytes of VRRP; everything else about it is still to be doubted. */
export interface Datagram {
  readonly family: 4 | 6;
  readonly source: Uint8Array;
  readonly destinations: readonly Uint8Array[];
  /** TTL or hop limit. */
  readonly hops: HopLimits | undefined;
  /** From the VRRP header to the end of the IP packet. */
  readonly message: Uint8Array;
  /** The packet as far as an authentication header speaks for it; absent: it has none. */
  readonly authenticated?: { readonly packet: Uint8Array; readonly headerAt: number };
}

export function open(received: Received): Datagram | undefined {
  const datagram = received.family === 4 ? openIpv4(received.packet) : openIpv6(received);
  return datagram !== undefined && datagram.message.length >= VRRP_HEADER_LENGTH ? datagram : undefined;
}

function openIpv4(packet: Uint8Array): Datagram | undefined {
  if (packet.length < IPV4_HEADER_LENGTH || byte(packet, 0) >> 4 !== 4) return undefined;
  const headerLength = (byte(packet, 0) & 0x0f) * 4;
  const totalLength = word(packet, 2);
  if (headerLength < IPV4_HEADER_LENGTH || totalLength < headerLength || totalLength > packet.length) return undefined;
  const header = {
    family: 4 as const,
    source: packet.subarray(12, 16),
    destinations: [packet.subarray(16, 20)],
    hops: { lowest: byte(packet, 8), highest: byte(packet, 8) },
  };
  const whole = packet.subarray(0, totalLength); // What follows is padding of a short Ethernet frame.
  if (byte(packet, 9) !== AUTHENTICATION_HEADER_PROTOCOL) return { ...header, message: whole.subarray(headerLength) };
  const message = whole.subarray(headerLength + AUTHENTICATION_HEADER_LENGTH);
  return { ...header, message, authenticated: { packet: whole, headerAt: headerLength } };
}

function openIpv6({ source, destinations, hopLimits, message }: Received & { family: 6 }): Datagram {
  return { family: 6, source: addressBytes(source), destinations: destinations.map(addressBytes), hops: hopLimits, message };
}

export interface Header {
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  /** 0: the kernel chooses. An authentication header speaks for it, so it has to be known then. */
  readonly identification?: number;
  readonly protocol?: number;
}

/** The kernel fills in the header's own checksum. */
export function ipv4Packet(
  { source, destination, ttl, identification = 0, protocol = VRRP_PROTOCOL }: Header,
  payload: Uint8Array,
): Uint8Array {
  const total = IPV4_HEADER_LENGTH + payload.length;
  const start = [
    0x45,
    INTERNETWORK_CONTROL,
    total >> 8,
    total & 0xff,
    identification >> 8,
    identification & 0xff,
    0,
    0,
    ttl,
    protocol,
    0,
    0,
  ];
  return concatenate([Uint8Array.from(start), addressBytes(source), addressBytes(destination), payload]);
}

export function ipv6Packet({ source, destination, ttl }: Header, payload: Uint8Array): Uint8Array {
  const trafficClass = [0x60 | (INTERNETWORK_CONTROL >> 4), (INTERNETWORK_CONTROL << 4) & 0xff, 0, 0];
  const rest = [payload.length >> 8, payload.length & 0xff, VRRP_PROTOCOL, ttl];
  return concatenate([Uint8Array.from([...trafficClass, ...rest]), addressBytes(source), addressBytes(destination), payload]);
}

export function pseudoHeader(source: Uint8Array, destination: Uint8Array, length: number): Uint8Array {
  const high = length >> 8;
  const low = length & 0xff;
  const tail = source.length === 4 ? [0, VRRP_PROTOCOL, high, low] : [0, 0, high, low, 0, 0, 0, VRRP_PROTOCOL];
  return concatenate([source, destination, Uint8Array.from(tail)]);
}

/** RFC 1071, over parts of even length. Zero for a message whose own checksum is right. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += word(part, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function byte(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

export function word(bytes: Uint8Array, offset: number): number {
  return (byte(bytes, offset) << 8) | byte(bytes, offset + 1);
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((value, i) => value === right[i]);
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
