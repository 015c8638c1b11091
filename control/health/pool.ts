// Which real servers of a virtual server are up, whether they are a quorum, and which destinations follow from that.

import type { Destination } from '../../dataplane/protocol.js';
import type { RealServer, VirtualServer } from '../config/model.js';

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What is known of one checker of a real server. */
export interface CheckerHealth {
  readonly up: boolean;
  readonly lastFailure?: { readonly reason: string; readonly at: number };
}

export interface RealServerHealth extends Endpoint {
  /** No checker has failed. */
  readonly up: boolean;
  readonly checks: number;
  readonly failedChecks: number;
  /** Why the last failing check failed. */
  readonly lastFailure?: string;
}

export interface ServiceHealth {
  /** Of the service. */
  readonly name: string;
  readonly quorumUp: boolean;
  /** In the order of the configuration. */
  readonly realServers: readonly RealServerHealth[];
}

export interface HealthState {
  readonly services: readonly ServiceHealth[];
}

export interface Quorum {
  readonly up: boolean;
  /** Capped to the total weight: more could never be reached. */
  readonly quorum: number;
  /** Less than the quorum: with more it could never be lost. */
  readonly hysteresis: number;
  /** Of the real servers that are up. */
  readonly weight: number;
}

/** The destinations of a service: real servers while there is a quorum or nothing to replace them, else the sorry server. */
export function members(service: VirtualServer, health: ServiceHealth): Destination[] {
  const sorry = sorryServerActive(service, health);
  const serving = sorry ? new Set<string>() : keysOfUp(health.realServers);
  const pool = new Map(service.realServers.flatMap((server) => realServerMember(server, serving.has(key(server)))));
  if (service.sorryServer !== undefined) addSorryServer(pool, service.sorryServer, sorry, service.sorryServerInhibit);
  return [...pool.values()];
}

export function sorryServerActive(service: VirtualServer, health: ServiceHealth): boolean {
  return service.sorryServer !== undefined && !health.quorumUp;
}

/** Lost below quorum − hysteresis or with nothing to send to, regained from quorum + hysteresis on; in between it stays as it was. */
export function judge(service: VirtualServer, realServers: readonly RealServerHealth[], wasUp: boolean): Quorum {
  const quorum = Math.min(service.quorum, total(service.realServers));
  const hysteresis = Math.min(service.hysteresis, Math.max(0, quorum - 1));
  const up = keysOfUp(realServers);
  const weight = total(service.realServers.filter((server) => up.has(key(server))));
  const threshold = wasUp ? quorum - hysteresis : quorum + hysteresis;
  return { up: weight > 0 && weight >= threshold, quorum, hysteresis, weight };
}

export function healthOf(server: RealServer, checkers: readonly CheckerHealth[]): RealServerHealth {
  const failedChecks = checkers.filter((checker) => !checker.up).length;
  const lastFailure = latest(checkers);
  const { address, port } = server;
  return { address, port, up: failedChecks === 0, checks: checkers.length, failedChecks, ...(lastFailure && { lastFailure }) };
}

/** Before the first check: up, but for those that must prove themselves first (alpha). */
export function initialHealth(service: VirtualServer): ServiceHealth {
  const realServers = service.realServers.map((server) => healthOf(server, server.checkers.map(untried)));
  return { name: service.name, quorumUp: judge(service, realServers, true).up, realServers };
}

function untried(checker: { readonly alpha: boolean }): CheckerHealth {
  return { up: !checker.alpha };
}

function latest(checkers: readonly CheckerHealth[]): string | undefined {
  const failures = checkers.flatMap(({ lastFailure }) => lastFailure ?? []);
  return failures.sort((one, other) => other.at - one.at)[0]?.reason;
}

function realServerMember(server: RealServer, serves: boolean): [string, Destination][] {
  if (!serves && !server.inhibitOnFailure) return [];
  const { address, port, weight, upperThreshold, lowerThreshold } = server;
  const thresholds = {
    ...(upperThreshold === undefined ? {} : { upperThreshold }),
    ...(lowerThreshold === undefined ? {} : { lowerThreshold }),
  };
  return [[key(server), { address, port, weight: serves ? weight : 0, ...thresholds }]];
}

/** keepalived: an inhibited sorry server is always in the pool, with weight 0 until it is needed, so its flows outlive the recovery. */
function addSorryServer(pool: Map<string, Destination>, server: Endpoint, active: boolean, inhibit: boolean): void {
  const known = pool.has(key(server));
  if (active || (inhibit && !known)) pool.set(key(server), { address: server.address, port: server.port, weight: active ? 1 : 0 });
}

function keysOfUp(realServers: readonly RealServerHealth[]): Set<string> {
  return new Set(realServers.filter(({ up }) => up).map(key));
}

function key({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}

function total(servers: readonly RealServer[]): number {
  return servers.reduce((sum, { weight }) => sum + weight, 0);
}
