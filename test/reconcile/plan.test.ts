// The plan between two snapshots: what a human reads, and that it is complete.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { VirtualServer } from '../../control/config/model.js';
import { describeOperation, type Operation, plan } from '../../control/reconcile/plan.js';
import type { Destination, Service, Snapshot } from '../../dataplane/protocol.js';
import { realServer, virtualServer } from '../health/models.js';

const TIMEOUTS = { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 };
const VS = '[203.0.113.10]:tcp:80';

function snapshot(services: readonly Service[], timeouts = TIMEOUTS): Snapshot {
  return { generation: 1, services, timeouts, held: [], graceMs: 0 };
}

/** `1:3` = 10.11.12.1 with weight 3. */
function service(destinations: string, values: Partial<Service> = {}): Service {
  return {
    address: '203.0.113.10',
    port: 80,
    protocol: 'tcp',
    scheduler: 'rr',
    destinations: destinations.split(' ').filter(Boolean).map(destination),
    ...values,
  };
}

function destination(words: string): Destination {
  const [host, weight] = words.split(':');
  return { address: `10.11.12.${host}`, port: 80, weight: Number(weight) };
}

interface Row {
  readonly name: string;
  readonly applied: readonly Service[];
  readonly wanted: readonly Service[];
  readonly config?: VirtualServer;
  readonly plan: readonly string[];
}

const SORRY = { sorryServer: { address: '10.11.12.9', port: 80 } };
const INHIBITED = virtualServer({ realServers: [realServer({ weight: 3, inhibitOnFailure: true })] });

const ROWS: readonly Row[] = [
  { name: 'nothing changes', applied: [service('1:1')], wanted: [service('1:1')], plan: [] },
  { name: 'a server comes', applied: [service('')], wanted: [service('1:1')], plan: [`Adding service [10.11.12.1]:tcp:80 to VS ${VS}`] },
  { name: 'a server goes', applied: [service('1:1')], wanted: [service('')], plan: [`Removing service [10.11.12.1]:tcp:80 from VS ${VS}`] },
  {
    name: 'a weight changes',
    applied: [service('1:1')],
    wanted: [service('1:5')],
    plan: [`Changing weight from 1 to 5 for active service [10.11.12.1]:tcp:80 of VS ${VS}`],
  },
  {
    name: 'a weight of 0 is a weight where nothing is inhibited',
    applied: [service('1:1')],
    wanted: [service('1:0')],
    config: virtualServer({ realServers: [realServer({ weight: 0 })] }),
    plan: [`Changing weight from 1 to 0 for active service [10.11.12.1]:tcp:80 of VS ${VS}`],
  },
  {
    name: 'a server is inhibited',
    applied: [service('1:3')],
    wanted: [service('1:0')],
    config: INHIBITED,
    plan: [`Disabling service [10.11.12.1]:tcp:80 of VS ${VS}`],
  },
  {
    name: 'an inhibited server returns',
    applied: [service('1:0')],
    wanted: [service('1:3')],
    config: INHIBITED,
    plan: [`Enabling service [10.11.12.1]:tcp:80 of VS ${VS}`],
  },
  {
    name: 'the weight of a server that could be inhibited changes',
    applied: [service('1:1')],
    wanted: [service('1:3')],
    config: INHIBITED,
    plan: [`Changing weight from 1 to 3 for active service [10.11.12.1]:tcp:80 of VS ${VS}`],
  },
  {
    name: 'the sorry server comes',
    applied: [service('1:1')],
    wanted: [service('9:1')],
    config: virtualServer({ ...SORRY, realServers: [realServer({})] }),
    plan: [`Removing service [10.11.12.1]:tcp:80 from VS ${VS}`, `Adding sorry server [10.11.12.9]:tcp:80 to VS ${VS}`],
  },
  {
    name: 'the sorry server goes',
    applied: [service('9:1')],
    wanted: [service('1:1')],
    config: virtualServer({ ...SORRY, realServers: [realServer({})] }),
    plan: [`Removing sorry server [10.11.12.9]:tcp:80 from VS ${VS}`, `Adding service [10.11.12.1]:tcp:80 to VS ${VS}`],
  },
  {
    name: 'a sorry server that is a real server too is told as one',
    applied: [service('1:1')],
    wanted: [service('9:1')],
    config: virtualServer({ ...SORRY, realServers: [realServer({}), realServer({ address: '10.11.12.9' })] }),
    plan: [`Removing service [10.11.12.1]:tcp:80 from VS ${VS}`, `Adding service [10.11.12.9]:tcp:80 to VS ${VS}`],
  },
  {
    name: 'an inhibited sorry server is enabled',
    applied: [service('9:0')],
    wanted: [service('9:1')],
    config: virtualServer({ ...SORRY, sorryServerInhibit: true }),
    plan: [`Enabling sorry server [10.11.12.9]:tcp:80 of VS ${VS}`],
  },
  {
    name: 'the scheduler changes',
    applied: [service('1:1')],
    wanted: [service('1:1', { scheduler: 'wrr' })],
    plan: [`Changing scheduler from rr to wrr for VS ${VS}`],
  },
  {
    name: 'a service comes with its servers',
    applied: [],
    wanted: [service('1:1 2:1')],
    plan: [
      `Adding Virtual Server ${VS}`,
      `Adding service [10.11.12.1]:tcp:80 to VS ${VS}`,
      `Adding service [10.11.12.2]:tcp:80 to VS ${VS}`,
    ],
  },
  { name: 'a service goes with all it has', applied: [service('1:1')], wanted: [], plan: [`Removing Virtual Server ${VS}`] },
  {
    name: 'a service of another protocol is another service',
    applied: [service('')],
    wanted: [service('', { protocol: 'udp' })],
    plan: [`Removing Virtual Server ${VS}`, 'Adding Virtual Server [203.0.113.10]:udp:80'],
  },
];

describe('plans', () => {
  for (const row of ROWS) {
    test(row.name, () => {
      const operations = plan(snapshot(row.wanted), snapshot(row.applied), row.config && [row.config]);
      assert.deepEqual(operations.map(describeOperation), row.plan);
    });
  }

  test('from nothing everything is added', () => {
    assert.deepEqual(plan(snapshot([service('1:1')]), undefined).map(describeOperation), [
      `Adding Virtual Server ${VS}`,
      `Adding service [10.11.12.1]:tcp:80 to VS ${VS}`,
    ]);
  });

  test('timeouts change', () => {
    const operations = plan(snapshot([], { ...TIMEOUTS, udpMs: 30_000 }), snapshot([]));
    assert.deepEqual(operations.map(describeOperation), ['Changing timeouts (tcp tcpfin udp) from 900 120 300 to 900 120 30']);
  });
});

const PLAIN = { noNullPrototype: true };
const destinations = fc.record(
  { address: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'), port: fc.constantFrom(80, 81), weight: fc.integer({ min: 0, max: 2 }) },
  PLAIN,
);
const services: fc.Arbitrary<Service[]> = fc.uniqueArray(
  fc.record(
    {
      address: fc.constantFrom('203.0.113.10', '2001:db8::10'),
      port: fc.integer({ min: 1, max: 3 }),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const),
      scheduler: fc.constantFrom('rr', 'wrr'),
      destinations: fc.uniqueArray(destinations, { selector: endpoint }),
    },
    PLAIN,
  ),
  { selector: identity },
);

describe('properties of every plan', () => {
  test('carried out, it leads from what is applied to what is wanted', () => {
    fc.assert(
      fc.property(services, services, (wanted, applied) => {
        const operations = plan(snapshot(wanted), snapshot(applied));
        assert.deepEqual(sorted(operations.reduce(carryOut, applied)), sorted(wanted));
      }),
    );
  });

  test('it is empty exactly when nothing differs, and each of its operations is one line', () => {
    fc.assert(
      fc.property(services, services, (wanted, applied) => {
        const operations = plan(snapshot(wanted), snapshot(applied));
        assert.deepEqual(plan(snapshot(wanted), snapshot(wanted)), []);
        assert.equal(operations.length === 0, JSON.stringify(sorted(wanted)) === JSON.stringify(sorted(applied)));
        for (const operation of operations) assert.match(describeOperation(operation), /^[^\n]+$/);
      }),
    );
  });
});

function carryOut(held: readonly Service[], operation: Operation): Service[] {
  if (operation.kind === 'set timeouts') return [...held];
  const id = identity(operation.service);
  if (operation.kind === 'remove service') return held.filter((one) => identity(one) !== id);
  if (operation.kind === 'add service') return [...held, { ...operation.service, destinations: [] }];
  return held.map((one) => (identity(one) === id ? change(one, operation) : one));
}

function change(held: Service, operation: Exclude<Operation, { kind: 'set timeouts' | 'remove service' | 'add service' }>): Service {
  if (operation.kind === 'change scheduler') return { ...held, scheduler: operation.to };
  const others = held.destinations.filter((one) => endpoint(one) !== endpoint(operation.destination));
  return { ...held, destinations: operation.kind === 'remove destination' ? others : [...others, operation.destination] };
}

function sorted(list: readonly Service[]): Service[] {
  const byText = (one: object, other: object): number => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
  return list
    .map(({ address, port, protocol, scheduler, destinations }) => ({
      address,
      port,
      protocol,
      scheduler,
      destinations: [...destinations].sort(byText),
    }))
    .sort(byText);
}

function identity({ protocol, address, port }: Service): string {
  return `${protocol} ${address} ${port}`;
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address} ${port}`;
}
