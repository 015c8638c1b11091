// What a reload takes for the same, and what a flood leaves in the log.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VrrpInstance } from '../../control/config/model.js';
import type { Group } from '../../control/vrrp/group.js';
import { createLogLimit } from '../../control/vrrp/log-limit.js';
import { planUnits, samePlan } from '../../control/vrrp/plan.js';
import { reconfigured, sameElection } from '../../control/vrrp/reconfigure.js';
import { virtualAddress, vrrpInstance } from './instance.js';

const PUBLIC = vrrpInstance({ name: 'PUBLIC' });
const PRIVATE = vrrpInstance({ name: 'PRIVATE' });
const ALONE = vrrpInstance({ name: 'ALONE' });
const GROUP = { name: 'VG1', members: ['PUBLIC', 'PRIVATE'], places: {} };

test('members of a sync group run as one unit, everyone else alone', () => {
  const units = planUnits([PUBLIC, ALONE, PRIVATE], [GROUP]);
  assert.deepEqual(
    units.map(({ name, instances }) => [name, instances.map((instance) => instance.name)]),
    [
      ['VG1', ['PUBLIC', 'PRIVATE']],
      [undefined, ['ALONE']],
    ],
  );
});

test('a sync group without instances is no unit', () => {
  assert.deepEqual(planUnits([], [GROUP]), []);
});

test('an instance that only moved within the file is the same', () => {
  const places = { priority: { file: 'other.conf', line: 9, column: 5 } };
  const [before] = planUnits([ALONE], []);
  const [after] = planUnits([{ ...ALONE, places }], []);
  assert.ok(samePlan(before!, after!));
});

test('a change of one member is a change of its group', () => {
  const [before] = planUnits([PUBLIC, PRIVATE], [GROUP]);
  const [after] = planUnits([PUBLIC, { ...PRIVATE, priority: 99 }], [GROUP]);
  assert.ok(!samePlan(before!, after!));
});

test('a flood of one kind is logged once a period, with the number left out, and hides no other kind', () => {
  const limit = createLogLimit(1000);
  assert.equal(limit('ttl', 'bad TTL', 0), 'bad TTL');
  assert.deepEqual(
    Array.from({ length: 100_000 }, (_, i) => limit('ttl', 'bad TTL', 1 + i / 1000)).filter((line) => line !== undefined),
    [],
  );
  assert.equal(limit('checksum', 'bad checksum', 500), 'bad checksum');
  assert.equal(limit('ttl', 'bad TTL', 1000), 'bad TTL (and 100000 more since)');
  assert.equal(limit('ttl', 'bad TTL', 2000), 'bad TTL');
});

interface Change {
  readonly name: string;
  readonly change: Partial<VrrpInstance>;
  readonly anotherElection: boolean;
}

const CHANGES: readonly Change[] = [
  { name: 'addresses', change: { addresses: [virtualAddress('10.0.0.11')] }, anotherElection: false },
  { name: 'the priority', change: { priority: 99 }, anotherElection: false },
  { name: 'the interval of adverts', change: { advertIntervalMs: 500 }, anotherElection: false },
  { name: 'announcements', change: { garpMasterRefreshMs: 1000 }, anotherElection: false },
  { name: 'preemption', change: { preempt: false }, anotherElection: false },
  { name: 'the interface', change: { interface: 'eth1' }, anotherElection: true },
  { name: 'the virtual_router_id', change: { virtualRouterId: 52 }, anotherElection: true },
  { name: 'whose addresses they are', change: { priority: 255 }, anotherElection: true },
  { name: 'the version', change: { version: 3 }, anotherElection: true },
];

for (const { name, change, anotherElection } of CHANGES)
  test(`a change of ${name} ${anotherElection ? 'starts another election' : 'leaves the election alone'}`, () => {
    const [before] = planUnits([ALONE], []);
    const [after] = planUnits([{ ...ALONE, ...change }], []);
    assert.equal(sameElection(before!, after!), !anotherElection);
  });

test('who joins or leaves a sync group starts another election', () => {
  const [group] = planUnits([PUBLIC, PRIVATE], [GROUP]);
  const [alone] = planUnits([PUBLIC], [{ ...GROUP, members: ['PUBLIC'] }]);
  assert.ok(!sameElection(group!, alone!));
});

test('a reload keeps the state and its timers, but for what now comes earlier', () => {
  const never = Number.POSITIVE_INFINITY;
  const master = { kind: 'master', advertAt: 900, announceAt: never, announceRepeat: 5, refreshAt: never, elsewhereAt: never } as const;
  const group: Group = { name: undefined, members: [{ instance: ALONE, state: master }] };
  const next = { ...ALONE, advertIntervalMs: 100, garpMasterRefreshMs: 3000, addresses: [virtualAddress('10.0.0.11')] };
  const { members } = reconfigured(group, { before: [ALONE], after: [next] }, 500);
  assert.deepEqual(members, [{ instance: next, state: { ...master, advertAt: 600, announceAt: 5500, refreshAt: 3500 } }]);
});

test('a priority that tracking has lowered stays so over a reload, unless another is configured', () => {
  const group: Group = { name: undefined, members: [{ instance: { ...ALONE, priority: 70 }, state: { kind: 'init' } }] };
  const priorityAfter = (priority: number) =>
    reconfigured(group, { before: [ALONE], after: [{ ...ALONE, priority }] }, 0).members[0]?.instance.priority;
  assert.deepEqual([priorityAfter(100), priorityAfter(120)], [70, 120]);
});
