// What the data plane should hold: the configuration, seen through what is known of the real servers' health.

import type { HeldAddress, Service, Snapshot } from '../../dataplane/protocol.js';
import type { Config, VirtualServer } from '../config/model.js';
import { type HealthState, initialHealth, members } from '../health/pool.js';

export interface DesiredOptions {
  readonly generation: number;
  readonly held: readonly HeldAddress[];
  readonly graceMs: number;
}

export function desired(config: Config, health: HealthState, { generation, held, graceMs }: DesiredOptions): Snapshot {
  const known = new Map(health.services.map((service) => [service.name, service]));
  const { timeouts, takeoverMs, halfOpen } = config.settings;
  const services = config.virtualServers.map((service): Service => {
    return { ...withoutConfig(service), destinations: members(service, known.get(service.name) ?? initialHealth(service)) };
  });
  return { generation, services, timeouts, takeoverMs, halfOpen, held, graceMs };
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
