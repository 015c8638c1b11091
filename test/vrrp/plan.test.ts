// What a reload takes for the same, and what a flood leaves in the log.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogLimit } from '../../control/vrrp/log-limit.js';
import { planUnits, samePlan } from '../../control/vrrp/plan.js';
import { vrrpInstance } from './instance.js';

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
