// What the data plane should hold: the configuration, seen through what is known of the real servers' health.

import type { HeldAddress, Service, Snapshot } from '../../dataplane/protocol.js';
import type { Config, GlobalDefs, VirtualServer } from '../config/model.js';
import { type HealthState, initialHealth, members } from '../health/pool.js';

export interface DesiredOptions {
  readonly generation: number;
  readonly held: readonly HeldAddress[];
  readonly graceMs: number;
}

/** IPVS's own, where lvs_timeouts says nothing. */
const DEFAULT_TIMEOUTS: Snapshot['timeouts'] = { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 };

export function desired(config: Config, health: HealthState, { generation, held, graceMs }: DesiredOptions): Snapshot {
  const known = new Map(health.services.map((service) => [identity(service), service]));
  const services = config.virtualServers.map((service): Service => {
    const { address, port, protocol, scheduler } = service;
    return { address, port, protocol, scheduler, destinations: members(service, known.get(identity(service)) ?? initialHealth(service)) };
  });
  return { generation, services, timeouts: timeouts(config.global), held, graceMs };
}

/** IPVS takes 0 as "leave it as it is". */
function timeouts({ timeouts: { tcpMs, tcpFinMs, udpMs } }: GlobalDefs): Snapshot['timeouts'] {
  return {
    tcpMs: tcpMs || DEFAULT_TIMEOUTS.tcpMs,
    tcpFinMs: tcpFinMs || DEFAULT_TIMEOUTS.tcpFinMs,
    udpMs: udpMs || DEFAULT_TIMEOUTS.udpMs,
  };
}

function identity({ protocol, address, port }: Pick<VirtualServer, 'protocol' | 'address' | 'port'>): string {
  return `${protocol} ${address} ${port}`;
}
