// What the data plane should hold: the configuration, seen through what is known of the real servers' health.

import type { Destination, HeldAddress, Service, Snapshot } from '../../dataplane/protocol.js';
import type { Config, VirtualServer } from '../config/model.js';
import { type HealthState, initialHealth, members, type ServiceHealth } from '../health/pool.js';

export interface DesiredOptions {
  readonly generation: number;
  readonly held: readonly HeldAddress[];
  readonly graceMs: number;
}

/** Services as they were wanted last: one of which nothing has changed is the same object again, which nobody need look into. */
export type WantedBefore = WeakMap<VirtualServer, { readonly health: ServiceHealth; readonly service: Service }>;

export function desired(
  config: Config,
  health: HealthState,
  { generation, held, graceMs }: DesiredOptions,
  before: WantedBefore = new WeakMap(),
): Snapshot {
  const known = byName(health);
  const { timeouts, takeoverMs, halfOpen } = config.settings;
  const services = config.virtualServers.map((service) => wantedService(service, known.get(service.name), before));
  return { generation, services, timeouts, takeoverMs, halfOpen, held, graceMs };
}

/** Finds out for `before` what `desired` will ask of it, and may be left at every service. */
export function* foresee(config: Config, health: HealthState, before: WantedBefore): Generator<undefined, void, undefined> {
  const known = byName(health);
  for (const service of config.virtualServers) {
    wantedService(service, known.get(service.name), before);
    yield;
  }
}

function byName({ services }: HealthState): ReadonlyMap<string, ServiceHealth> {
  return new Map(services.map((service) => [service.name, service]));
}

function wantedService(config: VirtualServer, known: ServiceHealth | undefined, before: WantedBefore): Service {
  const last = before.get(config);
  if (last !== undefined && last.health === known) return last.service;
  const health = known ?? initialHealth(config);
  const destinations = members(config, health);
  const service =
    last !== undefined && alike(last.service.destinations, destinations) ? last.service : { ...withoutConfig(config), destinations };
  before.set(config, { health, service });
  return service;
}

function alike(some: readonly Destination[], others: readonly Destination[]): boolean {
  return some.length === others.length && some.every((one, at) => isSame(one, others[at]));
}

function isSame(one: Destination, other: Destination | undefined): boolean {
  return (
    one.address === other?.address &&
    one.port === other.port &&
    one.weight === other.weight &&
    one.upperThreshold === other.upperThreshold &&
    one.lowerThreshold === other.lowerThreshold &&
    one.down === other.down
  );
}

/** Named one by one: what crosses to the data plane is what it asks for, not whatever else the configuration holds. */
function withoutConfig(service: VirtualServer): Omit<Service, 'destinations'> {
  const { name, identity, listeners, scheduler, schedulerFlags, onePacket, persistence, helper } = service;
  const { timeouts, noDestination, resets, sloppy } = service;
  return {
    name,
    identity,
    listeners,
    scheduler,
    schedulerFlags,
    onePacket,
    ...(persistence && { persistence }),
    ...(helper && { helper }),
    timeouts,
    noDestination,
    resets,
    sloppy,
  };
}
