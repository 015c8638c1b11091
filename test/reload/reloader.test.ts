// Reloads that fail, and those that come when natlb ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../control/config/model.js';
import type { Known, Read } from '../../control/reload/messages.js';
import { Reloader, type ReloaderOptions } from '../../control/reload/reloader.js';

const known: Known = { config: { file: '/etc/natlb.conf' } as Config, fingerprints: [] };
const times = { parseMs: 0, checkMs: 0, compareMs: 0 };
const readable: Read = { findings: [], known, times };

function reloaderOf(options: Partial<ReloaderOptions>, lines: string[] = []): Reloader {
  const host: ReloaderOptions['host'] = { interfaces: [] };
  return new Reloader({
    started: known,
    host,
    log: (text) => lines.push(text),
    apply: async () => ({}),
    read: async () => readable,
    ...options,
  });
}

/** Timers that would keep a process alive, or wake it. */
function handles(): number {
  return process.getActiveResourcesInfo().length;
}

test('nothing is reloaded any more once natlb ends, also what was asked for before', async () => {
  const applied: Config[] = [];
  let finish: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const apply = async (config: Config) => {
    applied.push(config);
    await held;
    return {};
  };
  const reloader = reloaderOf({ apply });
  const underWay = reloader.reload();
  while (applied.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const waiting = assert.rejects(reloader.reload(), /natlb ends/);
  const closed = reloader.close();
  const late = assert.rejects(reloader.reload(), /natlb ends/);
  finish();
  assert.equal((await underWay).applied, true);
  await Promise.all([waiting, closed, late]);
  assert.equal(applied.length, 1);
});

test('a trial that begins while natlb ends leaves no timer', async () => {
  const before = handles();
  const reloader = reloaderOf({ apply: async () => new Promise((resolve) => setImmediate(() => resolve({}))) });
  const reload = reloader.reload(3_600_000);
  await new Promise((resolve) => setImmediate(resolve));
  await reloader.close();
  await reload;
  assert.ok(handles() <= before);
});

test('going back that fails is said, and ends nothing', async () => {
  const lines: string[] = [];
  let count = 0;
  const apply = async () => {
    count += 1;
    if (count === 2) throw new Error('no memory');
    return {};
  };
  const reloader = reloaderOf({ apply }, lines);
  await reloader.reload(1);
  while (count < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await reloader.close();
  assert.match(lines.at(-1) ?? '', /^Going back to .*natlb\.conf failed: no memory/);
});

const FAILURES: readonly { readonly what: string; readonly options: Partial<ReloaderOptions> }[] = [
  { what: 'a file with errors', options: { read: async () => ({ findings: [], times }) } },
  { what: 'a file that cannot be read', options: { read: () => Promise.reject(new Error('no memory')) } },
  { what: 'what cannot be carried out', options: { apply: () => Promise.reject(new Error('no memory')) } },
];
for (const { what, options } of FAILURES)
  test(`a reload that fails is counted, and measures nothing afterwards: ${what}`, async () => {
    let measuring = 0;
    const monitor = { enable: () => ++measuring, disable: () => --measuring, max: 0 };
    const reloader = reloaderOf({ ...options, delays: () => monitor });
    await reloader.reload().catch(() => {});
    assert.equal(measuring, 0);
    const { lastReloadSuccessful, failedReloads } = reloader.status();
    assert.deepEqual([lastReloadSuccessful, failedReloads], [false, 1]);
    await reloader.close();
  });
