// Macvlan interfaces as messages of rtnetlink. Read first: rtnetlink(7), linux/if_link.h; RFC 9568 7.3 for their MAC addresses.

import type { VirtualMac } from '../config/kernel.js';
import { macBytes } from '../vrrp/frames.js';
import {
  ACKNOWLEDGE,
  attribute,
  CREATE,
  EXCLUSIVE,
  joined,
  message,
  nested,
  readAttributes,
  readMessage,
  readText,
  readU32,
  text,
  u8,
  u32,
} from './rtnetlink.js';

const NEW = 16;
const DELETE = 17;
const GET = 18;
const FIXED_LENGTH = 16;

const MAC = 1;
const NAME = 3;
const BASE = 5;
const MASTER = 10;
const INFO = 18;
const OF_FAMILIES = 26;
const GROUP = 27;
/** Of INFO. */
const KIND = 1;
const DATA = 2;
const MODE = 1;
/** What is sent by one that is made is heard by none that is made beside it, and frames from another router with the same MAC come to it. */
const PRIVATE = 1;
const INET6 = 10;
/** Of OF_FAMILIES, of INET6: no address by itself (RFC 9568 7.4). */
const ADDRESSES_BY_ITSELF = 8;
const NONE = 1;
const UP = 1;

/** What the kernel says of an interface. */
export interface KernelLink {
  readonly index: number;
  readonly kind: string;
  readonly base: number;
  readonly mac: string;
  readonly isPrivate: boolean;
  readonly group: number;
  readonly master: number;
}

export function askLink(name: string): Uint8Array {
  return message({ type: GET, flags: ACKNOWLEDGE, fixed: fixed(0), attributes: [attribute(NAME, text(name))] });
}

export function readLink(bytes: Uint8Array): KernelLink | undefined {
  const read = readMessage(bytes, FIXED_LENGTH);
  if (read === undefined || read.type !== NEW) return undefined;
  const { attributes } = read;
  const info = readAttributes(attributes.get(INFO) ?? new Uint8Array());
  const data = readAttributes(info.get(DATA) ?? new Uint8Array());
  return {
    index: read.fixed.getInt32(4, true),
    kind: readText(info.get(KIND)),
    base: readU32(attributes.get(BASE)) ?? 0,
    mac: [...(attributes.get(MAC) ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    isPrivate: readU32(data.get(MODE)) === PRIVATE,
    group: readU32(attributes.get(GROUP)) ?? 0,
    master: readU32(attributes.get(MASTER)) ?? 0,
  };
}

/** In the group and the VRF of the interface below it, unless the configuration says which group. */
export function makeMacvlan({ name, mac, group }: VirtualMac, base: KernelLink): Uint8Array {
  const info = nested(INFO, [attribute(KIND, text('macvlan')), nested(DATA, [attribute(MODE, u32(PRIVATE))])]);
  const attributes = [
    attribute(NAME, text(name)),
    attribute(BASE, u32(base.index)),
    attribute(MAC, Uint8Array.from(macBytes(mac))),
    attribute(GROUP, u32(group ?? base.group)),
    ...(base.master === 0 ? [] : [attribute(MASTER, u32(base.master))]),
    info,
  ];
  return message({ type: NEW, flags: ACKNOWLEDGE | CREATE | EXCLUSIVE, fixed: fixed(0), attributes });
}

/** Before it goes up, or it would have one. */
export function withoutOwnAddress(index: number): Uint8Array {
  const family = nested(OF_FAMILIES, [nested(INET6, [attribute(ADDRESSES_BY_ITSELF, u8(NONE))])]);
  return message({ type: NEW, flags: ACKNOWLEDGE, fixed: fixed(index), attributes: [family] });
}

export function setUp(index: number): Uint8Array {
  return message({ type: NEW, flags: ACKNOWLEDGE, fixed: fixed(index, UP), attributes: [] });
}

export function removeLink(index: number): Uint8Array {
  return message({ type: DELETE, flags: ACKNOWLEDGE, fixed: fixed(index), attributes: [] });
}

/** struct ifinfomsg; of the flags only UP is ever changed. */
function fixed(index: number, flags = 0): Uint8Array {
  return joined([new Uint8Array(4), u32(index), u32(flags), u32(flags)]);
}
