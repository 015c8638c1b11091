// What `natlb status` shows on a screen, and what it says when there is nobody to ask.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '../../control/cli/status.js';
import { duration, statusText } from '../../control/cli/status-text.js';
import { startControlSocket } from '../../control/socket.js';
import { HANDLERS } from './handlers.js';
import { golden, recorder } from './recorder.js';
import { NOW_MS, STATUS, withoutDataplane } from './sample-status.js';

test('status: one screen with everything', () => assert.equal(statusText(STATUS, NOW_MS), golden('status.txt')));

test('status: a dead data plane is plain to see', () => {
  assert.equal(statusText(withoutDataplane(STATUS), NOW_MS), golden('status-dead.txt'));
});

test('status: without instances and services the sections say so', () => {
  const text = statusText({ ...STATUS, instances: [], trackers: [], virtualServers: [] }, NOW_MS);
  assert.match(text, /^VRRP\n {2}none\n\nServices\n {2}none\n/m);
});

const DURATIONS = [
  [0, '0s'],
  [-5, '0s'],
  [59_999, '59s'],
  [60_000, '1m 0s'],
  [3_600_000 + 61_000, '1h 1m'],
  [86_400_000 * 400, '400d 0h'],
] as const;

for (const [ms, text] of DURATIONS) test(`status: ${ms} ms is "${text}"`, () => assert.equal(duration(ms), text));

test('status: --json is the status itself, and text is the screen', async (t) => {
  const runDir = mkdtempSync(join(tmpdir(), 'natlb-status-'));
  t.after(() => rmSync(runDir, { recursive: true }));
  const handlers = { ...HANDLERS, status: async () => STATUS };
  const socket = await startControlSocket({ path: join(runDir, 'control.sock'), handlers });
  t.after(() => socket.close());
  const json = recorder();
  assert.equal(await status(['--json', '--run-dir', runDir], json), 0, json.complained());
  assert.deepEqual(JSON.parse(json.printed()), STATUS);
  const text = recorder();
  assert.equal(await status(['--run-dir', runDir], text), 0, text.complained());
  assert.match(text.printed(), /^natlb 0\.1\.0 on LVS_1, process 4321, up \d+d/);
});

test('status: when natlb does not run the message says so, with status 1', async (t) => {
  const runDir = mkdtempSync(join(tmpdir(), 'natlb-status-'));
  t.after(() => rmSync(runDir, { recursive: true }));
  const io = recorder();
  assert.equal(await status(['--run-dir', runDir], io), 1);
  assert.match(io.complained(), /^natlb status: natlb is not running: there is no .*control\.sock/);
  assert.equal(io.printed(), '');
});

test('status: what is no option of ours is refused with status 2', async () => {
  const io = recorder();
  assert.equal(await status(['--jsno'], io), 2);
  assert.equal(io.complained(), "natlb status: Unknown option '--jsno'\n");
});
