// Runs real programs through the router, on both back ends: every step of test/lab/programs/story.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsEveryStep, leftovers, skip, startLab } from './lab/child.js';
import { attempt } from './lab/process.js';
import { programsStory } from './lab/programs/story.js';
import { sweep } from './lab/topology.js';

const skipVlan = skip || ((await kernelHasVlans()) ? false : 'the kernel of this machine has no VLANs');

for (const backend of ['af_xdp', 'af_packet']) {
  test(`real programs work through ${backend}`, { skip, timeout: 300_000 }, async (t) => {
    await holdsEveryStep(t, ['--programs', '--backend', backend], programsStory({ vlan: false }));
  });

  test(`real programs work through ${backend} with servers in a VLAN`, { skip: skipVlan, timeout: 300_000 }, async (t) => {
    await holdsEveryStep(t, ['--programs', '--vlan', '--backend', backend], programsStory({ vlan: true }));
  });
}

test('what killed programs leave behind is swept away by the next lab', { skip, timeout: 120_000 }, async () => {
  const lab = startLab('--programs');
  await lab.line(/through TLS/);
  process.kill(lab.pid, 'SIGKILL');
  await lab.status;
  assert.notDeepEqual(await leftovers(lab.pid), []);
  await sweep('/run');
  assert.deepEqual(await leftovers(lab.pid), []);
});

/** A network namespace that goes with the command that tries. */
async function kernelHasVlans(): Promise<boolean> {
  const trial = 'ip link add one type veth peer name other && ip link add link one name one.7 type vlan id 7';
  return (await attempt(['unshare', '--net', 'sh', '-c', trial])).status === 0;
}
