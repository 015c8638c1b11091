// The native tests as part of the one total: doctest's cases one by one, plain and with sanitizers, and a short bounded fuzz run.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';

const TOP = join(import.meta.dirname, '..', '..');
const TESTS = join(TOP, 'native', 'test');
const BUILD = join(TOP, 'build', 'native-test');
const IS_ROOT = process.getuid?.() === 0;
/** These make network namespaces. */
const NEEDS_ROOT = 'mirror_test.cc';
const FUZZ_RUNS = 3_000;

interface Outcome {
  readonly failed: boolean;
  readonly output: string;
}

interface Case {
  readonly name: string;
  readonly failure?: string;
}

describe('native', { concurrency: 1 }, () => {
  test('unit tests', (t) => runUnits(t, 'unit', 'unit'));
  test('unit tests under AddressSanitizer and UndefinedBehaviorSanitizer', (t) => runUnits(t, 'sanitized', 'unit_sanitized'));
  test(`forward() survives ${FUZZ_RUNS} mutated inputs and every seed`, fuzz);
});

async function runUnits(t: TestContext, target: string, program: string): Promise<void> {
  await build(target);
  if (!IS_ROOT) await t.test(NEEDS_ROOT, { skip: 'network namespaces need root' }, () => {});
  const filter = IS_ROOT ? [] : [`--source-file-exclude=*${NEEDS_ROOT}`];
  const { failed, output } = await outcome(join(BUILD, program), ['--reporters=junit', ...filter], TESTS);
  const cases = casesOf(output);
  assert.ok(cases.length > 0, output);
  for (const { name, failure } of cases) await t.test(name, () => assert.equal(failure, undefined));
  assert.equal(failed, false, `ended badly after its last case:\n${output}`);
}

async function fuzz(): Promise<void> {
  await build('fuzz');
  const seeds = join(BUILD, 'seeds');
  assert.ok(readdirSync(seeds).length > 10);
  const { failed, output } = await outcome(join(BUILD, 'fuzz_forward'), ['-seed=1', `-runs=${FUZZ_RUNS}`, '-max_len=8192', seeds], BUILD);
  assert.equal(failed, false, output.slice(-4000));
  assert.match(output, new RegExp(`Done ${FUZZ_RUNS} runs`));
}

async function build(target: string): Promise<void> {
  const { failed, output } = await outcome('make', ['-s', '-j2', target], TESTS);
  assert.equal(failed, false, output);
}

async function outcome(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd, maxBuffer: 64 << 20 });
    return { failed: false, output: stdout + stderr };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    return { failed: true, output: [message, stdout, stderr].join('\n') };
  }
}

/** doctest's JUnit text: one `<testcase …/>` line each, or one with `<failure message="…">` lines inside. */
function casesOf(junit: string): Case[] {
  const found = junit.matchAll(/<testcase [^>]*?name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g);
  return [...found].map(([, name = '', inside]) => ({ name: plain(name), ...(inside === undefined ? {} : { failure: plain(inside) }) }));
}

function plain(xml: string): string {
  return xml.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name] ?? '');
}
