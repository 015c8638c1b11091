// Messages of rtnetlink as bytes: a header, a fixed part, attributes. Read first: netlink(7), rtnetlink(7). Numbers are in the machine's
// own order, which on all machines this runs on is little-endian; addresses stand as they travel.

import { addressBytes } from '../vrrp/address-bytes.js';

export const REQUEST = 1;
export const ACKNOWLEDGE = 4;
export const REPLACE = 0x100;
export const EXCLUSIVE = 0x200;
export const DUMP = 0x300;
export const CREATE = 0x400;
export const APPEND = 0x800;

export const INET: Readonly<Record<4 | 6, number>> = { 4: 2, 6: 10 };

/** An attribute ready to be put into a message, or nothing. */
export type Attribute = Uint8Array;

const HEADER = 16;
const NESTED = 0x8000;
const TYPE_BITS = 0x3fff;

export interface MessageParts {
  readonly type: number;
  readonly flags: number;
  /** What every message of the type begins with. */
  readonly fixed: Uint8Array;
  readonly attributes: readonly Attribute[];
}

export function message({ type, flags, fixed, attributes }: MessageParts): Uint8Array {
  const body = joined([padded(fixed), ...attributes]);
  const bytes = new Uint8Array(HEADER + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, REQUEST | flags, true);
  bytes.set(body, HEADER);
  return bytes;
}

export function attribute(type: number, value: Uint8Array): Attribute {
  const bytes = new Uint8Array(4 + value.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return padded(bytes);
}

export function nested(type: number, attributes: readonly Attribute[]): Attribute {
  return attribute(type | NESTED, joined(attributes));
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff);
}

/** Of the order in which it travels. */
export function bigEndian16(value: number): Uint8Array {
  return u16(value).toReversed();
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
  return bytes;
}

export function bigEndian64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

export function text(value: string): Uint8Array {
  return Uint8Array.from([...new TextEncoder().encode(value), 0]);
}

export function address(value: string): Uint8Array {
  return addressBytes(value);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function padded(bytes: Uint8Array): Uint8Array {
  return bytes.length % 4 === 0 ? bytes : joined([bytes, new Uint8Array(4 - (bytes.length % 4))]);
}

export interface ReadMessage {
  readonly type: number;
  readonly fixed: DataView;
  readonly attributes: Attributes;
}

/** By type; of several the last. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** Of a message with a fixed part of this length, padding included; undefined when it is shorter than that. */
export function readMessage(bytes: Uint8Array, fixedLength: number): ReadMessage | undefined {
  if (bytes.length < HEADER + fixedLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    type: view.getUint16(4, true),
    fixed: new DataView(bytes.buffer, bytes.byteOffset + HEADER, fixedLength),
    attributes: readAttributes(bytes.subarray(HEADER + fixedLength)),
  };
}

export function readAttributes(bytes: Uint8Array): Attributes {
  const read = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const length = view.getUint16(0, true);
    if (length < 4 || at + length > bytes.length) break;
    read.set(view.getUint16(2, true) & TYPE_BITS, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return read;
}

export function readU32(value: Uint8Array | undefined): number | undefined {
  if (value === undefined || value.length < 4) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}

export function readText(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value).replace(/\0.*$/s, '');
}
