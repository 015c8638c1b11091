// The names and labels of the exporters keepalived's users have: mehdy/keepalived-exporter and gen2brain/keepalived_exporter. Dashboards and
// alerts made for them go on.

import type { DestinationStats, ServiceStats, Traffic } from '../../dataplane/protocol.js';
import type { InstanceStatus, VrrpCounters, VrrpState } from '../status.js';
import type { Labels, Metric, Point } from './metric.js';
import { perDestination, type ServiceName, services } from './service-name.js';

/** keepalived's numbers. */
const STATES: Readonly<Record<VrrpState, number>> = { init: 0, backup: 1, master: 2, fault: 3 };

interface Counted {
  /** mehdy's, between keepalived_ and _total. */
  readonly long: string;
  /** gen2brain's, after keepalived_vrrp_. */
  readonly short: string;
  readonly help: string;
  readonly counter: keyof VrrpCounters;
}

const COUNTED: readonly Counted[] = [
  { long: 'advertisements_received', short: 'advert_rcvd', help: 'Adverts received.', counter: 'advertsReceived' },
  { long: 'advertisements_sent', short: 'advert_sent', help: 'Adverts sent.', counter: 'advertsSent' },
  { long: 'become_master', short: 'become_master', help: 'Transitions to master.', counter: 'becameMaster' },
  { long: 'release_master', short: 'release_master', help: 'Transitions from master.', counter: 'releasedMaster' },
  { long: 'packet_length_errors', short: 'packet_len_err', help: 'Adverts of a wrong length.', counter: 'lengthErrors' },
  {
    long: 'advertisements_interval_errors',
    short: 'advert_interval_err',
    help: 'Adverts of another interval.',
    counter: 'advertIntervalErrors',
  },
  { long: 'ip_ttl_errors', short: 'ip_ttl_err', help: 'Adverts that came over a router.', counter: 'ttlErrors' },
  { long: 'invalid_type_received', short: 'invalid_type_rcvd', help: 'VRRP packets that are no adverts.', counter: 'invalidType' },
  { long: 'address_list_errors', short: 'addr_list_err', help: 'Adverts of other addresses.', counter: 'addressListErrors' },
  { long: 'authentication_invalid', short: 'invalid_authtype', help: 'Adverts of an unknown authentication.', counter: 'authInvalidType' },
  { long: 'authentication_mismatch', short: 'authtype_mismatch', help: 'Adverts of another authentication.', counter: 'authTypeMismatch' },
  { long: 'authentication_failure', short: 'auth_failure', help: 'Adverts that failed authentication.', counter: 'authFailure' },
  { long: 'priority_zero_received', short: 'pri_zero_rcvd', help: 'Resignations received.', counter: 'priorityZeroReceived' },
  { long: 'priority_zero_sent', short: 'pri_zero_sent', help: 'Resignations sent.', counter: 'priorityZeroSent' },
];

const perInstance = (points: (instance: InstanceStatus) => readonly Point[]): Metric['points'] => {
  return ({ status }) => status.instances.flatMap(points);
};

function labelsOf({ name, interface: intf, virtualRouterId }: InstanceStatus): Labels {
  return { iname: name, intf, vrid: virtualRouterId };
}

/** A series for each virtual address, on the interface it is on; one with an empty address where there is none. */
function stateMetric(name: string, help: string, addressesOf: (instance: InstanceStatus) => readonly HeldLabel[]): Metric {
  const pointsOf = (instance: InstanceStatus): readonly Point[] =>
    addressesOf(instance).map(({ address, device }) => [
      { ...labelsOf(instance), intf: device, ip_address: address },
      STATES[instance.state],
    ]);
  return { name, help, points: perInstance(pointsOf) };
}

interface HeldLabel {
  readonly address: string;
  readonly device: string;
}

function held({ addresses, interface: device }: InstanceStatus): readonly HeldLabel[] {
  return addresses.length === 0 ? [{ address: '', device }] : addresses.map((address) => ({ address, device }));
}

const vrrp: readonly Metric[] = [
  { name: 'keepalived_up', help: 'Whether there is something to be read: always 1.', points: () => [[{}, 1]] },
  stateMetric('keepalived_vrrp_state', 'State of a VRRP instance: 0 init, 1 backup, 2 master, 3 fault.', held),
  ...COUNTED.map(({ long, help, counter }): Metric => {
    return { name: `keepalived_${long}_total`, help, points: perInstance((each) => [[labelsOf(each), each.counters[counter]]]) };
  }),
  ...COUNTED.map(({ short, help, counter }): Metric => {
    const labels = ({ name, interface: intf, virtualRouterId: vrid, state }: InstanceStatus) => ({
      name,
      intf,
      vrid,
      state: STATES[state],
    });
    return { name: `keepalived_vrrp_${short}`, help, points: perInstance((each) => [[labels(each), each.counters[counter]]]) };
  }),
];

const TRAFFIC: readonly (readonly [name: string, help: string, read: (traffic: Traffic) => number])[] = [
  ['in_packets', 'Packets from clients.', ({ packetsIn }) => packetsIn],
  ['in_bytes', 'Bytes from clients.', ({ bytesIn }) => bytesIn],
  ['out_packets', 'Packets to clients.', ({ packetsOut }) => packetsOut],
  ['out_bytes', 'Bytes to clients.', ({ bytesOut }) => bytesOut],
  ['conn', 'Connections opened.', ({ connections }) => connections],
];

function vipLabels({ name, address, port, protocol }: ServiceName): Labels {
  return { addr: address === '' ? name : endpoint(address, port), proto: protocol.toUpperCase() };
}

function endpoint(address: string, port: number | ''): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** gen2brain's have no word for the service of a destination; one that is in several services would be there several times, so they are added up. */
function sumOfDestinations(read: (destination: DestinationStats) => number): Metric['points'] {
  const each = perDestination((destination, { named }) => [
    [{ addr: endpoint(destination.address, destination.port), proto: named.protocol.toUpperCase() }, read(destination)],
  ]);
  return (sample) => {
    const sums = new Map<string, readonly [Labels, number]>();
    for (const [labels, value] of each(sample)) {
      const key = `${labels.addr} ${labels.proto}`;
      sums.set(key, [labels, (sums.get(key)?.[1] ?? 0) + value]);
    }
    return [...sums.values()];
  };
}

const lvs: readonly Metric[] = TRAFFIC.flatMap(([name, help, read]): Metric[] => {
  const ofService = (stats: ServiceStats) => read(stats);
  return [
    {
      name: `keepalived_lvs_vip_${name}`,
      help: `${help.slice(0, -1)}, by service.`,
      points: (sample) => services(sample).map(({ stats, named }) => [vipLabels(named), ofService(stats)]),
    },
    { name: `keepalived_lvs_rs_${name}`, help: `${help.slice(0, -1)}, by destination.`, points: sumOfDestinations(read) },
  ];
});

export const keepalivedMetrics: readonly Metric[] = [...vrrp, ...lvs];
