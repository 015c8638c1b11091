// Metrics of the data plane as a whole and of its devices.

import type { Stats } from '../../dataplane/protocol.js';
import { bool, fromStats, type Metric, one, type Point, type Sample } from './metric.js';

export const dataplaneMetrics: readonly Metric[] = [
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

export const deviceMetrics: readonly Metric[] = [
  deviceMetric('received_packets', 'Packets received from the device.', (device) => device.received),
  deviceMetric('received_bytes', 'Bytes received from the device.', (device) => device.receivedBytes),
  deviceMetric('transmitted_packets', 'Packets given to the device.', (device) => device.transmitted),
  deviceMetric('transmitted_bytes', 'Bytes given to the device.', (device) => device.transmittedBytes),
  deviceMetric('receive_lost', 'Packets lost before they could be read from the device.', (device) => device.receiveLost),
  deviceMetric('transmit_full', 'Packets that found the transmit ring of the device full.', (device) => device.transmitFull),
  deviceMetric('transmit_errors', 'Packets the device refused.', (device) => device.transmitError),
];
