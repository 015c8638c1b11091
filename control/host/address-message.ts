// `ip address add` and `ip address delete` as messages of rtnetlink. Read first: rtnetlink(7), linux/if_addr.h.

import type { AddressFlag, AddressOptions } from '../config/kernel.js';
import { OWN_PROTOCOL } from '../config/kernel.js';
import { ACKNOWLEDGE, type Attribute, address, attribute, CREATE, INET, joined, message, REPLACE, text, u8, u32 } from './rtnetlink.js';

export interface HeldAddress extends AddressOptions {
  readonly address: string;
  readonly prefixLength: number;
}

const NEW = 20;
const DELETE = 21;

const ADDRESS = 1;
const LOCAL = 2;
const LABEL = 3;
const BROADCAST = 4;
const LIFETIMES = 6;
const FLAGS = 8;
const PROTOCOL = 11;

const NO_DAD = 0x02;
const FLAG_BITS: Readonly<Record<Exclude<AddressFlag, 'dad'>, number>> = {
  home: 0x10,
  mngtmpaddr: 0x100,
  noprefixroute: 0x200,
  autojoin: 0x400,
};
const FOREVER = 0xffffffff;

/** What is there already stays, with the lifetimes that are asked for. */
export function addAddress(index: number, held: HeldAddress): Uint8Array {
  const attributes = [
    ...both(held, held.peer ?? held.address),
    ...(held.broadcast === undefined ? [] : [attribute(BROADCAST, address(held.broadcast))]),
    ...(held.label === undefined ? [] : [attribute(LABEL, text(held.label))]),
    attribute(FLAGS, u32(flagsOf(held))),
    ...lifetimes(held),
    attribute(PROTOCOL, u8(OWN_PROTOCOL)),
  ];
  return message({ type: NEW, flags: ACKNOWLEDGE | CREATE | REPLACE, fixed: fixed(index, held), attributes });
}

export function removeAddress(index: number, held: HeldAddress): Uint8Array {
  return message({ type: DELETE, flags: ACKNOWLEDGE, fixed: fixed(index, held), attributes: both(held, held.peer ?? held.address) });
}

function fixed(index: number, { address: own, prefixLength, scope = 0 }: HeldAddress): Uint8Array {
  return joined([Uint8Array.of(familyNumber(own), prefixLength, 0, scope), u32(index)]);
}

function both({ address: own }: HeldAddress, other: string): Attribute[] {
  return [attribute(LOCAL, address(own)), attribute(ADDRESS, address(other))];
}

/** IPv6 without duplicate address detection: the other router may not have let go yet. */
function flagsOf({ address: own, flags = [] }: HeldAddress): number {
  const bits = flags.reduce((sum, flag) => (flag === 'dad' ? sum : sum | FLAG_BITS[flag]), 0);
  return isIpv6(own) && !flags.includes('dad') ? bits | NO_DAD : bits;
}

/** One of its own, an IPv6 /128, is deprecated from the start: received on, but not chosen as the host's own source address. */
function lifetimes({ address: own, prefixLength, preferredLifetime }: HeldAddress): Attribute[] {
  if (!isIpv6(own)) return [];
  const preferred = preferredLifetime ?? (prefixLength === 128 ? 0 : 'forever');
  if (preferred === 'forever') return [attribute(LIFETIMES, joined([u32(FOREVER), u32(FOREVER), u32(0), u32(0)]))];
  return [attribute(LIFETIMES, joined([u32(preferred), u32(FOREVER), u32(0), u32(0)]))];
}

function isIpv6(text: string): boolean {
  return text.includes(':');
}

function familyNumber(text: string): number {
  return isIpv6(text) ? INET[6] : INET[4];
}
