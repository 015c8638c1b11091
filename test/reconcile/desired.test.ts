// From configuration and health to the snapshot the data plane should hold.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { VirtualServer } from '../../control/config/model.js';
import { PROFILES } from '../../control/config/timeouts.js';
import { type HealthState, healthOf } from '../../control/health/pool.js';
import { desired } from '../../control/reconcile/desired.js';
import { config, realServer, tcpChecker, virtualServer } from '../health/models.js';

const OPTIONS = { generation: 7, held: [{ interface: 'eth0', address: '203.0.113.10', prefixLength: 32 }], graceMs: 2500 };
const ONE = realServer({ address: '10.11.12.1', port: 8080, weight: 3 });
const TWO = realServer({ address: '10.11.12.2', port: 8080, weight: 1 });
const SERVICE = virtualServer({ scheduler: 'wrr', realServers: [ONE, TWO], sorryServer: { address: '10.11.12.9', port: 81 } });

function health(service: VirtualServer, up: readonly string[], quorumUp: boolean): HealthState {
  const realServers = service.realServers.map((server) => healthOf(server, [{ up: up.includes(server.address) }]));
  return { services: [{ name: service.name, quorumUp, realServers }] };
}

function weights(state: HealthState, ...services: VirtualServer[]): string[][] {
  const snapshot = desired(config(services), state, OPTIONS);
  return snapshot.services.map(({ destinations }) => destinations.map(({ address, port, weight }) => `${address}:${port}=${weight}`));
}

test('a snapshot carries everything, and nothing of the configuration besides', () => {
  assert.deepEqual(desired(config([SERVICE]), health(SERVICE, ['10.11.12.1', '10.11.12.2'], true), OPTIONS), {
    generation: 7,
    services: [
      {
        name: '[203.0.113.10]:tcp:80',
        identity: { kind: 'address', protocol: 'tcp', address: '203.0.113.10', port: 80 },
        listeners: [{ address: '203.0.113.10', protocol: 'tcp', firstPort: 80, lastPort: 80 }],
        scheduler: 'wrr',
        schedulerFlags: [],
        onePacket: false,
        timeouts: {},
        noDestination: 'default',
        resets: true,
        sloppy: 'never',
        destinations: [
          { address: '10.11.12.1', port: 8080, weight: 3 },
          { address: '10.11.12.2', port: 8080, weight: 1 },
        ],
      },
    ],
    timeouts: PROFILES.rfc,
    takeoverMs: 10_000,
    halfOpen: { service: 250, source: 15 },
    held: OPTIONS.held,
    graceMs: 2500,
  });
});

describe('destinations', () => {
  test('a server that is down is absent', () => {
    assert.deepEqual(weights(health(SERVICE, ['10.11.12.2'], true), SERVICE), [['10.11.12.2:8080=1']]);
  });
  test('without a quorum there is only the sorry server', () => {
    assert.deepEqual(weights(health(SERVICE, ['10.11.12.2'], false), SERVICE), [['10.11.12.9:81=1']]);
  });
  test('health is that of the service with the same name', () => {
    const udp: VirtualServer = { ...SERVICE, name: '[203.0.113.10]:udp:80' };
    assert.deepEqual(weights(health(SERVICE, [], false), udp, SERVICE), [['10.11.12.1:8080=3', '10.11.12.2:8080=1'], ['10.11.12.9:81=1']]);
  });
  test('what was never checked is as it starts', () => {
    const alpha = { ...SERVICE, realServers: [{ ...ONE, checkers: [tcpChecker({ alpha: true })] }, TWO] };
    assert.deepEqual(weights({ services: [] }, alpha), [['10.11.12.2:8080=1']]);
  });
});

test('what a service says of itself goes along', () => {
  const values: Partial<VirtualServer> = {
    schedulerFlags: ['sh-port'],
    persistence: { timeoutMs: 360_000, prefixLength: 24 },
    helper: 'ftp',
    timeouts: { ESTABLISHED: 60_000 },
    noDestination: 'drop',
    resets: false,
    sloppy: 'takeover',
  };
  const limited = realServer({ weight: 2, upperThreshold: 100, lowerThreshold: 80 });
  const [service] = desired(config([virtualServer({ ...values, realServers: [limited] })]), { services: [] }, OPTIONS).services;
  assert.deepEqual({ ...service, ...values }, service);
  assert.deepEqual(service?.destinations, [{ address: '10.11.12.1', port: 80, weight: 2, upperThreshold: 100, lowerThreshold: 80 }]);
});

test('a server of weight 0 that goes down is another destination, though its weight stays', () => {
  const idle = { ...SERVICE, realServers: [realServer({ address: '10.11.12.1', weight: 0, inhibitOnFailure: true }), TWO] };
  const [before, wanted] = [new WeakMap(), config([idle])];
  const destinationsWith = (up: readonly string[]) => desired(wanted, health(idle, up, true), OPTIONS, before).services[0]?.destinations[0];
  assert.deepEqual(destinationsWith(['10.11.12.1', '10.11.12.2']), { address: '10.11.12.1', port: 80, weight: 0 });
  assert.deepEqual(destinationsWith(['10.11.12.2']), { address: '10.11.12.1', port: 80, weight: 0, down: true });
});
