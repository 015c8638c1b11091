// `natlb trace` beside a running natlb: the packets of a connection, as they came and as they left, and what became of them.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../lab/process.js';
import { config } from './configs.js';
import { inPlace, PORT, SKIP, VIP } from './place.js';
import { listen, Talk } from './talk.js';

test('a connection is seen on both sides of the router, with verdicts', { skip: SKIP }, () =>
  inPlace(async (place) => {
    place.write(config());
    await listen(place);
    const router = place.start();
    await router.serves();
    const talk = new Talk(place);
    await until('the service answers', 5_000, () => talk.waitsMs.length > 0);
    const file = join(place.dir, 'trace.pcapng');
    const ended = await place.natlb('trace', '--run-dir', place.runDir, '--write', file, '--count', '20', '--client', '203.0.113.254');
    assert.equal(ended.stdout, `20 packets in ${file}\n`);
    const { stdout: read } = await place.attempt(['tcpdump', '-nr', file]);
    for (const seen of [`> ${VIP}.${PORT}`, `> 10.11.12.1.${PORT}`, `10.11.12.1.${PORT} >`, `${VIP}.${PORT} >`]) {
      assert.ok(read.includes(seen), `no ${seen} in\n${read}`);
    }
  }),
);

test('a verdict that is none is refused, and no file is made', { skip: SKIP }, () =>
  inPlace(async (place) => {
    place.write(config());
    await place.start().serves();
    const ended = await place.natlb('trace', '--run-dir', place.runDir, '--write', '/nowhere/at/all', '--verdict', 'lost');
    assert.match(ended.stderr, /no verdict is named lost/);
  }),
);
