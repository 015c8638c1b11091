// What the data plane is told of a snapshot it mostly knows, and that it takes nothing for something else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeFrom } from '../../control/reconcile/change.js';
import { desired, type WantedBefore } from '../../control/reconcile/desired.js';
import { MemoryRouter } from '../../dataplane/addon.js';
import type { Service, Snapshot } from '../../dataplane/protocol.js';
import { config, realServer, virtualServer } from '../health/models.js';

const AROUND = { generation: 1, held: [], graceMs: 0 };

function services(ports: readonly number[]): readonly Service[] {
  return desired(config(ports.map((port) => virtualServer({ port, realServers: [realServer({})] }))), { services: [] }, AROUND).services;
}

function snapshot(generation: number, all: readonly Service[]): Snapshot {
  return { ...desired(config([]), { services: [] }, AROUND), generation, services: all };
}

const [A, B, C] = services([80, 81, 82]) as [Service, Service, Service];

test('change: the first time all is told', () => {
  const first = snapshot(1, [A, B]);
  assert.equal(changeFrom(undefined, first), first);
});

test('change: what is the same object is named by its place', () => {
  const { services: told, base } = changeFrom(snapshot(1, [A, B]), snapshot(2, [B, C, A]));
  assert.deepEqual({ told, base }, { told: [1, C, 0], base: 1 });
});

test('change: a service nothing has changed of is wanted as the same object', () => {
  const before: WantedBefore = new WeakMap();
  const same = config([virtualServer({ realServers: [realServer({})] })]);
  const [one] = desired(same, { services: [] }, AROUND, before).services;
  const [again] = desired(same, { services: [] }, { ...AROUND, generation: 2 }, before).services;
  assert.equal(again, one);
});

function router(): InstanceType<typeof MemoryRouter> {
  const interfaces = [{ mac: '02:00:00:00:00:01', mtu: 1500, addresses: ['203.0.113.10'] }];
  return new MemoryRouter({ interfaces, routes: [], neighbours: [], maxFlows: 1000, takesOffload: false });
}

test('change: the data plane makes of it what was meant', () => {
  const memory = router();
  const [first, second] = [snapshot(1, [A, B]), snapshot(2, [B, C, A])];
  memory.configure(first);
  memory.configure(changeFrom(first, second));
  assert.deepEqual(
    memory.stats().services.map(({ name }) => name),
    second.services.map(({ name }) => name),
  );
});

test('change: one that is based on something else is refused, and so is a place there is none at', () => {
  const memory = router();
  memory.configure(snapshot(1, [A]));
  assert.throws(
    () => memory.configure({ ...snapshot(3, []), services: [0], base: 2 }),
    /based on generation 2, and the one before is of 1/,
  );
  assert.throws(() => memory.configure({ ...snapshot(3, []), services: [7], base: 1 }));
  assert.deepEqual(
    memory.stats().services.map(({ name }) => name),
    [A.name],
  );
});
