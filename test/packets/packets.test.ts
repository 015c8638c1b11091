// Packets in, verdict and packets out. Each block of test/packets/*.txt is one behaviour, named by its first line; REWRITE=1 writes down what
// happens now, to be read with care in the diff.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { play } from './world.js';

const folder = join(import.meta.dirname, '../../../test/packets');

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .sort()) {
  describe(file, () => {
    const path = join(folder, file);
    const stored = readFileSync(path, 'utf8').trim().split(/\n\n+/);
    const blocks = process.env.REWRITE ? stored.map(play) : stored;
    if (process.env.REWRITE) writeFileSync(path, `${blocks.join('\n\n')}\n`);
    for (const block of blocks) {
      test(block.split('\n')[0]!.replace(/^# /, ''), async () => {
        await turn(); // the router of the row before this one is given back
        assert.equal(play(block), block);
      });
    }
  });
}
