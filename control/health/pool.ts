// Which real servers of a virtual server are up, whether they are a quorum, and which destinations follow from that.

import type { Destination } from '../../dataplane/protocol.js';
import type { RealServer, VirtualServer } from '../config/model.js';
import type { Weight } from './checker.js';

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What is known of one checker of a real server. */
export interface CheckerHealth {
  readonly up: boolean;
  readonly weight?: Weight;
  readonly lastFailure?: { readonly reason: string; readonly at: number };
}

/** What counts for who gets traffic. */
export interface ServerStanding extends Endpoint {
  /** No checker has failed. */
  readonly up: boolean;
  /** What checks make of the configured weight; absent where they leave it. */
  readonly effectiveWeight?: number;
}

export interface RealServerHealth extends ServerStanding {
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
  readonly realServers: readonly ServerStanding[];
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
  const known = new Map(health.realServers.map((server) => [key(server), server]));
  const pool = new Map(service.realServers.flatMap((server) => realServerMember(server, known.get(key(server)), sorry)));
  if (service.sorryServer !== undefined) addSorryServer(pool, service.sorryServer, sorry, service.sorryServerInhibit);
  return [...pool.values()];
}

export function sorryServerActive(service: VirtualServer, health: Pick<ServiceHealth, 'quorumUp'>): boolean {
  return service.sorryServer !== undefined && !health.quorumUp;
}

/** Lost below quorum − hysteresis or with nothing to send to, regained from quorum + hysteresis on; in between it stays as it was. */
export function judge(service: VirtualServer, realServers: readonly ServerStanding[], wasUp: boolean): Quorum {
  const known = new Map(realServers.map((server) => [key(server), server]));
  return judgeWeight(service, sum(service.realServers.map((server) => liveWeight(server, known.get(key(server))))), wasUp);
}

/** `weight`: of all real servers that are up. */
export function judgeWeight(service: VirtualServer, weight: number, wasUp: boolean): Quorum {
  const quorum = Math.min(service.quorum, sum(service.realServers.map((server) => server.weight)));
  const hysteresis = Math.min(service.hysteresis, Math.max(0, quorum - 1));
  const threshold = wasUp ? quorum - hysteresis : quorum + hysteresis;
  return { up: weight > 0 && weight >= threshold, quorum, hysteresis, weight };
}

/** What a server adds to the quorum. */
export function liveWeight(server: RealServer, health: ServerStanding | undefined): number {
  return health?.up ? (health.effectiveWeight ?? server.weight) : 0;
}

export function healthOf(server: RealServer, checkers: readonly CheckerHealth[]): RealServerHealth {
  const failedChecks = checkers.filter((checker) => !checker.up).length;
  const lastFailure = latest(checkers);
  const { address, port, weight } = server;
  const effective = effectiveWeight(server, checkers);
  return {
    address,
    port,
    up: failedChecks === 0,
    checks: checkers.length,
    failedChecks,
    ...(effective === weight ? {} : { effectiveWeight: effective }),
    ...(lastFailure && { lastFailure }),
  };
}

/** IPVS's greatest. */
const HEAVIEST = 2 ** 31 - 1;

/** keepalived adds up what each check would change; IPVS knows no negative weight. */
export function effectiveWeight(server: RealServer, checkers: readonly CheckerHealth[]): number {
  const changes = checkers.map(({ weight }) => (weight === undefined ? 0 : 'add' in weight ? weight.add : weight.set - server.weight));
  return Math.min(Math.max(server.weight + sum(changes), 0), HEAVIEST);
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

function realServerMember(server: RealServer, health: ServerStanding | undefined, replaced: boolean): [string, Destination][] {
  const serves = health?.up === true && !replaced;
  if (!serves && !server.inhibitOnFailure) return [];
  const { address, port, upperThreshold, lowerThreshold } = server;
  const weight = health?.effectiveWeight ?? server.weight;
  const thresholds = {
    ...(upperThreshold === undefined ? {} : { upperThreshold }),
    ...(lowerThreshold === undefined ? {} : { lowerThreshold }),
  };
  // One that only makes room for the sorry server is well.
  const down = health?.up !== true;
  return [[key(server), { address, port, weight: serves ? weight : 0, ...thresholds, ...(down && { down: true }) }]];
}

/** keepalived: an inhibited sorry server is always in the pool, with weight 0 until it is needed, so its flows outlive the recovery. */
function addSorryServer(pool: Map<string, Destination>, server: Endpoint, active: boolean, inhibit: boolean): void {
  const known = pool.has(key(server));
  if (active || (inhibit && !known)) pool.set(key(server), { address: server.address, port: server.port, weight: active ? 1 : 0 });
}

function key({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
