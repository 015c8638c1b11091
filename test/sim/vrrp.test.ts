// Simulated VRRP routers through thousands of small disasters: 1000 hours in less than a minute, as nothing waits for a clock.
// A rule that is broken ends it with the seed, the smallest world found that still breaks it, and what happened there.
//
//   HOURS=20000 SEED=5000 node --test dist/test/sim/vrrp.test.js    other hours; SEED is that of the first world
//   HOURS=0 SEED=84 …                                               that world alone

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutDown } from './cut-down.js';
import { play } from './play.js';
import type { World } from './world.js';
import { worldOf } from './worlds.js';

const HOURS = Number(process.env.HOURS ?? 1000);
const SEED = Number(process.env.SEED ?? 1);
const HOUR_MS = 3_600_000;
const LINES = 40;

test(`${HOURS} hours of VRRP routers, from seed ${SEED}, break no rule`, (context) => {
  let simulatedMs = 0;
  const sums = { worlds: 0, adverts: 0, peaces: 0 };
  for (let seed = SEED; simulatedMs < HOURS * HOUR_MS || seed === SEED; seed++) {
    const world = worldOf(seed);
    const { violation, at, adverts, peaces } = play(world);
    if (violation !== undefined) assert.fail(report(seed, world));
    simulatedMs += at;
    sums.worlds++;
    sums.adverts += adverts;
    sums.peaces += peaces;
  }
  context.diagnostic(`${sums.worlds} worlds, ${sums.adverts} adverts, peace ${sums.peaces} times`);
  assert.ok(sums.peaces >= sums.worlds, 'worlds that never come to rest prove little');
});

function report(seed: number, world: World): string {
  const { world: small, played } = cutDown(world);
  const lines: string[] = [];
  play(small, (line) => lines.push(line));
  return [
    `SEED=${seed} at ${played.at.toFixed(3)} ms: ${played.violation?.message}`,
    ...small.routers.map((router) => `  ${JSON.stringify(router)}`),
    `  virtual routers ${JSON.stringify(small.virtualRouters)} in groups ${JSON.stringify(small.groups)}`,
    `  weather ${JSON.stringify(small.weather)}`,
    ...small.services.map((service) => `  ${JSON.stringify(service)}`),
    ...(lines.length > LINES ? ['  …'] : []),
    ...lines.slice(-LINES),
  ].join('\n');
}
