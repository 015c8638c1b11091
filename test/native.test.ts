// The native tests as part of the one total: doctest's cases one by one, plain and with sanitizers.

import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';

import { runCases } from './doctest.js';
import { make } from './make.js';

const TOP = join(import.meta.dirname, '..', '..');
const TESTS = join(TOP, 'native', 'test');
const BUILD = join(TOP, 'build', 'native-test');
const IS_ROOT = process.getuid?.() === 0;
/** These make network namespaces. */
const NEEDS_ROOT = 'mirror_test.cc';

describe('native', { concurrency: 1 }, () => {
  test('unit tests', (t) => runUnits(t, 'unit', 'unit'));
  test('unit tests under AddressSanitizer and UndefinedBehaviorSanitizer', (t) => runUnits(t, 'sanitized', 'unit_sanitized'));
  test('the worker under ThreadSanitizer', async (t) => {
    await make('thread');
    // It wants its memory where address space layout randomisation may put something else.
    await runCases(t, 'setarch', ['-R', join(BUILD, 'unit_thread'), '--reporters=junit'], TESTS);
  });
});

async function runUnits(t: TestContext, target: string, program: string): Promise<void> {
  await make(target);
  if (!IS_ROOT) await t.test(NEEDS_ROOT, { skip: 'network namespaces need root' }, () => {});
  const filter = IS_ROOT ? [] : [`--source-file-exclude=*${NEEDS_ROOT}`];
  await runCases(t, join(BUILD, program), ['--reporters=junit', ...filter], TESTS);
}
