// What is compared: for each feature how its services are drawn, and how often what happens to them.

import type { Destination, Protocol, SchedulerFlag, Service } from '../../dataplane/protocol.js';
import type { Random } from './random.js';
import { type Family, SERVERS, server, virtualAddress } from './world.js';

/** How often each kind of step comes, in proportion. */
export interface Mix {
  /** A client begins a connection. */
  readonly open: number;
  /** A connection goes on as it should. */
  readonly live: number;
  /** A segment nobody expects. */
  readonly odd: number;
  /** A packet about as large as the way takes. */
  readonly big: number;
  /** A packet in fragments. */
  readonly cut: number;
  /** A new connection from the ports of one that was. */
  readonly reopen: number;
  readonly icmp: number;
  /** Packets of no connection. */
  readonly noise: number;
  /** Weights change. */
  readonly weigh: number;
  /** A destination goes, or comes (back). */
  readonly move: number;
}

export interface Place {
  readonly random: Random;
  readonly family: Family;
  readonly sequence: number;
}

export interface Feature {
  readonly name: string;
  readonly services: (place: Place) => readonly Service[];
  readonly mix: Mix;
  /** Clients of a sequence. */
  readonly clients: number;
}

const MIX: Mix = { open: 20, live: 60, odd: 0, big: 0, cut: 0, reopen: 0, icmp: 0, noise: 0, weigh: 0, move: 0 };

interface Wish {
  readonly protocol?: Protocol;
  readonly scheduler?: string;
  readonly flags?: readonly SchedulerFlag[];
  readonly port?: number;
  readonly to?: number;
  readonly most?: number;
  readonly weights?: readonly number[];
  readonly onePacket?: boolean;
  readonly persistence?: { readonly timeoutMs: number; readonly prefixLength: number };
  readonly thresholds?: boolean;
}

const PORTS: Readonly<Record<Protocol, { readonly port: number; readonly to: number }>> = {
  tcp: { port: 80, to: 8080 },
  udp: { port: 53, to: 5353 },
  sctp: { port: 3868, to: 3868 },
};

function service(place: Place, which: number, wish: Wish = {}): Service {
  const { random, family, sequence } = place;
  const protocol = wish.protocol ?? 'tcp';
  const address = virtualAddress(family, sequence, which);
  const port = wish.port ?? PORTS[protocol].port;
  const span = port === 0 ? { firstPort: 0, lastPort: 65535 } : { firstPort: port, lastPort: port };
  return {
    name: `${protocol} ${address}:${port}`,
    identity: { kind: 'address', protocol, address, port },
    listeners: [{ address, protocol, ...span }],
    scheduler: wish.scheduler ?? 'rr',
    schedulerFlags: wish.flags ?? [],
    onePacket: wish.onePacket ?? false,
    ...(wish.persistence === undefined ? {} : { persistence: wish.persistence }),
    timeouts: {},
    noDestination: 'icmp',
    resets: false,
    sloppy: 'never',
    destinations: destinations(place, random.between(1, wish.most ?? SERVERS), wish.to ?? (port === 0 ? 0 : PORTS[protocol].to), wish),
  };
}

function destinations({ random, family }: Place, count: number, port: number, wish: Wish): Destination[] {
  const numbers = shuffled(
    random,
    Array.from({ length: SERVERS }, (_, at) => at + 1),
  ).slice(0, count);
  return numbers.map((number) => destination(random, server(family, number), port, wish));
}

function destination(random: Random, address: string, port: number, { weights, thresholds }: Wish): Destination {
  const weight = random.one(weights ?? [1]);
  if (thresholds !== true) return { address, port, weight };
  const upperThreshold = random.between(0, 4);
  return { address, port, weight, upperThreshold, lowerThreshold: upperThreshold === 0 ? 0 : random.below(upperThreshold) };
}

export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const all = [...list];
  for (let at = all.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all;
}

/** Weight 0 among them, and one that is much more than the others. */
export const WEIGHTS = [0, 1, 1, 1, 2, 3, 5, 10, 100] as const;

const SCHEDULING = { ...MIX, open: 70, live: 40, weigh: 2, move: 2 };

function scheduler(name: string, flags: readonly SchedulerFlag[] = []): Feature {
  return {
    name: ['scheduler', name, ...flags].join(' '),
    services: (place) => {
      const protocol = place.random.one(['tcp', 'tcp', 'udp'] as const);
      return [service(place, 0, { scheduler: name, flags, protocol, weights: WEIGHTS })];
    },
    mix: SCHEDULING,
    clients: 12,
  };
}

const TCP_LIFE: Feature = {
  name: 'TCP as it should be',
  services: (place) => [service(place, 0), service(place, 1, { port: 443, to: 443 })],
  mix: { ...MIX, reopen: 5 },
  clients: 4,
};

const TCP_ODD: Feature = {
  name: 'TCP as it should not be',
  services: (place) => [service(place, 0)],
  mix: { ...MIX, open: 10, odd: 30, reopen: 5, noise: 5 },
  clients: 3,
};

const UDP: Feature = {
  name: 'UDP',
  services: (place) => [service(place, 0, { protocol: 'udp' }), service(place, 1, { protocol: 'udp', port: 5060, to: 5060 })],
  mix: { ...MIX, odd: 5, noise: 5 },
  clients: 4,
};

const ICMP: Feature = {
  name: 'ICMP errors',
  services: (place) => [service(place, 0), service(place, 0, { protocol: 'udp' })],
  mix: { ...MIX, icmp: 60 },
  clients: 3,
};

const SIZE: Feature = {
  name: 'packets of any size',
  services: (place) => [service(place, 0), service(place, 0, { protocol: 'udp' })],
  mix: { ...MIX, big: 30 },
  clients: 3,
};

const FRAGMENTS: Feature = {
  name: 'fragments',
  services: (place) => [service(place, 0), service(place, 0, { protocol: 'udp' })],
  mix: { ...MIX, cut: 30 },
  clients: 3,
};

const SCTP: Feature = {
  name: 'SCTP',
  services: (place) => [service(place, 0, { protocol: 'sctp', to: place.random.one([3868, 3869]) })],
  mix: { ...MIX, odd: 10, reopen: 5 },
  clients: 4,
};

const ONE_PACKET: Feature = {
  name: 'one packet at a time',
  services: (place) => [service(place, 0, { protocol: 'udp', onePacket: true, weights: WEIGHTS })],
  mix: { ...MIX, open: 40, weigh: 2 },
  clients: 4,
};

const THRESHOLDS: Feature = {
  name: 'connection thresholds',
  services: (place) => [service(place, 0, { thresholds: true, most: 4, protocol: place.random.one(['tcp', 'tcp', 'udp']) })],
  mix: { ...MIX, open: 30 },
  clients: 8,
};

const PERSISTENT: Feature = {
  name: 'persistence',
  services: (place) => [
    service(place, 0, { persistence: persistence(place), weights: WEIGHTS }),
    service(place, 0, { persistence: persistence(place), protocol: 'udp' }),
    service(place, 1),
  ],
  mix: { ...MIX, open: 60, reopen: 5, weigh: 3 },
  clients: 16,
};

const EVERY_PORT: Feature = {
  name: 'every port of an address',
  services: (place) => [
    service(place, 0, { persistence: persistence(place), port: 0 }),
    service(place, 0, { persistence: persistence(place), port: 0, protocol: 'udp' }),
    service(place, 0),
  ],
  mix: { ...MIX, open: 60, icmp: 5 },
  clients: 16,
};

const MARKED: Feature = {
  name: 'firewall marks',
  services: (place) => [
    marked(place, 1, [
      { which: 0, ports: [80, 80] },
      { which: 1, ports: [8000, 8010] },
    ]),
    marked(place, 2, [{ which: 2, ports: [1000, 65535], protocol: 'udp' }], { to: place.random.one([0, 5353]) }),
    service(place, 3),
  ],
  mix: { ...MIX, open: 60, icmp: 5 },
  clients: 8,
};

const MARKED_PERSISTENT: Feature = {
  name: 'firewall marks and persistence',
  services: (place) => [
    marked(
      place,
      3,
      [
        { which: 0, ports: [80, 80] },
        { which: 0, ports: [443, 443] },
        { which: 1, ports: [5000, 6000], protocol: 'udp' },
      ],
      { persistence: persistence(place) },
    ),
  ],
  mix: { ...MIX, open: 60 },
  clients: 16,
};

interface Marked {
  readonly which: number;
  readonly ports: readonly [first: number, last: number];
  readonly protocol?: Protocol;
}

/** A mark of its own for each sequence. Destinations have the port 0, so that several ports make sense. */
function marked(place: Place, number: number, all: readonly Marked[], wish: Wish = {}): Service {
  const { family, sequence } = place;
  const mark = sequence * 8 + number;
  return {
    ...service(place, 0, { to: 0, ...wish }),
    name: `fwm ${mark}`,
    identity: { kind: 'fwmark', mark, family },
    listeners: all.map(({ which, ports: [firstPort, lastPort], protocol = 'tcp' }) => ({
      address: virtualAddress(family, sequence, which),
      protocol,
      firstPort,
      lastPort,
    })),
  };
}

function persistence({ random, family }: Place): { timeoutMs: number; prefixLength: number } {
  const prefixLength = random.one(family === 4 ? [32, 32, 24, 16] : [128, 128, 64, 48]);
  return { timeoutMs: random.between(60, 1000) * 1000, prefixLength };
}

const MOVING: Feature = {
  name: 'servers that come and go',
  services: (place) => [service(place, 0, { weights: WEIGHTS, scheduler: place.random.one(['rr', 'wrr']) })],
  mix: { ...MIX, reopen: 5, weigh: 10, move: 10 },
  clients: 4,
};

/** Flags by scheduler. `twos` decides by chance, and Debian's guest kernel lacks it. */
const SCHEDULERS: Readonly<Record<string, readonly (readonly SchedulerFlag[])[]>> = {
  rr: [[]],
  wrr: [[]],
  lc: [[]],
  wlc: [[]],
  sh: [[], ['sh-port'], ['sh-fallback'], ['sh-fallback', 'sh-port']],
  dh: [[]],
  mh: [[], ['mh-port'], ['mh-fallback'], ['mh-fallback', 'mh-port']],
  sed: [[]],
  nq: [[]],
  fo: [[]],
  ovf: [[]],
};

export const FEATURES: readonly Feature[] = [
  ...Object.entries(SCHEDULERS).flatMap(([name, variants]) => variants.map((flags) => scheduler(name, flags))),
  TCP_LIFE,
  TCP_ODD,
  UDP,
  SCTP,
  ONE_PACKET,
  ICMP,
  SIZE,
  FRAGMENTS,
  MOVING,
  THRESHOLDS,
  PERSISTENT,
  EVERY_PORT,
  MARKED,
  MARKED_PERSISTENT,
];
