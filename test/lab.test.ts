// Runs the lab as a user would, on both back ends, and holds it to its promises: every step, and nothing left behind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsEveryStep, leftovers, namespacesOf, skip, startLab } from './lab/child.js';
import { story } from './lab/story.js';
import { sweep } from './lab/topology.js';

for (const backend of ['af_xdp', 'af_packet']) {
  test(`the lab holds every step on ${backend}`, { skip, timeout: 600_000 }, async (t) => {
    await holdsEveryStep(t, ['--backend', backend], story('natlb'));
  });
}

test('Ctrl-C ends the lab in the middle and removes its network', { skip, timeout: 120_000 }, async () => {
  const lab = startLab();
  await lab.line(/thirty requests/);
  assert.notDeepEqual(await leftovers(lab.pid), []);
  process.kill(lab.pid, 'SIGINT');
  assert.equal(await lab.status, 130);
  assert.deepEqual(await namespacesOf(lab.pid), []);
});

test('what a killed lab leaves behind is swept away by the next', { skip, timeout: 120_000 }, async () => {
  const lab = startLab();
  await lab.line(/thirty requests/);
  process.kill(lab.pid, 'SIGKILL');
  await lab.status;
  assert.notDeepEqual(await leftovers(lab.pid), []);
  await sweep('/run');
  assert.deepEqual(await leftovers(lab.pid), []);
});

test('a back end that does not exist is refused with the ones that do', async () => {
  const lab = startLab('--backend', 'dpdk');
  assert.equal(await lab.status, 2);
  assert.match(await lab.errors, /--backend dpdk: expected one of auto, af_xdp, af_packet/);
});
