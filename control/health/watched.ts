// The real servers and services under watch: what their checks add up to.

import type { RealServer, VirtualServer } from '../config/model.js';
import type { RealServerStatus, VirtualServerStatus } from '../status.js';
import {
  type CheckerHealth,
  effectiveWeight,
  healthOf,
  judgeWeight,
  type RealServerHealth,
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
}

export function watchedServices(
  services: readonly VirtualServer[],
  running: readonly { readonly watch: Knowing; readonly subjects: readonly Subject[] }[],
): WatchedService[] {
  const watches = services.map(({ realServers }) => realServers.map((): Knowing[] => []));
  for (const { watch, subjects } of running) for (const { at } of subjects) watches[at.service]?.[at.server]?.push(watch);
  return services.map((service, index) => {
    const servers = service.realServers.map((server, place): WatchedServer => {
      const known = { server, watches: watches[index]?.[place] ?? [] };
      return { ...known, ...standingOf(known) };
    });
    return { service, servers, quorumUp: true, weight: servers.reduce((sum, { up, weight }) => sum + (up ? weight : 0), 0) };
  });
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

export function healthOfService({ service, servers, quorumUp }: WatchedService): ServiceHealth {
  return { name: service.name, quorumUp, realServers: servers.map(healthOfServer) };
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
