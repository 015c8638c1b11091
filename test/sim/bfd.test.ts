// Simulated BFD sessions that are cut in one direction or both, killed, stopped and started: up when both ends hear each other, down when one
// does not, and never a change without a cause. As vrrp.test.ts: HOURS= and SEED=, and HOURS=0 for one alone.
//
// Broken by hand once, and seen to end it: detection without the neighbour's multiplier, or never; a neighbour that says down not believed;
// nothing forgotten of one that is gone; a session that is up but idles; one that is down but works; init without an end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../oracle/random.js';
import { type EndSpec, type Pair, type PairHappening, playPair } from './bfd-pair.js';

const HOURS = Number(process.env.HOURS ?? 4);
const SEED = Number(process.env.SEED ?? 1);
const HOUR_MS = 3_600_000;
const LINES = 40;

test(`${HOURS} hours of BFD sessions, from seed ${SEED}, break no rule`, (context) => {
  let simulatedMs = 0;
  let peaces = 0;
  let seed = SEED;
  for (; simulatedMs < HOURS * HOUR_MS || seed === SEED; seed++) {
    const pair = pairOf(seed);
    peaces += playOrReport(pair);
    simulatedMs += pair.endsAt;
  }
  context.diagnostic(`${seed - SEED} sessions, peace ${peaces} times`);
  assert.ok(peaces >= seed - SEED || HOURS === 0, 'sessions that never come up prove little');
});

function playOrReport(pair: Pair): number {
  try {
    return playPair(pair);
  } catch (problem) {
    const lines: string[] = [];
    try {
      playPair(pair, (line) => lines.push(line));
    } catch {}
    const { happenings: _, ...rest } = pair;
    assert.fail([`SEED=${pair.seed}: ${(problem as Error).message}`, JSON.stringify(rest), ...lines.slice(-LINES)].join('\n'));
  }
}

function pairOf(seed: number): Pair {
  const random = new Random(seed, 3);
  const ends = [endOf(random, 'A', random.chance(0.2)), endOf(random, 'B', false)] as const;
  // One that is lost and one that comes late must not be as long as a detection time.
  const patience = Math.min(...ends.map(({ config }) => config.multiplier));
  const lossRun = Math.max(0, Math.min(random.below(4), patience - 2));
  const fastMs = Math.min(...ends.flatMap(({ config }) => [config.minRxMs, config.minTxMs]));
  const happenings: PairHappening[] = [
    { at: random.below(3000), kind: 'start', end: 0 },
    { at: random.below(3000), kind: 'start', end: 1 },
  ];
  let at = 3000;
  for (let left = random.between(3, 20); left > 0; left--) {
    at += random.one([10, 300, 2000, 60_000, 60_000]);
    happenings.push(...happeningOf(random, at));
  }
  happenings.sort((one, other) => one.at - other.at);
  return { seed, ends, loss: random.one([0, 0.01, 0.3]), lossRun, mostDelayMs: fastMs / 20, happenings, endsAt: at + 120_000 };
}

function endOf(random: Random, name: string, passive: boolean): EndSpec {
  const interval = () => random.one([20, 50, 100, 300, 1000]);
  const config = {
    minRxMs: interval(),
    minTxMs: interval(),
    idleTxMs: random.one([1000, 1000, 3000]),
    multiplier: random.one([2, 3, 5, 5]),
    passive,
  };
  return { name, rate: 1 + random.one([0, 1e-4, 5e-3]) * random.one([-1, 1]), config };
}

function happeningOf(random: Random, at: number): PairHappening[] {
  const end = random.below(2);
  const later = at + random.one([5, 200, 3000, 50_000]);
  const kind = random.one(['path', 'path', 'kill', 'stop'] as const);
  if (kind !== 'path')
    return [
      { at, kind, end },
      { at: later, kind: 'start', end },
    ];
  const both = random.chance(0.5) ? [0, 1] : [end];
  return both.flatMap((each): PairHappening[] => [
    { at, kind, end: each, open: false },
    { at: later, kind, end: each, open: true },
  ]);
}
