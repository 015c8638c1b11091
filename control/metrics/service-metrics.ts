// Metrics of services and destinations: their traffic, their flows, their health.

import type { RealServerStatus, VirtualServerStatus } from '../status.js';
import { bool, type Metric, type Point } from './metric.js';
import { destinationLabels, perDestination, respelled, serviceLabels, serviceName, services, TRAFFIC } from './service-name.js';

export const trafficMetrics: readonly Metric[] = TRAFFIC.flatMap(([name, what, read]): Metric[] => [
  {
    name: `natlb_service_${name}_total`,
    help: `${what}, by service.`,
    points: (sample) => services(sample).map(({ stats, named }) => [serviceLabels(named), read(stats)]),
  },
  {
    name: `natlb_destination_${name}_total`,
    help: `${what}, by destination.`,
    points: perDestination((destination, { named }) => [[destinationLabels(named, destination), read(destination)]]),
  },
]);

export const destinationMetrics: readonly Metric[] = [
  {
    name: 'natlb_destination_flows',
    help: 'Flows of a destination: active ones carry a connection that is established, persistent ones keep a client with it.',
    points: perDestination((destination, { named }) => [
      [{ ...destinationLabels(named, destination), state: 'active' }, destination.active],
      [{ ...destinationLabels(named, destination), state: 'inactive' }, destination.inactive],
      [{ ...destinationLabels(named, destination), state: 'persistent' }, destination.persistent],
    ]),
  },
  {
    name: 'natlb_destination_weight',
    help: 'Weight of a destination as the data plane has it; 0 = no new flows.',
    points: perDestination((destination, { named }) => [[destinationLabels(named, destination), destination.weight]]),
  },
];

function serverMetric(name: string, help: string, read: (server: VirtualServerStatus) => number): Metric {
  return { name, help, points: ({ status }) => status.virtualServers.map((server) => [serviceLabels(serviceName(server)), read(server)]) };
}

function realServerMetric(name: string, help: string, read: (real: RealServerStatus) => number): Metric {
  const pointsOf = (server: VirtualServerStatus): readonly Point[] => {
    const service = serviceName(server);
    return server.realServers.map((real) => [destinationLabels(service, respelled(real)), read(real)]);
  };
  return { name, help, points: ({ status }) => status.virtualServers.flatMap(pointsOf) };
}

export const healthMetrics: readonly Metric[] = [
  serverMetric('natlb_service_quorum_up', 'Whether the service has its quorum.', (server) => bool(server.quorumUp)),
  serverMetric('natlb_service_quorum', 'Sum of weights the service needs to be up.', (server) => server.quorum),
  serverMetric('natlb_service_sorry_server_active', 'Whether the sorry server stands in.', (server) => bool(server.sorryServerActive)),
  realServerMetric('natlb_destination_up', 'Whether the health checks of a destination pass.', (real) => bool(real.up)),
  realServerMetric('natlb_destination_configured_weight', 'Weight in the configuration.', (real) => real.configuredWeight),
  realServerMetric('natlb_destination_checks_total', 'Health checks made.', (real) => real.checks),
  realServerMetric('natlb_destination_failed_checks_total', 'Health checks that failed.', (real) => real.failedChecks),
];
