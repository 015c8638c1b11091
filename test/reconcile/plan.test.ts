// The plan between two snapshots: what a human reads, and that it is complete.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { VirtualServer } from '../../control/config/model.js';
import { nameOf } from '../../control/config/service-name.js';
import { describeOperation, type Operation, plan } from '../../control/reconcile/plan.js';
import type { Destination, Service, ServiceIdentity, Snapshot } from '../../dataplane/protocol.js';
import { realServer, virtualServer } from '../health/models.js';

const VS = '[203.0.113.10]:tcp:80';

function snapshot(services: readonly Service[], values: Partial<Snapshot> = {}): Snapshot {
  const halfOpen = { service: 100, source: 10 };
  return {
    generation: 1,
    services,
    timeouts: { UDP: 300_000, CLOSE: 10_000 },
    takeoverMs: 10_000,
    halfOpen,
    held: [],
    graceMs: 0,
    ...values,
  };
}

/** `1:3` = 10.11.12.1 with weight 3, `1:3:9` with at most nine flows. */
function service(destinations: string, values: Partial<Service> = {}): Service {
  return serviceOf(
    { kind: 'address', protocol: 'tcp', address: '203.0.113.10', port: 80 },
    { destinations: destinations.split(' ').filter(Boolean).map(destination), ...values },
  );
}

function serviceOf(identity: Extract<ServiceIdentity, { kind: 'address' }>, values: Partial<Service>): Service {
  const { protocol, address, port } = identity;
  return {
    name: nameOf(identity),
    identity,
    listeners: [{ address, protocol, firstPort: port, lastPort: port }],
    scheduler: 'rr',
    schedulerFlags: [],
    onePacket: false,
    timeouts: {},
    noDestination: 'default',
    resets: true,
    sloppy: 'never',
    destinations: [],
    ...values,
  };
}

function destination(words: string): Destination {
  const [host, weight, limit] = words.split(':');
  return {
    address: `10.11.12.${host}`,
    port: 80,
    weight: Number(weight),
    ...(limit === undefined ? {} : { upperThreshold: Number(limit) }),
  };
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

const HTTPS = { address: '203.0.113.10', protocol: 'tcp', firstPort: 8000, lastPort: 8999 } as const;

/** What a service has besides its destinations: name of the row, the new values, what is said. */
const ASPECTS: readonly (readonly [string, Partial<Service>, string])[] = [
  ['listeners come', { listeners: [HTTPS] }, 'listeners from [203.0.113.10]:tcp:80 to [203.0.113.10]:tcp:8000-8999'],
  ['the scheduler changes', { scheduler: 'wrr' }, 'scheduler from rr to wrr'],
  ['flags come', { schedulerFlags: ['sh-port', 'sh-fallback'] }, 'scheduler flags from none to sh-port,sh-fallback'],
  ['one-packet scheduling comes', { onePacket: true }, 'one-packet scheduling from off to on'],
  ['persistence comes', { persistence: { timeoutMs: 360_000, prefixLength: 24 } }, 'persistence from none to 360 s a /24'],
  ['a helper comes', { helper: 'ftp' }, 'helper from none to ftp'],
  ['timeouts of its own come', { timeouts: { UDP: 30_000 } }, 'timeouts from UDP as for all to UDP 30 s'],
  ['it answers otherwise', { noDestination: 'drop' }, 'answer without a destination from default to drop'],
  ['resets go', { resets: false }, 'resets from on to off'],
  ['it takes up flows', { sloppy: 'always' }, 'sloppy from never to always'],
];

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
  ...ASPECTS.map(
    ([name, values, said]): Row => ({
      name,
      applied: [service('1:1')],
      wanted: [service('1:1', values)],
      plan: [`Changing ${said} for VS ${VS}`],
    }),
  ),
  {
    name: 'a limit comes',
    applied: [service('1:1')],
    wanted: [service('1:1:9')],
    plan: [`Changing thresholds from 0/0 to 9/0 for service [10.11.12.1]:tcp:80 of VS ${VS}`],
  },
  {
    name: 'a service of a mark is named by it',
    applied: [],
    wanted: [service('1:1', { name: 'FWM 80', identity: { kind: 'fwmark', mark: 80, family: 4 } })],
    plan: ['Adding Virtual Server FWM 80', 'Adding service [10.11.12.1]:none:80 to VS FWM 80'],
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
    wanted: [serviceOf({ kind: 'address', protocol: 'udp', address: '203.0.113.10', port: 80 }, {})],
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

  const SETTINGS: readonly (readonly [Partial<Snapshot>, string])[] = [
    [{ timeouts: { UDP: 30_000, CLOSE: 10_000 } }, 'Changing timeouts from UDP 300 s to UDP 30 s'],
    [{ takeoverMs: 0 }, 'Changing takeover window from 10 s to 0 s'],
    [{ halfOpen: { service: 5, source: 0 } }, 'Changing limit of half-open flows from 100 (10 a source) to 5 (0 a source)'],
  ];
  for (const [values, said] of SETTINGS) {
    test(said, () => assert.deepEqual(plan(snapshot([], values), snapshot([])).map(describeOperation), [said]));
  }
});

const PLAIN = { noNullPrototype: true };
const destinations = fc.record(
  {
    address: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'),
    port: fc.constantFrom(80, 81),
    weight: fc.integer({ min: 0, max: 2 }),
    upperThreshold: fc.integer({ min: 0, max: 1 }),
  },
  PLAIN,
);
const services: fc.Arbitrary<Service[]> = fc.uniqueArray(
  fc
    .tuple(
      fc.record(
        {
          kind: fc.constant('address' as const),
          address: fc.constantFrom('203.0.113.10', '2001:db8::10'),
          port: fc.integer({ min: 1, max: 3 }),
          protocol: fc.constantFrom('tcp' as const, 'udp' as const),
        },
        PLAIN,
      ),
      fc.record(
        {
          scheduler: fc.constantFrom('rr', 'wrr'),
          resets: fc.boolean(),
          sloppy: fc.constantFrom('never' as const, 'takeover' as const),
          destinations: fc.uniqueArray(destinations, { selector: endpoint }),
        },
        PLAIN,
      ),
    )
    .map(([identity, values]) => serviceOf(identity, values)),
  { selector: ({ name }) => name },
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
  if (operation.kind === 'set') return [...held];
  const { name } = operation.service;
  if (operation.kind === 'remove service') return held.filter((one) => one.name !== name);
  if (operation.kind === 'add service') return [...held, { ...operation.service, destinations: [] }];
  return held.map((one) => (one.name === name ? change(one, operation) : one));
}

function change(held: Service, operation: Exclude<Operation, { kind: 'set' | 'remove service' | 'add service' }>): Service {
  if (operation.kind === 'change service') return { ...operation.service, destinations: held.destinations };
  const others = held.destinations.filter((one) => endpoint(one) !== endpoint(operation.destination));
  return { ...held, destinations: operation.kind === 'remove destination' ? others : [...others, operation.destination] };
}

function sorted(list: readonly Service[]): Service[] {
  const byText = (one: object, other: object): number => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
  return list.map((service) => ({ ...service, destinations: [...service.destinations].sort(byText) })).sort(byText);
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address} ${port}`;
}
