// Simulated VRRP routers through thousands of small disasters: 1000 hours in less than a minute, as nothing waits for a clock.
// A rule that is broken ends it with the seed, the smallest world found that still breaks it, and what happened there.
//
//   HOURS=20000 SEED=5000 node --test dist/test/sim/vrrp.test.js    other hours; SEED is that of the first world
//   HOURS=0 SEED=84 …                                               that world alone
//
// Each of these was broken by hand once, and the simulation seen to end within its first hundred hours:
//   machine    tie break reversed, or none; addresses compared as signed bytes; no skew; priority 0 neither sent nor heard; adverts late;
//              addresses kept when stepping back, or claimed before the advert; a lesser master not answered; nopreempt, preempt_delay ignored;
//              preempt_delay without end; never preempting; preempting at equal priority; another's interval not adopted, or misread;
//              an owner that waits; one that is ready and deaf; recovering while a reason stands; a changed priority, or its skew, forgotten;
//              an owner's priority changed
//   group      not demoted together; promoted by one; a fault that does not spread, or does not end
//   checker    one retry too few; alpha ignored; failures or urls not counted anew; what says nothing counted; not asked again while down
//   pool       no hysteresis; quorum not capped, or held by nobody; inhibit_on_failure, sorry_server_inhibit ignored; no sorry server
//   reconcile  a removal, or a weight, not told

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
