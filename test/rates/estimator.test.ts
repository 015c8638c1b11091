// Rates as IPVS estimates them: each row is what was counted in two seconds, and what `ipvsadm --rate` then shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceStats, Traffic } from '../../dataplane/protocol.js';
import { type Estimates, estimate, ratesOf } from '../../dataplane/rates.js';
import { NO_TRAFFIC } from '../cli/sample-status.js';

function counted(packetsIn: number, bytesIn = packetsIn * 100): { readonly total: Traffic; readonly services: readonly ServiceStats[] } {
  const traffic = { ...NO_TRAFFIC, packetsIn, bytesIn };
  const destination = { address: '10.11.12.1', port: 80, weight: 1, active: 0, inactive: 0, persistent: 0, ...traffic };
  return { total: traffic, services: [{ name: 'web', ...traffic, destinations: [destination] }] };
}

/** Looks at each of `counts` in turn, `everyMs` apart; returns the packets a second shown after each. */
function shown(counts: readonly number[], everyMs = 2000): readonly (number | undefined)[] {
  let estimates: Estimates | undefined;
  return counts.map((count, round) => {
    const stats = counted(count);
    estimates = estimate(estimates, stats, round * everyMs);
    return ratesOf(estimates, stats)?.services[0]?.destinations[0]?.packetsIn;
  });
}

const ROWS = [
  { name: 'nothing is known after the first look', counts: [5000], rates: [undefined] },
  { name: 'a quarter of the way each round', counts: [0, 2000, 4000, 6000, 8000], rates: [undefined, 250, 437, 578, 684] },
  { name: 'what stops fades', counts: [0, 8000, 8000, 8000], rates: [undefined, 1000, 750, 562] },
  { name: 'a start with full counters is no burst', counts: [1e12, 1e12], rates: [undefined, 0] },
  { name: 'counters that begin again are no negative rate', counts: [9000, 10], rates: [undefined, 0] },
  { name: 'a half is rounded down, and more than it up', counts: [0, 4, 9], rates: [undefined, 0, 1] },
  { name: 'a look that came late counts by its time', counts: [0, 4000], rates: [undefined, 250], everyMs: 4000 },
] as const;

for (const { name, counts, rates, ...given } of ROWS) {
  test(`rates: ${name}`, () => assert.deepEqual(shown(counts, 'everyMs' in given ? given.everyMs : 2000), rates));
}

test('rates: a steady stream is shown as it is after a while, for the whole as for its parts', () => {
  let estimates: Estimates | undefined;
  for (let round = 0; round < 60; round++) estimates = estimate(estimates, counted(round * 2000), round * 2000);
  const rates = ratesOf(estimates, counted(0));
  const steady = { ...NO_TRAFFIC, packetsIn: 1000, bytesIn: 100_000 };
  assert.deepEqual(rates, {
    total: steady,
    services: [{ name: 'web', ...steady, destinations: [{ address: '10.11.12.1', port: 80, ...steady }] }],
  });
});

test('rates: a service that comes is still, and one that goes leaves nothing behind', () => {
  const gone = estimate(estimate(undefined, counted(1), 0), { total: NO_TRAFFIC, services: [] }, 2000);
  assert.equal(gone.services.size, 0);
  assert.equal(ratesOf(gone, counted(77))?.services[0]?.packetsIn, 0);
});
