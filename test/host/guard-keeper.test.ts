// When the guard is put in place, and what becomes of one that could not be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { GuardedService } from '../../control/host/guard.js';
import { GuardKeeper } from '../../control/host/guard-keeper.js';

function service(port: number): GuardedService {
  return { listeners: [{ address: '203.0.113.10', protocol: 'tcp', firstPort: port, lastPort: port }], realServers: [] };
}

/** Fails the first so many times. */
function keeper(failures: number) {
  const applied: string[] = [];
  const lines: string[] = [];
  const apply = async (rules: string) => {
    applied.push(/tcp \. (\d+)/.exec(rules)?.[1] ?? 'nothing');
    if (applied.length <= failures) throw new Error('nft is busy');
  };
  const guard = new GuardKeeper({ services: [service(80)], log: (text) => lines.push(text), apply, retryMs: 1 });
  return { guard, applied, lines };
}

async function tried(applied: readonly string[], times: number): Promise<void> {
  for (let looks = 0; applied.length < times && looks < 1000; looks++) await pause(1);
}

test('guard: what is there already is not put in place again', async () => {
  const { guard, applied } = keeper(0);
  await guard.keep([service(80)]);
  await guard.settled();
  assert.deepEqual(applied, []);
});

test('guard: one that fails is tried again until it is in place', async () => {
  const { guard, applied, lines } = keeper(2);
  await guard.keep([service(81)]);
  await tried(applied, 3);
  await guard.close();
  assert.deepEqual(applied, ['81', '81', '81']);
  assert.deepEqual(lines, Array(2).fill('The kernel may answer for our services: nft is busy; trying again in 0.001 s'));
});

test('guard: one that failed is not tried again once another is wanted', async () => {
  const { guard, applied } = keeper(1);
  await guard.keep([service(81)]);
  await guard.settled();
  await guard.keep([service(82)]);
  await tried(applied, 2);
  await guard.close();
  assert.deepEqual(applied, ['81', '82']);
});

test('guard: nothing is tried any more once it is closed', async () => {
  const { guard, applied } = keeper(1);
  await guard.keep([service(81)]);
  await guard.settled();
  await guard.close();
  await pause(5);
  assert.deepEqual(applied, ['81']);
});

test('guard: of two that are asked for one after the other the last is put in place, however many services there are', async () => {
  const { guard, applied } = keeper(0);
  const many = (first: number) => Array.from({ length: 30_000 }, (_, at) => service(first + at));
  await Promise.all([guard.keep(many(100)), guard.keep(many(200)), guard.keep(many(200))]);
  await guard.settled();
  assert.deepEqual(applied, ['200']);
});
