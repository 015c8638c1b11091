// What services and destinations are called on the metrics page.

import type { DestinationStats, ServiceIdentity, ServiceStats, Traffic } from '../../dataplane/protocol.js';
import type { VirtualServerStatus } from '../status.js';
import type { Labels, Metric, Point, Sample } from './metric.js';

export interface ServiceName {
  readonly name: string;
  readonly address: string;
  readonly port: number | '';
  readonly protocol: string;
}

/** A service with its counters and what it is called by. */
export interface CountedService {
  readonly stats: ServiceStats;
  readonly identity: ServiceIdentity;
  readonly named: ServiceName;
}

export function serviceName({ name, identity }: VirtualServerStatus): ServiceName {
  switch (identity.kind) {
    case 'address':
      return { name, address: respelled(identity).address, port: identity.port, protocol: identity.protocol };
    case 'fwmark':
      return { name, address: '', port: '', protocol: 'fwm' };
    case 'group':
      return { name, address: '', port: '', protocol: identity.protocol };
  }
}

export function serviceLabels({ name, address, port, protocol }: ServiceName): Labels {
  return { service: name, virtual_address: address, virtual_port: port, proto: protocol };
}

// Written out, not spread from serviceLabels: spreading was the largest single cost of a page with thousands of series.
export function destinationLabels(service: ServiceName, { address, port }: { readonly address: string; readonly port: number }): Labels {
  return {
    service: service.name,
    virtual_address: service.address,
    virtual_port: service.port,
    proto: service.protocol,
    address,
    port,
  };
}

type Destinations = (read: (destination: DestinationStats, service: CountedService) => readonly Point[]) => Metric['points'];

export const perDestination: Destinations = (read) => (sample) =>
  services(sample).flatMap((service) => service.stats.destinations.flatMap((destination) => read(destination, service)));

/** Between two looks a service may have come or gone: only what both configuration and data plane know has counters. */
export function services({ status }: Sample): readonly CountedService[] {
  const configured = new Map(status.virtualServers.map((server) => [server.name, server]));
  return (status.dataplane.stats?.services ?? []).flatMap((stats) => {
    const server = configured.get(stats.name);
    return server === undefined ? [] : [{ stats, identity: server.identity, named: serviceName(server) }];
  });
}

export const TRAFFIC: readonly (readonly [name: string, what: string, read: (traffic: Traffic) => number])[] = [
  ['connections', 'Connections opened', (traffic) => traffic.connections],
  ['incoming_packets', 'Packets from clients', (traffic) => traffic.packetsIn],
  ['outgoing_packets', 'Packets to clients', (traffic) => traffic.packetsOut],
  ['incoming_bytes', 'Bytes from clients', (traffic) => traffic.bytesIn],
  ['outgoing_bytes', 'Bytes to clients', (traffic) => traffic.bytesOut],
];

// The operator's spelling of an IPv6 address becomes the data plane's, or the two kinds of series could not be joined.
export function respelled<T extends { readonly address: string }>(value: T): T {
  const { address } = value;
  return address.includes(':') ? { ...value, address: new URL(`http://[${address}]`).hostname.slice(1, -1) } : value;
}
