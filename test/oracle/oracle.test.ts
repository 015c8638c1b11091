// natlb against the real IPVS: the same packets through the kernel's in a User Mode Linux guest, and through our engine, compared byte for byte.
//   SEED=7 COUNT=1000000 node --test dist/test/oracle/oracle.test.js       any number of packets; one seed is one run
//   SEED=7 SEQUENCE=12 node --test dist/test/oracle/oracle.test.js         one sequence, told in full
//   FEATURE=wlc …                                                          only features whose name contains it

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { inGuest, SKIP } from './guest.js';
import type { Failure, Report, Wanted } from './play.js';

const DEFAULT_SEED = 1;
const DEFAULT_COUNT = 20_000;

test('natlb does what IPVS does, but for named differences', { skip: SKIP }, async (context) => {
  const wanted = wantedByEnvironment();
  const report = await played(wanted);
  context.diagnostic(summary(report));
  if (wanted.sequence !== undefined) context.diagnostic(report.failures.map(told).join('\n'));
  assert.equal(
    report.failed,
    0,
    `SEED=${wanted.seed}${wanted.feature === undefined ? '' : ` FEATURE='${wanted.feature}'`}\n${report.failures.map(told).join('\n')}`,
  );
  const idle = Object.entries(report.differences).flatMap(([name, times]) => (times === 0 ? [name] : []));
  if (isFull(wanted)) assert.deepEqual(idle, [], 'differences that no packet needed: they would only hide something');
});

function wantedByEnvironment(): Wanted {
  const { SEED, COUNT, SEQUENCE, FEATURE } = process.env;
  return {
    seed: Number(SEED ?? DEFAULT_SEED),
    packets: Number(COUNT ?? DEFAULT_COUNT),
    ...(SEQUENCE === undefined ? {} : { sequence: Number(SEQUENCE) }),
    ...(FEATURE === undefined ? {} : { feature: FEATURE }),
  };
}

/** Long enough for every difference to come up. */
function isFull({ packets, sequence, feature }: Wanted): boolean {
  return packets >= DEFAULT_COUNT && sequence === undefined && feature === undefined;
}

async function played(wanted: Wanted): Promise<Report> {
  const limitMs = 120_000 + wanted.packets * 25;
  return inGuest(join(import.meta.dirname, 'play.js'), [JSON.stringify(wanted)], limitMs, ({ status, output, file }) => {
    assert.equal(status, 0, `the guest's program failed: ${output}`);
    return JSON.parse(file('report')) as Report;
  });
}

function summary({ features, differences }: Report): string {
  const rows = Object.entries(features).map(([name, { packets, sequences }]) => `${name}: ${packets} packets in ${sequences} sequences`);
  return [...rows, ...Object.entries(differences).map(([name, times]) => `difference "${name}": ${times} times`)].join('\n');
}

function told({ feature, sequence, what, transcript }: Failure): string {
  return [`\nSEQUENCE=${sequence} (${feature}): differs in ${what}`, ...transcript].join('\n');
}
