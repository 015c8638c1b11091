// From configuration and health to the snapshot the data plane should hold.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { VirtualServer } from '../../control/config/model.js';
import { type HealthState, healthOf } from '../../control/health/pool.js';
import { desired } from '../../control/reconcile/desired.js';
import { config, realServer, tcpChecker, virtualServer } from '../health/models.js';

const OPTIONS = { generation: 7, held: [{ interface: 'eth0', address: '203.0.113.10', prefixLength: 32 }], graceMs: 2500 };
const ONE = realServer({ address: '10.11.12.1', port: 8080, weight: 3 });
const TWO = realServer({ address: '10.11.12.2', port: 8080, weight: 1 });
const SERVICE = virtualServer({ scheduler: 'wrr', realServers: [ONE, TWO], sorryServer: { address: '10.11.12.9', port: 81 } });

function health(service: VirtualServer, up: readonly string[], quorumUp: boolean): HealthState {
  const realServers = service.realServers.map((server) => healthOf(server, [{ up: up.includes(server.address) }]));
  return { services: [{ protocol: service.protocol, address: service.address, port: service.port, quorumUp, realServers }] };
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
        address: '203.0.113.10',
        port: 80,
        protocol: 'tcp',
        scheduler: 'wrr',
        destinations: [
          { address: '10.11.12.1', port: 8080, weight: 3 },
          { address: '10.11.12.2', port: 8080, weight: 1 },
        ],
      },
    ],
    timeouts: { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 },
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
  test('health is that of the service with the same protocol, address and port', () => {
    const udp: VirtualServer = { ...SERVICE, protocol: 'udp' };
    assert.deepEqual(weights(health(SERVICE, [], false), udp, SERVICE), [['10.11.12.1:8080=3', '10.11.12.2:8080=1'], ['10.11.12.9:81=1']]);
  });
  test('what was never checked is as it starts', () => {
    const alpha = { ...SERVICE, realServers: [{ ...ONE, checkers: [tcpChecker({ alpha: true })] }, TWO] };
    assert.deepEqual(weights({ services: [] }, alpha), [['10.11.12.2:8080=1']]);
  });
});

describe('timeouts', () => {
  const timeouts = (values: { tcpMs?: number; tcpFinMs?: number; udpMs?: number }) =>
    desired(config([], values), { services: [] }, OPTIONS).timeouts;
  test('each has a default of its own', () => {
    assert.deepEqual(timeouts({ tcpMs: 7_200_000 }), { tcpMs: 7_200_000, tcpFinMs: 120_000, udpMs: 300_000 });
    assert.deepEqual(timeouts({ tcpFinMs: 30_000, udpMs: 60_000 }), { tcpMs: 900_000, tcpFinMs: 30_000, udpMs: 60_000 });
  });
  test('0 means the default, as in IPVS', () => {
    assert.deepEqual(timeouts({ tcpMs: 0, tcpFinMs: 0, udpMs: 0 }), { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 });
  });
});
