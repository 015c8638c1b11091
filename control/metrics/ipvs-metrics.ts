// node_exporter's own names and labels for IPVS, for dashboards that exist.

import type { DestinationStats, ServiceIdentity } from '../../dataplane/protocol.js';
import { fromStats, type Labels, type Metric } from './metric.js';
import { type CountedService, perDestination, type ServiceName, TRAFFIC } from './service-name.js';

function ipvsLabels({ identity, named }: CountedService, destination: DestinationStats): Labels {
  return { ...localLabels(identity, named), remote_address: destination.address, remote_port: destination.port };
}

/**
 * As node_exporter takes them from /proc/net/ip_vs, where a mark has eight hexadecimal digits, and neither address nor port. IPVS has a service
 * for each address of a group; here it is one, and its name stands where the address would.
 */
function localLabels(identity: ServiceIdentity, { address, protocol }: ServiceName): Labels {
  const proto = protocol.toUpperCase();
  switch (identity.kind) {
    case 'address':
      return { local_address: address, local_port: identity.port, proto, local_mark: '' };
    case 'fwmark':
      return { local_address: '', local_port: 0, proto, local_mark: identity.mark.toString(16).toUpperCase().padStart(8, '0') };
    case 'group':
      return { local_address: identity.group, local_port: 0, proto, local_mark: '' };
  }
}

export const ipvsMetrics: readonly Metric[] = [
  ...TRAFFIC.map(
    ([name, what, read]): Metric => ({
      name: `node_ipvs_${name}_total`,
      help: `${what}.`,
      points: fromStats((stats) => read(stats.total)),
    }),
  ),
  ...(
    [
      ['connections_active', 'Active connections of a destination.', (destination) => destination.active],
      ['connections_inactive', 'Inactive connections of a destination.', (destination) => destination.inactive],
      ['weight', 'Weight of a destination.', (destination) => destination.weight],
    ] satisfies [string, string, (destination: DestinationStats) => number][]
  ).map(
    ([name, help, read]): Metric => ({
      name: `node_ipvs_backend_${name}`,
      help,
      points: perDestination((destination, service) => [[ipvsLabels(service, destination), read(destination)]]),
    }),
  ),
];
