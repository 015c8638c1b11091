// A router in full work, as one plain value: what the views and the metrics page are tested with.

import { PROFILES } from '../../control/config/timeouts.js';
import type { Status, VrrpCounters } from '../../control/status.js';
import { noCounts } from '../../control/vrrp/counters.js';
import type { ServiceStats, Stats, Traffic } from '../../dataplane/protocol.js';

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

const NO_LIMIT = { upperThreshold: 0, lowerThreshold: 0 };

export const NO_TRAFFIC: Traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };

const COUNTERS: VrrpCounters = {
  ...noCounts(),
  advertsReceived: 7,
  advertsSent: 120,
  becameMaster: 2,
  releasedMaster: 1,
  ttlErrors: 3,
  checksumErrors: 5,
  priorityZeroReceived: 1,
};

export function traffic(connections: number, packetsIn: number, packetsOut: number, bytesIn: number, bytesOut: number): Traffic {
  return { connections, packetsIn, packetsOut, bytesIn, bytesOut };
}

export const SERVICES: readonly ServiceStats[] = [
  {
    name: '[203.0.113.10]:tcp:80',
    ...traffic(30, 300, 240, 15_600, 960_000),
    destinations: [
      { address: '10.11.12.1', port: 8080, weight: 3, active: 4, inactive: 11, persistent: 0, ...traffic(20, 200, 160, 10_400, 640_000) },
      { address: '10.11.12.2', port: 8080, weight: 1, active: 0, inactive: 2, persistent: 6, ...traffic(10, 100, 80, 5_200, 320_000) },
    ],
  },
  {
    name: '[2001:db8::10]:udp:53',
    ...traffic(1, 1, 1, 60, 120),
    destinations: [{ address: 'fd00::1', port: 53, weight: 1, active: 0, inactive: 1, persistent: 0, ...traffic(1, 1, 1, 60, 120) }],
  },
];

export const STATS: Stats = {
  backend: 'af_packet',
  backendReason: 'eth0 has no XDP',
  generation: 3,
  total: traffic(31, 301, 241, 15_660, 960_120),
  services: SERVICES,
  verdicts: [
    { verdict: 'pending', fate: 'dropped', help: 'still under way', packets: 0 },
    { verdict: 'forwarded', fate: 'sent', help: 'translated and sent to a destination', packets: 301 },
    { verdict: 'returned', fate: 'sent', help: 'translated back and sent to the client', packets: 241 },
    { verdict: 'answered_reset', fate: 'answered', help: 'TCP without a flow to a service: answered with RST', packets: 2 },
    { verdict: 'malformed', fate: 'dropped', help: 'a header contradicts itself', packets: 0 },
    { verdict: 'no_flow', fate: 'dropped', help: 'from a destination, but of no flow', packets: 17 },
  ],
  received: 561,
  ended: { resetsSent: 8, halfOpenShed: 5 },
  devices: [
    {
      interface: 'eth0',
      queue: 0,
      received: 303,
      receivedBytes: 20_000,
      transmitted: 243,
      transmittedBytes: 970_000,
      transmitFull: 0,
      transmitError: 0,
      receiveLost: 0,
    },
    {
      interface: 'eth1',
      queue: 0,
      received: 258,
      receivedBytes: 970_000,
      transmitted: 301,
      transmittedBytes: 19_000,
      transmitFull: 4,
      transmitError: 0,
      receiveLost: 9,
    },
  ],
  flows: { entries: 18, capacity: 1_048_576, bytes: 117_440_512 },
  rounds: 987_654,
};

export const STATUS: Status = {
  version: '0.1.0',
  routerId: 'LVS_1',
  pid: 4321,
  startedMs: NOW_MS - (86_400 + 2 * 3_600) * 1_000,
  config: {
    file: '/etc/natlb/natlb.conf',
    lastReloadSuccessful: false,
    lastReloadSuccessMs: NOW_MS - 3_723_000,
    reloads: 4,
    failedReloads: 1,
  },
  timeouts: PROFILES.ipvs,
  instances: [
    {
      name: 'VI_public',
      interface: 'eth0',
      virtualRouterId: 51,
      family: 4,
      version: 2,
      state: 'master',
      faults: [],
      priority: 150,
      addresses: ['203.0.113.10/24'],
      group: 'VG_1',
      lastTransitionMs: NOW_MS - 65_000,
      counters: COUNTERS,
    },
    {
      name: 'VI_6',
      interface: 'eth1',
      virtualRouterId: 52,
      family: 6,
      version: 3,
      state: 'fault',
      faults: ['eth1 has no carrier'],
      priority: 100,
      addresses: ['fe80::10/64', '2001:db8::10/64'],
      lastTransitionMs: 0,
      counters: COUNTERS,
    },
  ],
  trackers: [
    { kind: 'interface', name: 'eth2', instances: ['VI_public', 'VI_6'], state: 'unwell' },
    { kind: 'script', name: 'chk_nginx', instances: ['VI_public'], state: 'well', detail: 'exit status 0' },
    { kind: 'script', name: 'chk_slow', instances: ['VI_6'], state: 'unknown' },
    { kind: 'file', name: 'drain', instances: ['VI_6'], state: 'well', value: -7 },
  ],
  virtualServers: [
    {
      name: '[203.0.113.10]:tcp:80',
      identity: { kind: 'address', protocol: 'tcp', address: '203.0.113.10', port: 80 },
      listeners: [{ address: '203.0.113.10', protocol: 'tcp', firstPort: 80, lastPort: 80 }],
      scheduler: 'wrr',
      schedulerFlags: [],
      onePacket: false,
      quorumUp: true,
      quorum: 1,
      sorryServerActive: false,
      realServers: [
        { address: '10.11.12.1', port: 8080, configuredWeight: 3, ...NO_LIMIT, up: true, checks: 100, failedChecks: 1 },
        { address: '10.11.12.2', port: 8080, configuredWeight: 1, ...NO_LIMIT, up: true, checks: 99, failedChecks: 0 },
        {
          address: '10.11.12.3',
          port: 8080,
          configuredWeight: 1,
          ...NO_LIMIT,
          up: false,
          checks: 98,
          failedChecks: 40,
          lastFailure: 'connection refused',
        },
      ],
    },
    {
      name: '[2001:db8::10]:udp:53',
      // The same address as above, spelled as an operator might.
      identity: { kind: 'address', protocol: 'udp', address: '2001:0DB8:0::0010', port: 53 },
      listeners: [{ address: '2001:db8::10', protocol: 'udp', firstPort: 53, lastPort: 53 }],
      scheduler: 'rr',
      schedulerFlags: [],
      onePacket: false,
      quorumUp: false,
      quorum: 2,
      sorryServerActive: true,
      realServers: [
        { address: 'fd00::2', port: 53, configuredWeight: 1, ...NO_LIMIT, up: false, checks: 5, failedChecks: 5, lastFailure: 'timed out' },
      ],
    },
  ],
  dataplane: {
    state: 'running',
    pid: 4322,
    restarts: 1,
    stats: STATS,
    rates: {
      total: traffic(2, 30, 24, 1_560, 96_000),
      services: [{ name: '[203.0.113.10]:tcp:80', ...traffic(2, 29, 23, 1_500, 95_900), destinations: [] }],
    },
  },
};

export function withoutDataplane(status: Status): Status {
  return { ...status, dataplane: { state: 'dead', restarts: 2 } };
}
