// Makes the services of a world, and what happens to their real servers.

import type { Checker } from '../../control/config/checker.js';
import type { RealServer, VirtualServer } from '../../control/config/model.js';
import { httpChecker, realServer, tcpChecker, url, virtualServer } from '../health/models.js';
import type { Random } from '../oracle/random.js';
import type { Happening } from './world.js';

export function servicesOf(random: Random, intervalMs: number): VirtualServer[] {
  return Array.from({ length: random.between(1, 2) }, (_, service) => serviceOf(random, service, intervalMs));
}

function serviceOf(random: Random, service: number, intervalMs: number): VirtualServer {
  const delayLoopMs = Math.max(intervalMs, random.one([2000, 6000, 20_000, 60_000]));
  const realServers = Array.from({ length: random.between(1, 5) }, (_, i) => serverOf(random, `10.11.${service}.${i + 1}`, delayLoopMs));
  const sorry = [undefined, `10.11.${service}.99`, `10.11.${service}.99`, `10.11.${service}.1`][random.below(4)];
  return virtualServer({
    port: 80 + service,
    quorum: random.one([1, 1, 2, 3, 5, 100]),
    hysteresis: random.one([0, 0, 1, 2, 100]),
    sorryServerInhibit: random.chance(0.3),
    ...(sorry === undefined ? {} : { sorryServer: { address: sorry, port: 80 } }),
    realServers,
  });
}

function serverOf(random: Random, address: string, delayLoopMs: number): RealServer {
  return realServer({
    address,
    weight: random.one([1, 1, 1, 2, 3, 0]),
    inhibitOnFailure: random.chance(0.3),
    checkers: Array.from({ length: random.one([0, 1, 1, 1, 2, 3]) }, () => checkerOf(random, address, delayLoopMs)),
  });
}

function checkerOf(random: Random, address: string, delayLoopMs: number): Checker {
  const warmupMs = [undefined, undefined, 0, 500][random.below(4)];
  const timing = {
    connect: { address, port: 80 },
    delayLoopMs,
    connectTimeoutMs: random.one([1000, 5000]),
    retry: random.one([0, 1, 1, 3]),
    delayBeforeRetryMs: random.one([500, 1000, 3000]),
    alpha: random.chance(0.25),
    ...(warmupMs === undefined ? {} : { warmupMs }),
  };
  if (random.chance(0.5)) return tcpChecker(timing);
  return httpChecker({ ...timing, urls: Array.from({ length: random.between(1, 3) }, (_, i) => url({ path: `/${i}` })) });
}

/** Some time between now and the world's end. */
export function serverHappenings(random: Random, services: readonly VirtualServer[], routers: number, endsAt: number): Happening[] {
  const addresses = services.flatMap(({ realServers }) => realServers.map(({ address }) => address));
  const many = Math.min(60, Math.ceil(endsAt / 10_000));
  return Array.from({ length: many }, () =>
    serverHappening(random, random.one(addresses), random.below(routers), random.below(endsAt)),
  ).flat();
}

function serverHappening(random: Random, address: string, router: number, at: number): Happening[] {
  switch (random.weighted({ server: 5, blink: 4, reach: 2, ports: 1 })) {
    case 'server':
      return [{ at, kind: 'server', address, answer: random.one(['answers', 'answers', 'refuses', 'silent'] as const) }];
    case 'blink':
      return [
        { at, kind: 'server', address, answer: random.one(['refuses', 'silent'] as const) },
        { at: at + random.between(100, 10_000), kind: 'server', address, answer: 'answers' },
      ];
    case 'reach':
      return [{ at, kind: 'reach', router, address, open: random.chance(0.6) }];
    case 'ports':
      return [{ at, kind: 'ports', router, left: random.chance(0.6) }];
  }
}
