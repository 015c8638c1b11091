// What stands on /metrics: one row per metric, each a function of one sample. A fresh registry per scrape, so what is gone leaves no series.
// Names follow the Prometheus rules; the node_ipvs_* rows are node_exporter's own names and labels, for dashboards that exist.

import { Counter, Gauge, Registry } from 'prom-client';
import type { DestinationStats, ServiceIdentity, ServiceStats, Stats, Traffic } from '../../dataplane/protocol.js';
import type { InstanceStatus, RealServerStatus, Status, VirtualServerStatus, VrrpCounters, VrrpState } from '../status.js';

export interface ProcessReading {
  readonly userCpuSeconds: number;
  readonly systemCpuSeconds: number;
  readonly residentBytes: number;
  readonly openFiles: number;
  readonly openFilesLimit: number;
  readonly nodeVersion: string;
  /** Longest time the event loop that keeps the VRRP timers was late, within about the last minute. */
  readonly loopLagSeconds: number;
}

export interface Sample {
  readonly status: Status;
  readonly process: ProcessReading;
}

type Labels = Readonly<Record<string, string | number>>;
type Point = readonly [labels: Labels, value: number];

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly points: (sample: Sample) => readonly Point[];
}

/** A name that ends in _total is a counter, every other a gauge. A metric without a point is left out: unknown is not zero. */
export function collect(sample: Sample): Registry {
  const registry = new Registry();
  for (const metric of METRICS) register(registry, metric, metric.points(sample));
  return registry;
}

function register(registry: Registry, { name, help }: Metric, points: readonly Point[]): void {
  const [first] = points;
  if (first === undefined) return;
  const options = { name, help, labelNames: Object.keys(first[0]), registers: [registry] };
  const add = name.endsWith('_total') ? adderOf(new Counter(options)) : adderOf(new Gauge(options));
  for (const [labels, value] of points) add(labels, value);
}

function adderOf(metric: Counter | Gauge): (labels: Labels, value: number) => void {
  return (labels, value) => metric.inc(labels, value);
}

function one(read: (sample: Sample) => number | undefined): Metric['points'] {
  return (sample) => {
    const value = read(sample);
    return value === undefined ? [] : [[{}, value]];
  };
}

function fromStats(read: (stats: Stats) => number): Metric['points'] {
  return one(({ status }) => (status.dataplane.stats === undefined ? undefined : read(status.dataplane.stats)));
}

const bool = (value: boolean): number => (value ? 1 : 0);
const seconds = (ms: number): number => ms / 1000;

const programMetrics: readonly Metric[] = [
  {
    name: 'natlb_build_info',
    help: 'What is running; the value is always 1.',
    points: ({ status, process }) => [[{ version: status.version, node_version: process.nodeVersion }, 1]],
  },
  {
    name: 'natlb_event_loop_lag_seconds',
    help: 'Longest delay of the event loop that keeps the VRRP timers, within about the last minute.',
    points: one(({ process }) => process.loopLagSeconds),
  },
  {
    name: 'natlb_config_last_reload_successful',
    help: 'Whether the last reload of the configuration succeeded.',
    points: one(({ status }) => bool(status.config.lastReloadSuccessful)),
  },
  {
    name: 'natlb_config_last_reload_success_timestamp_seconds',
    help: 'When the configuration in force was loaded.',
    points: one(({ status }) => seconds(status.config.lastReloadSuccessMs)),
  },
  { name: 'natlb_config_reloads_total', help: 'Reloads asked for.', points: one(({ status }) => status.config.reloads) },
  {
    name: 'natlb_config_reload_failures_total',
    help: 'Reloads that failed and left the configuration as it was.',
    points: one(({ status }) => status.config.failedReloads),
  },
];

const processMetrics: readonly Metric[] = [
  {
    name: 'process_cpu_user_seconds_total',
    help: 'Processor time of the control process in user mode.',
    points: one(({ process }) => process.userCpuSeconds),
  },
  {
    name: 'process_cpu_system_seconds_total',
    help: 'Processor time of the control process in the kernel.',
    points: one(({ process }) => process.systemCpuSeconds),
  },
  {
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the control process.',
    points: one(({ process }) => process.userCpuSeconds + process.systemCpuSeconds),
  },
  {
    name: 'process_start_time_seconds',
    help: 'When the control process started.',
    points: one(({ status }) => seconds(status.startedMs)),
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the control process.',
    points: one(({ process }) => process.residentBytes),
  },
  { name: 'process_open_fds', help: 'Open files of the control process.', points: one(({ process }) => process.openFiles) },
  { name: 'process_max_fds', help: 'Open files the control process may have.', points: one(({ process }) => process.openFilesLimit) },
];

const dataplaneMetrics: readonly Metric[] = [
  {
    name: 'natlb_dataplane_up',
    help: 'Whether the data plane process is running.',
    points: one(({ status }) => bool(status.dataplane.state === 'running')),
  },
  {
    name: 'natlb_dataplane_restarts_total',
    help: 'Times the data plane process ended unasked and was started again.',
    points: one(({ status }) => status.dataplane.restarts),
  },
  {
    name: 'natlb_dataplane_info',
    help: 'How the data plane exchanges packets with the devices; the value is always 1.',
    points: ({ status }) => (status.dataplane.stats === undefined ? [] : [[{ backend: status.dataplane.stats.backend }, 1]]),
  },
  {
    name: 'natlb_worker_rounds_total',
    help: 'Rounds of the loop of the worker; a number that stands still is a worker that stands still.',
    points: fromStats((stats) => stats.rounds),
  },
  { name: 'natlb_flows', help: 'Flows in the table.', points: fromStats((stats) => stats.flows.entries) },
  { name: 'natlb_flows_max', help: 'Flows the table has room for.', points: fromStats((stats) => stats.flows.capacity) },
  { name: 'natlb_flow_table_bytes', help: 'Memory of the flow table.', points: fromStats((stats) => stats.flows.bytes) },
  {
    name: 'natlb_resets_sent_total',
    help: 'RSTs sent to the ends of flows that were given up.',
    points: fromStats(({ ended }) => ended.resetsSent),
  },
  {
    name: 'natlb_half_open_shed_total',
    help: 'Half-open flows given up to make room for others.',
    points: fromStats(({ ended }) => ended.halfOpenShed),
  },
  {
    name: 'natlb_packets_received_total',
    help: 'Packets received; the sum of natlb_packets_total over its verdicts.',
    points: fromStats((stats) => stats.received),
  },
  {
    name: 'natlb_packets_total',
    help: 'Packets by what finally happened to them.',
    points: ({ status }) => (status.dataplane.stats?.verdicts ?? []).map(({ verdict, fate, packets }) => [{ verdict, fate }, packets]),
  },
];

function deviceMetric(name: string, help: string, read: (device: Stats['devices'][number]) => number): Metric {
  const points = ({ status }: Sample): readonly Point[] =>
    (status.dataplane.stats?.devices ?? []).map((device) => [{ device: device.interface, queue: device.queue }, read(device)]);
  return { name: `natlb_device_${name}_total`, help, points };
}

const deviceMetrics: readonly Metric[] = [
  deviceMetric('received_packets', 'Packets received from the device.', (device) => device.received),
  deviceMetric('received_bytes', 'Bytes received from the device.', (device) => device.receivedBytes),
  deviceMetric('transmitted_packets', 'Packets given to the device.', (device) => device.transmitted),
  deviceMetric('transmitted_bytes', 'Bytes given to the device.', (device) => device.transmittedBytes),
  deviceMetric('receive_lost', 'Packets lost before they could be read from the device.', (device) => device.receiveLost),
  deviceMetric('transmit_full', 'Packets that found the transmit ring of the device full.', (device) => device.transmitFull),
  deviceMetric('transmit_errors', 'Packets the device refused.', (device) => device.transmitError),
];

/** `service` alone tells one from another; address and port are empty where a service is more than one. */
interface ServiceName {
  readonly name: string;
  readonly address: string;
  readonly port: number | '';
  readonly protocol: string;
}

/** A service with its counters and what it is called by. */
interface CountedService {
  readonly stats: ServiceStats;
  readonly identity: ServiceIdentity;
  readonly named: ServiceName;
}

function serviceName({ name, identity }: VirtualServerStatus): ServiceName {
  switch (identity.kind) {
    case 'address':
      return { name, address: respelled(identity).address, port: identity.port, protocol: identity.protocol };
    case 'fwmark':
      return { name, address: '', port: '', protocol: 'fwm' };
    case 'group':
      return { name, address: '', port: '', protocol: identity.protocol };
  }
}

function serviceLabels({ name, address, port, protocol }: ServiceName): Labels {
  return { service: name, virtual_address: address, virtual_port: port, proto: protocol };
}

// Written out, not spread from serviceLabels: spreading was the largest single cost of a page with thousands of series.
function destinationLabels(service: ServiceName, { address, port }: { readonly address: string; readonly port: number }): Labels {
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

const perDestination: Destinations = (read) => (sample) =>
  services(sample).flatMap((service) => service.stats.destinations.flatMap((destination) => read(destination, service)));

/** Between two looks a service may have come or gone: only what both configuration and data plane know has counters. */
function services({ status }: Sample): readonly CountedService[] {
  const configured = new Map(status.virtualServers.map((server) => [server.name, server]));
  return (status.dataplane.stats?.services ?? []).flatMap((stats) => {
    const server = configured.get(stats.name);
    return server === undefined ? [] : [{ stats, identity: server.identity, named: serviceName(server) }];
  });
}

const TRAFFIC: readonly (readonly [name: string, what: string, read: (traffic: Traffic) => number])[] = [
  ['connections', 'Connections opened', (traffic) => traffic.connections],
  ['incoming_packets', 'Packets from clients', (traffic) => traffic.packetsIn],
  ['outgoing_packets', 'Packets to clients', (traffic) => traffic.packetsOut],
  ['incoming_bytes', 'Bytes from clients', (traffic) => traffic.bytesIn],
  ['outgoing_bytes', 'Bytes to clients', (traffic) => traffic.bytesOut],
];

const trafficMetrics: readonly Metric[] = TRAFFIC.flatMap(([name, what, read]): Metric[] => [
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

const destinationMetrics: readonly Metric[] = [
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

// The operator's spelling of an IPv6 address becomes the data plane's, or the two kinds of series could not be joined.
function respelled<T extends { readonly address: string }>(value: T): T {
  const { address } = value;
  return address.includes(':') ? { ...value, address: new URL(`http://[${address}]`).hostname.slice(1, -1) } : value;
}

const healthMetrics: readonly Metric[] = [
  serverMetric('natlb_service_quorum_up', 'Whether the service has its quorum.', (server) => bool(server.quorumUp)),
  serverMetric('natlb_service_quorum', 'Sum of weights the service needs to be up.', (server) => server.quorum),
  serverMetric('natlb_service_sorry_server_active', 'Whether the sorry server stands in.', (server) => bool(server.sorryServerActive)),
  realServerMetric('natlb_destination_up', 'Whether the health checks of a destination pass.', (real) => bool(real.up)),
  realServerMetric('natlb_destination_configured_weight', 'Weight in the configuration.', (real) => real.configuredWeight),
  realServerMetric('natlb_destination_checks_total', 'Health checks made.', (real) => real.checks),
  realServerMetric('natlb_destination_failed_checks_total', 'Health checks that failed.', (real) => real.failedChecks),
];

function instanceLabels({ name, interface: device, virtualRouterId }: InstanceStatus): Labels {
  return { instance: name, interface: device, vrid: virtualRouterId };
}

function instanceMetric(name: string, help: string, read: (instance: InstanceStatus) => number): Metric {
  return { name, help, points: ({ status }) => status.instances.map((instance) => [instanceLabels(instance), read(instance)]) };
}

const VRRP_STATES: readonly VrrpState[] = ['init', 'backup', 'master', 'fault'];

/** Label value → the counter behind it. */
const ADVERT_ERRORS: Readonly<Record<string, keyof VrrpCounters>> = {
  length: 'lengthErrors',
  ttl: 'ttlErrors',
  invalid_type: 'invalidType',
  advert_interval: 'advertIntervalErrors',
  address_list: 'addressListErrors',
  checksum: 'checksumErrors',
  version: 'versionErrors',
  unknown_vrid: 'unknownVrid',
  auth_invalid_type: 'authInvalidType',
  auth_type_mismatch: 'authTypeMismatch',
  auth_failure: 'authFailure',
};

const vrrpMetrics: readonly Metric[] = [
  {
    name: 'natlb_vrrp_state',
    help: 'State of a VRRP instance: 1 for the state it is in, 0 for the others.',
    points: ({ status }) =>
      status.instances.flatMap((instance) =>
        VRRP_STATES.map((state): Point => [{ ...instanceLabels(instance), state }, bool(state === instance.state)]),
      ),
  },
  instanceMetric('natlb_vrrp_priority', 'Priority a VRRP instance has now.', ({ priority }) => priority),
  instanceMetric(
    'natlb_vrrp_last_transition_timestamp_seconds',
    'When the state of a VRRP instance last changed; 0 = never.',
    ({ lastTransitionMs }) => seconds(lastTransitionMs),
  ),
  instanceMetric('natlb_vrrp_adverts_received_total', 'Adverts received.', ({ counters }) => counters.advertsReceived),
  instanceMetric('natlb_vrrp_adverts_sent_total', 'Adverts sent.', ({ counters }) => counters.advertsSent),
  instanceMetric('natlb_vrrp_became_master_total', 'Transitions to master.', ({ counters }) => counters.becameMaster),
  instanceMetric('natlb_vrrp_released_master_total', 'Transitions from master.', ({ counters }) => counters.releasedMaster),
  instanceMetric('natlb_vrrp_priority_zero_received_total', 'Adverts received by which a master resigned.', (instance) => {
    return instance.counters.priorityZeroReceived;
  }),
  instanceMetric('natlb_vrrp_priority_zero_sent_total', 'Adverts sent to resign as master.', ({ counters }) => counters.priorityZeroSent),
  {
    name: 'natlb_vrrp_advert_errors_total',
    help: 'Adverts with something wrong, by reason.',
    points: ({ status }) =>
      status.instances.flatMap((instance) =>
        Object.entries(ADVERT_ERRORS).map(
          ([reason, counter]): Point => [{ ...instanceLabels(instance), reason }, instance.counters[counter]],
        ),
      ),
  },
];

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

const ipvsMetrics: readonly Metric[] = [
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

export const METRICS: readonly Metric[] = [
  ...programMetrics,
  ...processMetrics,
  ...dataplaneMetrics,
  ...deviceMetrics,
  ...trafficMetrics,
  ...destinationMetrics,
  ...healthMetrics,
  ...vrrpMetrics,
  ...ipvsMetrics,
];
