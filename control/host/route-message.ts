// Routes as messages of rtnetlink, and which of them the kernel says are there. Read first: rtnetlink(7), linux/rtnetlink.h.

import type { Hop, Prefix, Route } from '../config/kernel.js';
import { OWN_PROTOCOL } from '../config/kernel.js';
import { addressText } from '../vrrp/address-bytes.js';
import {
  ACKNOWLEDGE,
  APPEND,
  type Attribute,
  address,
  attribute,
  CREATE,
  DUMP,
  EXCLUSIVE,
  INET,
  joined,
  message,
  nested,
  readMessage,
  readU32,
  text,
  u8,
  u16,
  u32,
} from './rtnetlink.js';

const NEW = 24;
const DELETE = 25;
const GET = 26;
const FIXED_LENGTH = 12;

const DESTINATION = 1;
const SOURCE = 2;
const OUT_INTERFACE = 4;
const GATEWAY = 5;
const PRIORITY = 6;
const PREFERRED_SOURCE = 7;
const METRICS = 8;
const MULTIPATH = 9;
const REALMS = 11;
const TABLE = 15;
const VIA = 18;
const PREFERENCE = 20;
const EXPIRES = 23;
const TTL_PROPAGATE = 26;
/** Of METRICS. */
const LOCK = 1;

const ON_LINK = 4;
const NOWHERE = 255;
const ORDERS: Readonly<Record<Route['order'], number>> = { prepend: 0, add: EXCLUSIVE, append: APPEND };
/** The kernel's, where an IPv6 route says none. */
const IPV6_PRIORITY = 1024;

/** The index of an interface by name; undefined: there is none. */
export type IndexOf = (name: string) => number | undefined;

export function addRoute(route: Route, indexOf: IndexOf): Uint8Array {
  const attributes = [
    ...identity(route, indexOf),
    ...(route.preferredSource === undefined ? [] : [attribute(PREFERRED_SOURCE, address(route.preferredSource))]),
    ...(route.hops.length > 1 ? [attribute(MULTIPATH, joined(route.hops.map((hop) => multipathHop(hop, route.family, indexOf))))] : []),
    ...metrics(route),
    ...(route.preference === undefined ? [] : [attribute(PREFERENCE, u8(route.preference))]),
    ...(route.expiresS === undefined ? [] : [attribute(EXPIRES, u32(route.expiresS))]),
    ...(route.ttlPropagate === undefined ? [] : [attribute(TTL_PROPAGATE, u8(route.ttlPropagate ? 1 : 0))]),
  ];
  return message({ type: NEW, flags: ACKNOWLEDGE | CREATE | ORDERS[route.order], fixed: fixed(route, route.scope ?? 0), attributes });
}

export function removeRoute(route: Route, indexOf: IndexOf): Uint8Array {
  return message({ type: DELETE, flags: ACKNOWLEDGE, fixed: fixed(route, route.scope ?? NOWHERE), attributes: identity(route, indexOf) });
}

/** All routes of a family with our mark. */
export function listRoutes(family: 4 | 6): Uint8Array {
  const fixedPart = Uint8Array.of(INET[family], 0, 0, 0, 0, OWN_PROTOCOL, 0, 0, 0, 0, 0, 0);
  return message({ type: GET, flags: DUMP, fixed: fixedPart, attributes: [] });
}

/** What tells routes apart for the kernel. */
export function routeKey({ family, destination, tos = 0, table, priority }: Route): string {
  const { address: network, prefixLength } = destination;
  return [family, table, `${network}/${prefixLength}`, tos, priority ?? (family === 6 ? IPV6_PRIORITY : 0)].join(' ');
}

/** The key of a route in the kernel's answer; undefined when it is none of ours. */
export function readRouteKey(bytes: Uint8Array): string | undefined {
  const read = readMessage(bytes, FIXED_LENGTH);
  if (read === undefined || read.type !== NEW || read.fixed.getUint8(5) !== OWN_PROTOCOL) return undefined;
  const { fixed: header, attributes } = read;
  const family = header.getUint8(0) === INET[4] ? 4 : 6;
  const network = attributes.get(DESTINATION) ?? new Uint8Array(family === 4 ? 4 : 16);
  const table = readU32(attributes.get(TABLE)) ?? header.getUint8(4);
  const priority = readU32(attributes.get(PRIORITY)) ?? 0;
  return [family, table, `${addressText(network)}/${header.getUint8(1)}`, header.getUint8(3), priority].join(' ');
}

function fixed({ family, destination, source, tos = 0, table, protocol, type, hops }: Route, scope: number): Uint8Array {
  const flags = hops.length === 1 && hops[0]?.onLink ? ON_LINK : 0;
  const lengths = [destination.prefixLength, source?.prefixLength ?? 0];
  return Uint8Array.from([INET[family], ...lengths, tos, table < 256 ? table : 0, protocol, scope, type, ...u32(flags)]);
}

/** What the kernel finds a route by, and where a single hop stands. */
function identity(route: Route, indexOf: IndexOf): Attribute[] {
  const { destination, source, table, priority, hops, family } = route;
  const [hop, ...more] = hops;
  return [
    ...prefix(DESTINATION, destination),
    ...(source === undefined ? [] : prefix(SOURCE, source)),
    ...(table < 256 ? [] : [attribute(TABLE, u32(table))]),
    ...(priority === undefined ? [] : [attribute(PRIORITY, u32(priority))]),
    ...(hop === undefined || more.length > 0 ? [] : singleHop(hop, family, indexOf)),
  ];
}

function prefix(type: number, { address: network, prefixLength }: Prefix): Attribute[] {
  return prefixLength === 0 ? [] : [attribute(type, address(network))];
}

function singleHop(hop: Hop, family: 4 | 6, indexOf: IndexOf): Attribute[] {
  const { device, realms } = hop;
  return [
    ...gatewayOf(hop, family),
    ...(device === undefined ? [] : [attribute(OUT_INTERFACE, u32(known(device, indexOf)))]),
    ...(realms === undefined ? [] : [attribute(REALMS, u32(realms))]),
  ];
}

/** struct rtnexthop, and its own attributes. */
function multipathHop(hop: Hop, family: 4 | 6, indexOf: IndexOf): Uint8Array {
  const { device, weight = 1, onLink, realms } = hop;
  const own = joined([...gatewayOf(hop, family), ...(realms === undefined ? [] : [attribute(REALMS, u32(realms))])]);
  const index = device === undefined ? 0 : known(device, indexOf);
  return joined([u16(8 + own.length), u8(onLink ? ON_LINK : 0), u8(weight - 1), u32(index), own]);
}

/** Of the other family it says so. */
function gatewayOf({ gateway }: Hop, family: 4 | 6): Attribute[] {
  if (gateway === undefined) return [];
  const its = gateway.includes(':') ? 6 : 4;
  if (its === family) return [attribute(GATEWAY, address(gateway))];
  return [attribute(VIA, joined([u16(INET[its]), address(gateway)]))];
}

function metrics({ metrics: all, locked }: Route): Attribute[] {
  if (all.length === 0) return [];
  const values = all.map(({ number, value }) => attribute(number, typeof value === 'number' ? u32(value) : text(value)));
  return [nested(METRICS, [...values, ...(locked === undefined ? [] : [attribute(LOCK, u32(locked))])])];
}

function known(name: string, indexOf: IndexOf): number {
  const index = indexOf(name);
  if (index === undefined) throw new Error(`there is no interface ${name}`);
  return index;
}
