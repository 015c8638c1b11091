// What the data plane should hold: the configuration, seen through what is known of the real servers' health.

import type { Destination, HeldAddress, Service, Snapshot } from '../../dataplane/protocol.js';
import type { Config, VirtualServer } from '../config/model.js';
import { type HealthState, initialHealth, members } from '../health/pool.js';

export interface DesiredOptions {
  readonly generation: number;
  readonly held: readonly HeldAddress[];
  readonly graceMs: number;
}

/** Services as they were wanted last: one of which nothing has changed is the same object again, which nobody need look into. */
export type WantedBefore = WeakMap<VirtualServer, Service>;

export function desired(
  config: Config,
  health: HealthState,
  { generation, held, graceMs }: DesiredOptions,
  before: WantedBefore = new WeakMap(),
): Snapshot {
  const known = new Map(health.services.map((service) => [service.name, service]));
  const { timeouts, takeoverMs, halfOpen } = config.settings;
  const services = config.virtualServers.map((service): Service => {
    const destinations = members(service, known.get(service.name) ?? initialHealth(service));
    const last = before.get(service);
    if (last !== undefined && alike(last.destinations, destinations)) return last;
    const wanted = { ...withoutConfig(service), destinations };
    before.set(service, wanted);
    return wanted;
  });
  return { generation, services, timeouts, takeoverMs, halfOpen, held, graceMs };
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
