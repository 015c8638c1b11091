// The checker machine: transcripts of what happens and what it does (REWRITE=1 writes them anew; then read the difference), and properties.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Checker } from '../../control/config/checker.js';
import {
  type CheckerEffect,
  type CheckerEvent,
  type CheckerState,
  type Fault,
  type ProbeResult,
  step,
  type Weight,
} from '../../control/health/checker.js';
import { question } from '../../control/health/question.js';
import { fileChecker, httpChecker, miscChecker, tcpChecker, url } from './models.js';

const TRANSCRIPTS = join(import.meta.dirname, '../../../test/health/transcripts');

describe('transcripts', () => {
  for (const name of readdirSync(TRANSCRIPTS)) {
    test(name, () => {
      const file = join(TRANSCRIPTS, name);
      const expected = readFileSync(file, 'utf8');
      const played = play(expected);
      if (process.env.REWRITE) writeFileSync(file, played);
      else assert.equal(played, expected);
    });
  }
});

function play(transcript: string): string {
  let checker: Checker | undefined;
  let state: CheckerState | undefined;
  const lines = transcript.trimEnd().split('\n');
  const played = lines.map((line) => {
    if (line.startsWith('#')) return line;
    if (line.startsWith('checker ')) {
      checker = readChecker(line);
      return line;
    }
    const [time = '', words = ''] = line.split(/ {2,}/);
    assert.ok(checker, `a checker before the first event: ${line}`);
    const { state: next, effects } = step(checker, state, readEvent(words), Number(time));
    state = next;
    return `${time.padEnd(7)}${words.padEnd(27)}${show(state, effects)}`;
  });
  return `${played.join('\n')}\n`;
}

function readChecker(line: string): Checker {
  const [, kind, ...settings] = line.split(' ');
  const values = new Map(settings.map((setting) => setting.split('=')).map(([name = '', value = '']) => [name, value]));
  const number = (name: string): number => Number(values.get(name));
  const timing = {
    delayLoopMs: number('delay_loop'),
    retry: number('retry'),
    delayBeforeRetryMs: number('delay_before_retry'),
    alpha: values.has('alpha'),
    ...(values.has('warmup') && { warmupMs: number('warmup') }),
  };
  if (kind === 'tcp') return tcpChecker(timing);
  if (kind === 'misc') return miscChecker(timing);
  if (kind === 'file') return fileChecker(timing);
  return httpChecker({
    ...timing,
    urls: Array.from({ length: number('urls') }, (_, index) => url({ path: `/${index}` })),
    ...(values.has('fast_recovery') && { fastRecovery: true }),
  });
}

function readEvent(words: string): CheckerEvent {
  const [kind, ...rest] = words.split(' ');
  const tail = rest.join(' ');
  switch (kind) {
    case 'start':
      return { kind, random: Number(tail) };
    case 'failed':
      return { kind, fault: tail as Fault, reason: 'as told' };
    case 'unable':
      return { kind, reason: tail };
    case 'passed':
      return rest.length === 0 ? { kind } : { kind, weight: readWeight(tail) };
    case 'due':
    case 'suspended':
    case 'retimed':
      return { kind };
    default:
      throw new Error(`no such event: ${words}`);
  }
}

/** `weight 5` or `weight +5` */
function readWeight(words: string): Weight {
  const [, amount = ''] = words.split(' ');
  return /^[+-]/.test(amount) ? { add: Number(amount) } : { set: Number(amount) };
}

function show(state: CheckerState, effects: readonly CheckerEffect[]): string {
  const failures = state.failures > 0 ? `, ${state.failures} failed` : '';
  const doing = state.doing === 'waiting' ? `until ${state.until}` : state.doing === 'probing' ? `probing ${state.url}` : 'listening';
  const weight =
    state.weight === undefined ? '' : 'add' in state.weight ? `, weight ${state.weight.add} more` : `, weight ${state.weight.set}`;
  return [`${state.up ? 'up' : 'down'}${state.decided ? '' : '?'}${failures}${weight}, ${doing}`, ...effects.map(showEffect)].join('; ');
}

function showEffect(effect: CheckerEffect): string {
  switch (effect.kind) {
    case 'wake':
      return `wake at ${effect.at}`;
    case 'probe':
      return `probe ${effect.url}`;
    case 'forgiven':
      return `forgives ${effect.failure.fault} after ${effect.retries} retries`;
    case 'weighed':
      return 'weighs anew';
    case 'hindered':
      return `hindered: ${effect.reason}`;
    case 'decided':
      return `${effect.changed ? 'becomes' : 'is'} ${effect.up ? 'up' : `down after ${effect.retries} retries: ${effect.failure.fault}`}`;
  }
}

const results: fc.Arbitrary<ProbeResult> = fc.oneof(
  fc.constant<ProbeResult>({ kind: 'passed' }),
  fc.constant<ProbeResult>({ kind: 'failed', fault: 'connect', reason: 'refused' }),
  fc.constant<ProbeResult>({ kind: 'unable', reason: 'no ports' }),
);
const checkers: fc.Arbitrary<Checker> = fc
  .record({
    urls: fc.integer({ min: 0, max: 3 }),
    retry: fc.integer({ min: 0, max: 3 }),
    delayLoopMs: fc.integer({ min: 0, max: 9 }),
    delayBeforeRetryMs: fc.integer({ min: 0, max: 9 }),
    alpha: fc.boolean(),
  })
  .map(({ urls, ...timing }) =>
    urls === 0
      ? tcpChecker(timing)
      : httpChecker({ ...timing, urls: Array.from({ length: urls }, (_, index) => url({ path: `/${index}` })) }),
  );

/** Runs a checker as a driver would: waits for its timer, answers its probes. */
function* drive(
  checker: Checker,
  answers: readonly ProbeResult[],
): Generator<{ before: CheckerState; answer: ProbeResult; after: CheckerState }> {
  let now = 0;
  let { state } = step(checker, undefined, { kind: 'start', random: 0 }, now);
  for (const answer of answers) {
    if (state.doing === 'waiting') {
      now = state.until;
      ({ state } = step(checker, state, { kind: 'due' }, now));
    }
    const before = state;
    ({ state } = step(checker, state, answer, ++now));
    yield { before, answer, after: state };
  }
}

describe('properties of every checker', () => {
  test('it is always either waiting for its one timer or for its one probe', () => {
    fc.assert(
      fc.property(checkers, fc.array(results), (checker, answers) => {
        for (const { before, after } of drive(checker, answers)) {
          assert.equal(before.doing, 'probing');
          assert.ok(after.doing === 'probing' || (after.doing === 'waiting' && after.until > 0));
        }
      }),
    );
  });

  test('it goes down at the first failure of all, or else only after retry+1 failures with no success among them', () => {
    fc.assert(
      fc.property(checkers, fc.array(results), (checker, answers) => {
        let failures = 0;
        for (const { before, answer, after } of drive(checker, answers)) {
          if (answer.kind === 'failed') failures++;
          if (answer.kind === 'passed') failures = 0;
          if (before.up) assert.equal(after.up, before.decided ? failures <= checker.retry : answer.kind !== 'failed');
        }
      }),
    );
  });

  test('it comes up exactly when every url has passed once, in order, with no failure between', () => {
    fc.assert(
      fc.property(checkers, fc.array(results), (checker, answers) => {
        const urls = checker.kind === 'http' ? checker.urls.length : 1;
        let passed = 0;
        for (const { before, answer, after } of drive(checker, answers)) {
          if (before.up) passed = 0;
          if (before.up) continue;
          assert.equal(before.url, passed);
          if (answer.kind === 'failed') passed = 0;
          if (answer.kind === 'passed') passed++;
          assert.equal(after.up, passed === urls);
        }
      }),
    );
  });
});

describe('the question of a checker', () => {
  const asked = httpChecker({ urls: [url({ path: '/health' })] });
  const same: readonly (readonly [string, Checker])[] = [
    ['delays', { ...asked, delayLoopMs: 1, retry: 9, delayBeforeRetryMs: 1, connectTimeoutMs: 1 }],
    ['alpha', { ...asked, alpha: true }],
    ['its place in the file', { ...asked, place: { file: 'other', line: 99, column: 1 }, urls: [url({ path: '/health', line: 99 })] }],
  ];
  for (const [what, other] of same) test(`does not depend on ${what}`, () => assert.equal(question(other), question(asked)));

  const different: readonly (readonly [string, Checker])[] = [
    ['the kind', tcpChecker({ connect: asked.connect })],
    ['the address', { ...asked, connect: { ...asked.connect, address: '10.0.0.9' } }],
    ['the port', { ...asked, connect: { ...asked.connect, port: 81 } }],
    ['the local address', { ...asked, bindAddress: '10.0.0.1' }],
    ['the local port', { ...asked, bindPort: 1024 }],
    ['the path', { ...asked, urls: [url({ path: '/' })] }],
    ['the status', { ...asked, urls: [url({ path: '/health', statusCodes: [{ from: 200, to: 200 }] })] }],
    ['the digest', { ...asked, urls: [url({ path: '/health', digest: 'd41d8cd98f00b204e9800998ecf8427e' })] }],
    ['the virtual host', { ...asked, virtualHost: 'www' }],
    ['the number of urls', { ...asked, urls: [...asked.urls, ...asked.urls] }],
  ];
  for (const [what, other] of different) test(`depends on ${what}`, () => assert.notEqual(question(other), question(asked)));
});

test('a checker must be started first', () => {
  assert.throws(() => step(tcpChecker({}), undefined, { kind: 'due' }, 0), /must start before "due"/);
});
