// The native tests as part of the one total: doctest's cases one by one, plain and with sanitizers, and a short bounded fuzz run.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';

import { outcome, runCases } from './doctest.js';

const TOP = join(import.meta.dirname, '..', '..');
const TESTS = join(TOP, 'native', 'test');
const BUILD = join(TOP, 'build', 'native-test');
const IS_ROOT = process.getuid?.() === 0;
/** These make network namespaces. */
const NEEDS_ROOT = 'mirror_test.cc';
const FUZZ_RUNS = 3_000;

describe('native', { concurrency: 1 }, () => {
  test('unit tests', (t) => runUnits(t, 'unit', 'unit'));
  test('unit tests under AddressSanitizer and UndefinedBehaviorSanitizer', (t) => runUnits(t, 'sanitized', 'unit_sanitized'));
  test(`forward() survives ${FUZZ_RUNS} mutated inputs and every seed`, () => fuzz('fuzz_forward', join(BUILD, 'seeds')));
  test(`FTP text reads the same however ${FUZZ_RUNS} inputs are cut`, () => fuzz('fuzz_ftp', join(TESTS, 'corpus', 'ftp')));
  test(`the table of fragments agrees with its model over ${FUZZ_RUNS} inputs`, () =>
    fuzz('fuzz_fragments', join(TESTS, 'corpus', 'fragments')));
});

async function runUnits(t: TestContext, target: string, program: string): Promise<void> {
  await build(target);
  if (!IS_ROOT) await t.test(NEEDS_ROOT, { skip: 'network namespaces need root' }, () => {});
  const filter = IS_ROOT ? [] : [`--source-file-exclude=*${NEEDS_ROOT}`];
  await runCases(t, join(BUILD, program), ['--reporters=junit', ...filter], TESTS);
}

async function fuzz(program: string, seeds: string): Promise<void> {
  await build('fuzz');
  assert.ok(readdirSync(seeds).length > 5);
  const corpus = mkdtempSync(join(tmpdir(), 'natlb-corpus-')); // where libFuzzer keeps what it finds
  const { failed, output } = await outcome(join(BUILD, program), ['-seed=1', `-runs=${FUZZ_RUNS}`, '-max_len=8192', corpus, seeds], BUILD);
  rmSync(corpus, { recursive: true });
  assert.equal(failed, false, output.slice(-4000));
  assert.match(output, new RegExp(`Done ${FUZZ_RUNS} runs`));
}

async function build(target: string): Promise<void> {
  const { failed, output } = await outcome('make', ['-s', '-j2', target], TESTS);
  assert.equal(failed, false, output);
}
