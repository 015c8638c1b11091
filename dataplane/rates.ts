// How much passes in a second, averaged as IPVS averages it, so that graphs match (net/netfilter/ipvs/ip_vs_est.c): every two seconds a
// quarter of the way from the average to what the last two seconds saw.

import type { DestinationRate, DestinationStats, Rates, ServiceRate, ServiceStats, Stats, Traffic } from './protocol.js';

export const ROUND_MS = 2000;

/** One thing that is counted: its counters when last looked at, and what they grew by a second since, on average. */
interface Estimate {
  readonly counted: Traffic;
  readonly average: Traffic;
}

interface ServiceEstimate {
  readonly own: Estimate;
  readonly destinations: ReadonlyMap<string, Estimate>;
}

export interface Estimates {
  readonly atMs: number;
  readonly rounds: number;
  readonly total: Estimate;
  readonly services: ReadonlyMap<string, ServiceEstimate>;
}

type Counted = Pick<Stats, 'total' | 'services'>;

/** What is new, or counts less than before because it began again, starts from nothing. */
export function estimate(before: Estimates | undefined, { total, services }: Counted, nowMs: number): Estimates {
  const seconds = before === undefined ? ROUND_MS / 1000 : Math.max(1, nowMs - before.atMs) / 1000;
  return {
    atMs: nowMs,
    rounds: (before?.rounds ?? 0) + 1,
    total: follow(before?.total, total, seconds),
    services: new Map(services.map((service) => [service.name, followService(before?.services.get(service.name), service, seconds)])),
  };
}

function followService(before: ServiceEstimate | undefined, service: ServiceStats, seconds: number): ServiceEstimate {
  const destinations = service.destinations.map((destination) => {
    const name = nameOf(destination);
    return [name, follow(before?.destinations.get(name), destination, seconds)] as const;
  });
  return { own: follow(before?.own, service, seconds), destinations: new Map(destinations) };
}

function nameOf({ address, port }: Pick<DestinationStats, 'address' | 'port'>): string {
  return `${address} ${port}`;
}

function follow(before: Estimate | undefined, counted: Traffic, seconds: number): Estimate {
  if (before === undefined) return { counted, average: STILL };
  return {
    counted,
    average: each((name) => {
      const grown = Math.max(0, counted[name] - before.counted[name]);
      return before.average[name] + (grown / seconds - before.average[name]) / 4;
    }),
  };
}

/** Undefined until there was a difference to see. */
export function ratesOf(estimates: Estimates | undefined, { services }: Pick<Stats, 'services'>): Rates | undefined {
  if (estimates === undefined || estimates.rounds < 2) return undefined;
  return { total: shown(estimates.total), services: services.map((service) => serviceRate(estimates.services.get(service.name), service)) };
}

function serviceRate(known: ServiceEstimate | undefined, { name, destinations }: ServiceStats): ServiceRate {
  const rates = destinations.map((destination): DestinationRate => {
    const { address, port } = destination;
    return { address, port, ...shown(known?.destinations.get(nameOf(destination))) };
  });
  return { name, ...shown(known?.own), destinations: rates };
}

/** As IPVS rounds: it counts in parts of 1024 of a packet and 32 of a byte, and adds one less than half. */
function shown(estimate: Estimate | undefined): Traffic {
  const { average } = estimate ?? { average: STILL };
  return each((name) => Math.floor(average[name] + (name.startsWith('bytes') ? 15 / 32 : 511 / 1024)));
}

const STILL: Traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };

function each(value: (name: keyof Traffic) => number): Traffic {
  return {
    connections: value('connections'),
    packetsIn: value('packetsIn'),
    packetsOut: value('packetsOut'),
    bytesIn: value('bytesIn'),
    bytesOut: value('bytesOut'),
  };
}
