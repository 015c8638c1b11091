// How announcements wait for each other.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Announcement, emptyLane, join, type Lane, laneOf, leave, take, wakesAt } from '../../control/vrrp/pacing.js';
import { vrrpGlobal } from './instance.js';

function announcement(address: string, repeat: number, name = 'eth0'): Announcement {
  return { interface: name, index: 1, address, frame: new Uint8Array(), repeat };
}

/** What leaves, as `TIME ADDRESS`, when nobody is ever late. */
function play(lane: Lane, now: number): string[] {
  const left: string[] = [];
  let current = lane;
  for (let at = now; Number.isFinite(at) && left.length < 100; at = wakesAt(current)) {
    const { lane: next, due } = take(current, at);
    left.push(...due.map(({ address }) => `${at} ${address}`));
    current = next;
  }
  return left;
}

describe('a lane', () => {
  test('lets one leave at once and the others after it, each address before any again', () =>
    assert.deepEqual(play(join(emptyLane(100), [announcement('a', 2), announcement('b', 2)], 1000), 1000), [
      '1000 a',
      '1100 b',
      '1200 a',
      '1300 b',
    ]));

  test('is not in a hurry after it was late', () => {
    const { lane, due } = take(join(emptyLane(100), [announcement('a', 5)], 0), 1000);
    assert.equal(due.length, 1);
    assert.equal(wakesAt(lane), 1100);
  });

  test('of less than a timer can do lets several leave at once', () => {
    const { due } = take(join(emptyLane(0.5), [announcement('a', 10)], 0), 2);
    assert.equal(due.length, 5);
  });

  test('holds what left last against what comes next', () => {
    const { lane } = take(join(emptyLane(100), [announcement('a', 1)], 1000), 1000);
    assert.equal(wakesAt(join(lane, [announcement('b', 1)], 1010)), 1100);
    assert.equal(wakesAt(join(lane, [announcement('b', 1)], 5000)), 5000);
  });

  test('takes an address that waits already no more often than the most that was asked for', () =>
    assert.deepEqual(play(join(join(emptyLane(100), [announcement('a', 3)], 0), [announcement('a', 2)], 0), 0), ['0 a', '100 a', '200 a']));

  test('lets go of addresses that are held no more, and of no others', () => {
    const lane = join(emptyLane(100), [announcement('a', 1), announcement('b', 1), announcement('a', 1, 'eth1')], 0);
    assert.deepEqual(
      leave(lane, [{ interface: 'eth0', address: 'a' }]).waiting.map((one) => `${one.interface} ${one.address}`),
      ['eth0 b', 'eth1 a'],
    );
    assert.equal(wakesAt(leave(join(emptyLane(1), [announcement('a', 1)], 0), [announcement('a', 1)])), Number.POSITIVE_INFINITY);
  });
});

test('interfaces of a garp_group share a lane, each other has its own; ARP and neighbour discovery never share one', () => {
  const group = { interfaces: ['eth1', 'eth2'], garpIntervalMs: 100, gnaIntervalMs: 0 };
  const global = vrrpGlobal({ garpIntervalMs: 1, gnaIntervalMs: 2, garpGroups: [group] });
  assert.deepEqual(laneOf(global, 'eth0', 4), { name: 'eth0 4', intervalMs: 1 });
  assert.deepEqual(laneOf(global, 'eth0', 6), { name: 'eth0 6', intervalMs: 2 });
  assert.deepEqual(laneOf(global, 'eth1', 4), { name: 'group 0 4', intervalMs: 100 });
  assert.deepEqual(laneOf(global, 'eth2', 4), laneOf(global, 'eth1', 4));
  assert.equal(laneOf(global, 'eth2', 6).intervalMs, 0);
});
