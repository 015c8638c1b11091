// A line of `virtual_routes` and `static_routes`: what follows `ip route add`. Read first: ip-route(8), keepalived.conf(5).

import { type Hop, OWN_PROTOCOL, type Route, type RouteMetric } from '../kernel.js';
import type { Arguments } from '../keyword.js';
import { everything, Family, realms, toPrefix } from './route-words.js';

const MAIN_TABLE = 254;
const UNICAST = 1;

/** RTN_* */
const TYPES: ReadonlyMap<string, number> = new Map([
  ['unicast', UNICAST],
  ['local', 2],
  ['broadcast', 3],
  ['brd', 3],
  ['anycast', 4],
  ['multicast', 5],
  ['blackhole', 6],
  ['unreachable', 7],
  ['prohibit', 8],
  ['throw', 9],
]);
/** Those that lead nowhere. */
const DEAD_ENDS: ReadonlySet<number> = new Set([6, 7, 8, 9]);

interface Metric {
  /** RTAX_* */
  readonly number: number;
  /** It is a time; so many of the kernel's units are a millisecond. */
  readonly units?: number;
  readonly largest?: number;
  readonly isWord?: true;
}

const METRICS: ReadonlyMap<string, Metric> = new Map<string, Metric>([
  ['mtu', { number: 2 }],
  ['window', { number: 3 }],
  ['rtt', { number: 4, units: 8 }],
  ['rttvar', { number: 5, units: 4 }],
  ['ssthresh', { number: 6 }],
  ['cwnd', { number: 7 }],
  ['advmss', { number: 8 }],
  ['reordering', { number: 9 }],
  ['hoplimit', { number: 10, largest: 255 }],
  ['initcwnd', { number: 11 }],
  ['rto_min', { number: 13, units: 1 }],
  ['initrwnd', { number: 14 }],
  ['quickack', { number: 15, largest: 1 }],
  ['fastopen_no_cookie', { number: 17, largest: 1 }],
]);
const FEATURES = 12;
const FEATURE_ECN = 1;
const CONGESTION_CONTROL: Metric = { number: 16, isWord: true };
const PREFERENCES: ReadonlyMap<string, number> = new Map([
  ['low', 3],
  ['medium', 0],
  ['high', 1],
]);
const ENABLED: ReadonlyMap<string, boolean> = new Map([
  ['enabled', true],
  ['disabled', false],
]);

type Writable<Value> = { -readonly [Field in keyof Value]: Value[Field] };

interface Draft extends Partial<Writable<Omit<Route, 'metrics' | 'hops'>>> {
  readonly words: Family;
  destinationRead: boolean;
  hop: Hop;
  /** After `or`. */
  otherGateway?: string;
  nextHops: readonly Hop[];
  metrics: readonly RouteMetric[];
  /** What few people have: better no route than another one than they wrote. */
  left?: string;
}

type Read = (line: Arguments, draft: Draft) => Partial<Draft> | undefined;
type ReadHop = (line: Arguments, draft: Draft) => Partial<Hop>;

const HOP_OPTIONS: ReadonlyMap<string, ReadHop> = new Map<string, ReadHop>([
  ['via', (line, draft) => ({ gateway: gateway(line, draft) })],
  ['dev', (line) => ({ device: line.word('the name of an interface') })],
  ['oif', (line) => ({ device: line.word('the name of an interface') })],
  ['onlink', () => ({ onLink: true })],
  ['realms', (line) => ({ realms: realms(line) })],
]);

const OPTIONS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ...[...HOP_OPTIONS].map(([name, read]): [string, Read] => [name, (line, draft) => ofHop(draft, read(line, draft))]),
  ['gw', readOldGateway],
  ['inet', (line, draft) => draft.words.be(line, 4)],
  ['inet6', (line, draft) => draft.words.be(line, 6)],
  ['to', (line, draft) => readDestination(line, draft, line.word('a destination'))],
  ['src', (line, draft) => ({ preferredSource: hostAddress(line, draft) })],
  ['from', readSource],
  ['tos', (line) => ({ tos: line.kernelNumber('tos', 'a type of service') })],
  ['dsfield', (line) => ({ tos: line.kernelNumber('tos', 'a type of service') })],
  ['table', (line) => ({ table: line.kernelNumber('tables', 'a routing table') })],
  ['protocol', (line) => ({ protocol: line.kernelNumber('protocols', 'a routing protocol') })],
  ['scope', (line) => ({ scope: line.kernelNumber('scopes', 'a scope: global, site, link, host, nowhere') })],
  ...['metric', 'priority', 'preference'].map((name): [string, Read] => [name, (line) => ({ priority: line.integer(0, 0xffffffff) })]),
  ...[...METRICS].map(([name, metric]): [string, Read] => [name, (line, draft) => readMetric(line, draft, metric)]),
  ['features', readFeatures],
  ['congctl', (line, draft) => readMetric(line, draft, CONGESTION_CONTROL)],
  ['expires', (line) => ({ expiresS: line.integer(0, 0xffffffff) })],
  ['pref', (line) => ({ preference: line.oneOf(PREFERENCES) })],
  ['ttl-propagate', (line) => ({ ttlPropagate: line.oneOf(ENABLED) })],
  ['add', () => ({ order: 'add' })],
  ['append', () => ({ order: 'append' })],
  ['prepend', () => ({ order: 'prepend' })],
  ['or', readOtherGateway],
  ['nexthop', readNextHop],
  ['no_track', () => ({ tracked: false })],
  ['encap', (line) => ({ left: line.written() })],
  ['as', (line) => ({ left: line.written() })],
  ['vrf', (line) => ({ left: line.written() })],
]);

export function route(line: Arguments, kind: 'static' | 'virtual'): Route[] {
  const draft: Draft = { words: new Family('route'), destinationRead: false, hop: {}, nextHops: [], metrics: [] };
  const place = line.valuePlace;
  while (line.more() && draft.left === undefined) readOption(line, draft, kind);
  if (draft.left !== undefined) {
    line.modified(`'${draft.left}' of a route is not supported: this route is left out`);
    line.skip();
    return [];
  }
  if (!draft.destinationRead) return line.refuse('a route needs a destination', '[TYPE] PREFIX [via ADDRESS] [dev INTERFACE] …');
  return [finished(line, draft, place)];
}

function finished(line: Arguments, draft: Draft, place: Route['place']): Route {
  const { words, destinationRead, hop, otherGateway, nextHops, left, ...written } = draft;
  const { tracked = true, protocol = OWN_PROTOCOL } = draft;
  const family = words.value;
  const hops = hopsOf(draft);
  if (draft.type !== undefined && DEAD_ENDS.has(draft.type) && hops.some(({ gateway }) => gateway !== undefined))
    line.refuse('a route that leads nowhere has no gateway');
  if (tracked && protocol !== OWN_PROTOCOL)
    line.modified(`a route that is tracked has protocol keepalived (${OWN_PROTOCOL}), not ${protocol}; write no_track beside it`);
  if (draft.trackGroup !== undefined && hop.device === undefined) line.refuse('track_group needs a dev');
  return {
    ...written,
    family,
    type: draft.type ?? UNICAST,
    destination: draft.destination ?? everything(family),
    table: draft.table ?? MAIN_TABLE,
    protocol: tracked ? OWN_PROTOCOL : protocol,
    hops,
    order: draft.order ?? 'prepend',
    tracked,
    text: line.text(),
    place,
  };
}

function hopsOf({ hop, otherGateway, nextHops }: Draft): readonly Hop[] {
  if (nextHops.length > 0) return nextHops;
  if (otherGateway !== undefined) return [hop, { ...hop, gateway: otherGateway }];
  return Object.keys(hop).length > 0 ? [hop] : [];
}

function readOption(line: Arguments, draft: Draft, kind: 'static' | 'virtual'): void {
  const word = line.word('a route');
  const read = OPTIONS.get(word);
  const type = TYPES.get(word);
  if (word === 'track_group' && kind === 'static') draft.trackGroup = line.word('the name of a track_group');
  else if (read !== undefined) Object.assign(draft, read(line, draft));
  else if (type !== undefined) draft.type = type;
  else Object.assign(draft, readDestination(line, draft, word));
}

function ofHop(draft: Draft, patch: Hop): Partial<Draft> {
  return { hop: { ...draft.hop, ...patch } };
}

/** A type may stand before it, also behind `to`. */
function readDestination(line: Arguments, draft: Draft, text: string): Partial<Draft> {
  const type = TYPES.get(text);
  if (type !== undefined) return { type, ...readDestination(line, draft, line.word('a destination')) };
  if (draft.destinationRead) line.refuse(`unknown option '${text}' of a route`);
  const { family, prefix } = toPrefix(line, text);
  draft.words.be(line, family);
  return { destinationRead: true, ...(prefix === undefined ? {} : { destination: prefix }) };
}

/** That of an IPv4 route may be an IPv6 one, when this is said. */
function gateway(line: Arguments, draft: Draft): string {
  const word = line.word('the address of a gateway');
  const stated = word === 'inet' ? 4 : word === 'inet6' ? 6 : undefined;
  if (stated === undefined) return toHostAddress(line, draft, word);
  const address = line.address();
  return address.family === stated ? address.text : line.refuse(`expected an IPv${stated} address, found '${address.text}'`);
}

function readOldGateway(line: Arguments, draft: Draft): Partial<Draft> {
  line.modified("'gw' is an old word for 'via'");
  return ofHop(draft, { gateway: gateway(line, draft) });
}

/** keepalived's word from before `nexthop`: a second gateway that shares the traffic. */
function readOtherGateway(line: Arguments, draft: Draft): Partial<Draft> {
  line.modified("'or' is an old word", 'write nexthop via ADDRESS nexthop via ADDRESS');
  return { otherGateway: hostAddress(line, draft) };
}

function readSource(line: Arguments, draft: Draft): Partial<Draft> {
  const { family, prefix } = toPrefix(line, line.word('a prefix'));
  if (family === 4) line.refuse("'from' is for IPv6 routes only", "write 'src' for the source address this host is to use");
  draft.words.be(line, 6);
  return prefix === undefined ? {} : { source: prefix };
}

function readFeatures(line: Arguments, draft: Draft): Partial<Draft> {
  const feature = line.word('ecn');
  if (feature !== 'ecn') line.refuse(`no feature '${feature}' of a route; there is ecn`);
  return { metrics: [...draft.metrics, { number: FEATURES, value: FEATURE_ECN }] };
}

function readMetric(line: Arguments, draft: Draft, { number, units, largest = 0xffffffff, isWord }: Metric): Partial<Draft> {
  const isLocked = line.peek() === 'lock';
  if (isLocked) line.word('a value');
  const value = isWord ? line.word('a name') : units === undefined ? line.integer(0, largest) : time(line, units);
  return { metrics: [...draft.metrics, { number, value }], ...(isLocked && { locked: (draft.locked ?? 0) | (1 << number) }) };
}

/** `Ns`, `Nms`, or a bare number of kernel units. */
function time(line: Arguments, units: number): number {
  const text = line.word('a time');
  const match = /^(\d+(?:\.\d+)?)(s|ms)?$/.exec(text);
  if (match === null) return line.refuse(`expected a time like 0.2s or 200ms, found '${text}'`);
  const factor = match[2] === 's' ? 1000 * units : match[2] === 'ms' ? units : 1;
  return Math.round(Number(match[1]) * factor);
}

function readNextHop(line: Arguments, draft: Draft): Partial<Draft> {
  let hop: Hop = {};
  for (let word = line.peek(); word !== undefined && word !== 'nexthop'; word = line.peek()) {
    line.word('an option of a next hop');
    const read = HOP_OPTIONS.get(word);
    if (word === 'encap' || word === 'as') return { left: word };
    if (word === 'weight') hop = { ...hop, weight: line.integer(1, 256) };
    else if (read !== undefined) hop = { ...hop, ...read(line, draft) };
    else line.refuse(`unknown option '${word}' of a next hop`, 'via ADDRESS, dev INTERFACE, weight N, onlink, realms REALM');
  }
  return { nextHops: [...draft.nextHops, hop] };
}

function hostAddress(line: Arguments, draft: Draft): string {
  return toHostAddress(line, draft, line.word('an IP address'));
}

function toHostAddress(line: Arguments, draft: Draft, text: string): string {
  const address = line.toAddress(text);
  draft.words.be(line, address.family);
  return address.text;
}
