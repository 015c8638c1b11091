// Services and flows as ipvsadm 1.31 prints them, byte for byte: scripts cut these columns. Compared with its output on a kernel with IPVS.

import type {
  DestinationStats,
  FlowEntry,
  Protocol,
  SchedulerFlag,
  ServiceIdentity,
  ServiceStats,
  Snapshot,
  Traffic,
} from '../../dataplane/protocol.js';
import { addressOf, widthOf } from '../config/address.js';
import type { VirtualServerStatus } from '../status.js';
import { addressWords } from './address-words.js';

/** As configured, with its counters. */
export interface ListedDestination extends DestinationStats {
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** A second. */
  readonly rate: Traffic;
}

type Described = 'identity' | 'listeners' | 'scheduler' | 'schedulerFlags' | 'onePacket' | 'persistence';

export interface ListedService extends Omit<ServiceStats, 'destinations'>, Pick<VirtualServerStatus, Described> {
  readonly rate: Traffic;
  readonly destinations: readonly ListedDestination[];
}

/** What a list shows of each service and destination after the address. */
export type View = 'connections' | 'stats' | 'rate' | 'thresholds' | 'persistent';

export interface ListOptions {
  readonly view: View;
  /** All digits instead of K, M, G, T. */
  readonly exact: boolean;
  readonly sort: boolean;
}

interface Columns {
  readonly title: string;
  readonly service: (service: ListedService, exact: boolean) => string;
  readonly destination: (destination: ListedDestination, exact: boolean) => string;
}

const LOCAL_TITLE = 'Prot LocalAddress:Port';
const REMOTE_TITLE = '  -> RemoteAddress:Port';

const COLUMNS: Readonly<Record<View, Columns>> = {
  connections: {
    title: `${LOCAL_TITLE} Scheduler Flags\n${REMOTE_TITLE}           Forward Weight ActiveConn InActConn\n`,
    service: described,
    destination: (destination) => {
      const { weight, active, inactive } = destination;
      return `${remote(destination)} ${'Masq'.padEnd(7)} ${left(weight, 6)} ${left(active, 10)} ${left(inactive, 10)}`;
    },
  },
  stats: {
    title: `${LOCAL_TITLE.padEnd(33)}    Conns   InPkts  OutPkts  InBytes OutBytes\n${REMOTE_TITLE}\n`,
    service: (service, exact) => local(service).padEnd(33) + traffic(service, exact),
    destination: (destination, exact) => remote(destination) + traffic(destination, exact),
  },
  rate: {
    title: `${LOCAL_TITLE.padEnd(33)}      CPS    InPPS   OutPPS    InBPS   OutBPS\n${REMOTE_TITLE}\n`,
    service: (service, exact) => local(service).padEnd(33) + traffic(service.rate, exact),
    destination: (destination, exact) => remote(destination) + destinationRate(destination.rate, exact),
  },
  thresholds: {
    title: `${LOCAL_TITLE.padEnd(33)} Uthreshold Lthreshold ActiveConn InActConn \n${REMOTE_TITLE}\n`,
    service: described,
    destination: (destination) => {
      const { upperThreshold, lowerThreshold, active, inactive } = destination;
      return `${remote(destination)} ${left(upperThreshold, 10)} ${left(lowerThreshold, 10)} ${left(active, 10)} ${left(inactive, 10)}`;
    },
  },
  persistent: {
    title: `${LOCAL_TITLE.padEnd(33)} Weight    PersistConn ActiveConn InActConn \n${REMOTE_TITLE}\n`,
    service: described,
    destination: (destination) => {
      const { weight, persistent, active, inactive } = destination;
      return `${remote(destination)} ${left(weight, 9)} ${left(persistent, 11)} ${left(active, 10)} ${left(inactive, 10)}`;
    },
  },
};

/** The first line of a whole list; a list of one service goes without it. */
export function versionLine(size: number): string {
  return `IP Virtual Server version 1.2.1 (size=${size})\n`;
}

export function serviceList(services: readonly ListedService[], { view, exact, sort }: ListOptions): string {
  const columns = COLUMNS[view];
  const lines = inOrder(services, sort).flatMap((service) => [
    columns.service(service, exact),
    ...service.destinations.map((destination) => columns.destination(destination, exact)),
  ]);
  return columns.title + lines.map((line) => `${line}\n`).join('');
}

function inOrder(services: readonly ListedService[], sort: boolean): readonly ListedService[] {
  if (!sort) return services;
  return services
    .toSorted(compareServices)
    .map((service) => ({ ...service, destinations: service.destinations.toSorted(compareEndpoints) }));
}

/** The lines by which ipvsadm -R would make the services again. It knows neither thresholds nor groups: these become what they stand for. */
export function savedList(services: readonly ListedService[], sort: boolean): string {
  return inOrder(services, sort)
    .flatMap((service) => identifiers(service).flatMap((name) => savedService(service, name)))
    .map((line) => `${line}\n`)
    .join('');
}

function savedService(service: ListedService, name: string): readonly string[] {
  const { scheduler, persistence, onePacket } = service;
  const mask = maskOf(service);
  const words = [
    `-A ${name} -s ${scheduler}`,
    ...(persistence === undefined ? [] : [`-p ${seconds(persistence.timeoutMs)}`]),
    ...(mask === undefined ? [] : [`-M ${mask}`]),
    ...(onePacket ? ['-o'] : []),
    ...(service.schedulerFlags.length === 0 ? [] : [`-b ${flagsOf(service)}`]),
  ];
  const destinations = service.destinations.map((one) => `-a ${name} -r ${endpoint(one)} -m -w ${one.weight}`);
  return [words.join(' '), ...destinations];
}

const SERVICE_OPTIONS: Readonly<Record<Protocol, string>> = { tcp: '-t', udp: '-u', sctp: '--sctp-service' };

function identifiers({ identity, listeners }: ListedService): readonly string[] {
  if (identity.kind === 'fwmark') return [`-f ${identity.mark}${identity.family === 6 ? ' -6' : ''}`];
  if (identity.kind === 'address') return [`${SERVICE_OPTIONS[identity.protocol]} ${endpoint(identity)}`];
  return listeners.flatMap(({ protocol, address, firstPort, lastPort }) =>
    portsBetween(firstPort, lastPort).map((port) => `${SERVICE_OPTIONS[protocol]} ${endpoint({ address, port })}`),
  );
}

/** To ipvsadm port 0 is all of them. */
function portsBetween(first: number, last: number): readonly number[] {
  return first === 0 ? [0] : Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

export const FLOW_TITLE = 'IPVS connection entries\npro expire state       source             virtual            destination\n';

/** One flow of `-Lnc`. The kernel lists flows in the order of its hash table, so any order is ipvsadm's. */
export function flowLine(flow: FlowEntry): string {
  const start = `${protocolName(flow.protocol)} ${expiry(flow.expiresInMs).padEnd(6)} ${flow.state.padEnd(11)}`;
  return `${start} ${endpoint(flow.client).padEnd(18)} ${endpoint(flow.service).padEnd(18)} ${endpoint(flow.destination)}\n`;
}

export function timeoutLine({ ESTABLISHED = 0, FIN_WAIT = 0, UDP = 0 }: Snapshot['timeouts']): string {
  return `Timeout (tcp tcpfin udp): ${[ESTABLISHED, FIN_WAIT, UDP].map(seconds).join(' ')}\n`;
}

function described(service: ListedService): string {
  const { scheduler, schedulerFlags, persistence, onePacket } = service;
  const mask = maskOf(service);
  const words = [
    ...(schedulerFlags.length === 0 ? [] : [`(${flagsOf(service)})`]),
    ...(persistence === undefined ? [] : [`persistent ${seconds(persistence.timeoutMs)}`]),
    ...(mask === undefined ? [] : [`mask ${mask}`]),
    ...(onePacket ? ['ops'] : []),
  ];
  return [local(service), scheduler, ...words].join(' ');
}

/** As IPVS numbers them. */
const FLAG_ORDER: readonly SchedulerFlag[] = ['sh-fallback', 'sh-port', 'mh-fallback', 'mh-port'];

function flagsOf({ schedulerFlags }: ListedService): string {
  return FLAG_ORDER.filter((flag) => schedulerFlags.includes(flag)).join(',');
}

/** How much of a client's address counts, unless all of it does. */
function maskOf({ persistence, listeners, identity }: ListedService): string | undefined {
  if (persistence === undefined) return undefined;
  const { prefixLength } = persistence;
  const family = identity.kind === 'fwmark' ? identity.family : (listeners[0]?.address ?? '').includes(':') ? 6 : 4;
  const width = widthOf(family);
  if (prefixLength >= width) return undefined;
  if (family === 6) return String(prefixLength);
  return addressOf(4, ((1n << BigInt(prefixLength)) - 1n) << BigInt(width - prefixLength)).text;
}

function seconds(ms: number): number {
  return Math.trunc(ms / 1000);
}

function local({ identity }: ListedService): string {
  if (identity.kind === 'fwmark') return `FWM  ${identity.mark}${identity.family === 6 ? ' IPv6' : ''}`;
  return `${protocolName(identity.protocol).padEnd(4)} ${identity.kind === 'group' ? identity.group : endpoint(identity)}`;
}

function remote(destination: DestinationStats): string {
  return `  -> ${endpoint(destination).padEnd(28)}`;
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function protocolName(protocol: FlowEntry['protocol']): string {
  return protocol.toUpperCase();
}

function left(value: number, width: number): string {
  return String(value).padEnd(width);
}

function traffic(counts: Traffic, exact: boolean): string {
  const values = [counts.connections, counts.packetsIn, counts.packetsOut, counts.bytesIn, counts.bytesOut];
  return values.map((value) => (exact ? allDigits(value) : largeNumber(value))).join('');
}

// Of a destination ipvsadm shortens only the bytes.
function destinationRate({ connections, packetsIn, packetsOut, bytesIn, bytesOut }: Traffic, exact: boolean): string {
  const bytes = [bytesIn, bytesOut].map(exact ? allDigits : largeNumber);
  return [...[connections, packetsIn, packetsOut].map(allDigits), ...bytes].join('');
}

// A column of nine; what fills it pushes the rest of the line to the right after one space.
function allDigits(value: number): string {
  const digits = String(value);
  return digits.length <= 8 ? digits.padStart(9) : ` ${digits}`;
}

const SCALES = [
  { below: 1e8, unit: 1, suffix: '' },
  { below: 1e9, unit: 1e3, suffix: 'K' },
  { below: 1e11, unit: 1e6, suffix: 'M' },
  { below: 1e14, unit: 1e9, suffix: 'G' },
  { below: Number.POSITIVE_INFINITY, unit: 1e12, suffix: 'T' },
] as const;

function largeNumber(value: number): string {
  const { unit, suffix } = SCALES.find(({ below }) => value < below) ?? SCALES[0];
  return (Math.floor(value / unit) + suffix).padStart(9);
}

function expiry(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return [Math.floor(seconds / 60), seconds % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

const PROTOCOL_NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** Firewall marks last, as ipvsadm has them, and groups, which it does not know, before these. */
const KINDS: Readonly<Record<ServiceIdentity['kind'], number>> = { address: 0, group: 1, fwmark: 2 };

function compareServices({ identity: a }: ListedService, { identity: b }: ListedService): number {
  if (a.kind === 'address' && b.kind === 'address') {
    return (
      Number(a.address.includes(':')) - Number(b.address.includes(':')) ||
      PROTOCOL_NUMBERS[a.protocol] - PROTOCOL_NUMBERS[b.protocol] ||
      compareEndpoints(a, b)
    );
  }
  if (a.kind === 'fwmark' && b.kind === 'fwmark') return a.family - b.family || a.mark - b.mark;
  return KINDS[a.kind] - KINDS[b.kind];
}

type Endpoint = { readonly address: string; readonly port: number };

// ipvsadm takes the 32-bit difference of two words as a signed number, so 203.0.113.10 comes before 10.0.0.1. Kept: people diff these lists.
function compareEndpoints(a: Endpoint, b: Endpoint): number {
  const others = addressWords(b.address);
  for (const [at, word] of addressWords(a.address).entries()) {
    const difference = (word - (others[at] ?? 0)) | 0;
    if (difference !== 0) return difference;
  }
  return a.port - b.port;
}
