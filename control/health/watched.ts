// The real servers and services under watch: what their checks add up to.

import type { RealServer, VirtualServer } from '../config/model.js';
import type { RealServerStatus, VirtualServerStatus } from '../status.js';
import {
  type CheckerHealth,
  effectiveWeight,
  healthOf,
  judgeWeight,
  type RealServerHealth,
  type ServerStanding,
  type ServiceHealth,
  sorryServerActive,
} from './pool.js';
import type { Subject } from './sharing.js';

/** What one check of a server knows. */
interface Knowing {
  readonly health: CheckerHealth;
}

export interface WatchedServer {
  readonly server: RealServer;
  readonly watches: readonly Knowing[];
  /** What was told of it last. */
  up: boolean;
  weight: number;
}

export interface WatchedService {
  readonly service: VirtualServer;
  readonly servers: readonly WatchedServer[];
  quorumUp: boolean;
  /** Of all servers that are up. */
  weight: number;
  /** What was said of it last; undefined when a server has changed since. */
  health: ServiceHealth | undefined;
}

/** Of services that come with a reload, and the checks that are made for them. */
export function* watchedServices(
  services: readonly VirtualServer[],
  running: readonly { readonly watch: Knowing; readonly subjects: readonly Subject[] }[],
): Generator<undefined, WatchedService[], undefined> {
  const watches = new Map(services.map((service) => [service, service.realServers.map((): Knowing[] => [])]));
  for (const { watch, subjects } of running) {
    for (const { service, at } of subjects) watches.get(service)?.[at]?.push(watch);
    yield;
  }
  const all: WatchedService[] = [];
  for (const service of services) {
    all.push(watchedService(service, watches.get(service) ?? []));
    yield;
  }
  return all;
}

function watchedService(service: VirtualServer, watches: readonly (readonly Knowing[])[]): WatchedService {
  const servers = service.realServers.map((server, at): WatchedServer => {
    const known = { server, watches: watches[at] ?? [] };
    return { ...known, ...standingOf(known) };
  });
  return { service, servers, quorumUp: true, weight: weightOf(servers), health: undefined };
}

/** What its checks say by now. */
export function lookAgain(watched: WatchedService): void {
  for (const server of watched.servers) {
    const { up, weight } = standingOf(server);
    server.up = up;
    server.weight = weight;
  }
  watched.weight = weightOf(watched.servers);
  watched.health = undefined;
}

function weightOf(servers: readonly WatchedServer[]): number {
  return servers.reduce((sum, { up, weight }) => sum + (up ? weight : 0), 0);
}

/** As `healthOf` has it; asked of every server at a reload, and of each at every verdict. */
export function standingOf({ server, watches }: Pick<WatchedServer, 'server' | 'watches'>): {
  readonly up: boolean;
  readonly weight: number;
} {
  let up = true;
  let weighed = false;
  for (const { health } of watches) {
    up &&= health.up;
    weighed ||= health.weight !== undefined;
  }
  return {
    up,
    weight: weighed
      ? effectiveWeight(
          server,
          watches.map(({ health }) => health),
        )
      : server.weight,
  };
}

/** One object until something of it changes. */
export function healthOfService(watched: WatchedService): ServiceHealth {
  const { service, servers, quorumUp } = watched;
  if (watched.health?.quorumUp !== quorumUp) watched.health = { name: service.name, quorumUp, realServers: servers.map(standing) };
  return watched.health;
}

function standing({ server: { address, port, weight: configured }, up, weight }: WatchedServer): ServerStanding {
  return { address, port, up, ...(weight === configured ? {} : { effectiveWeight: weight }) };
}

function healthOfServer({ server, watches }: Pick<WatchedServer, 'server' | 'watches'>): RealServerHealth {
  return healthOf(
    server,
    watches.map((watch) => watch.health),
  );
}

export function statusOf(watched: WatchedService): VirtualServerStatus {
  const { service, quorumUp, weight } = watched;
  const { name, identity, listeners, scheduler, schedulerFlags, onePacket, persistence } = service;
  return {
    name,
    identity,
    listeners,
    scheduler,
    schedulerFlags,
    onePacket,
    ...(persistence && { persistence }),
    quorum: judgeWeight(service, weight, quorumUp).quorum,
    quorumUp,
    sorryServerActive: sorryServerActive(service, watched),
    realServers: watched.servers.map(statusOfServer),
  };
}

function statusOfServer(watched: WatchedServer): RealServerStatus {
  const { weight, upperThreshold = 0, lowerThreshold = 0 } = watched.server;
  return { configuredWeight: weight, upperThreshold, lowerThreshold, ...healthOfServer(watched) };
}
