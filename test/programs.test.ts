// Runs real programs through the router, on both back ends: every step of test/lab/programs/story.ts.

import { test } from 'node:test';
import { holdsEveryStep, skip } from './lab/child.js';
import { programsStory } from './lab/programs/story.js';

for (const backend of ['af_xdp', 'af_packet']) {
  test(`real programs work through ${backend}`, { skip, timeout: 300_000 }, async (t) => {
    await holdsEveryStep(t, ['--programs', '--backend', backend], programsStory({ vlan: false }));
  });

  test(`real programs work through ${backend} to servers in a VLAN`, { skip, timeout: 300_000 }, async (t) => {
    await holdsEveryStep(t, ['--programs', '--vlan', '--backend', backend], programsStory({ vlan: true }));
  });
}
