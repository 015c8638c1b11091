// Builds targets of native/test/Makefile, one at a time: test files run side by side and share what is built.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { outcome } from './doctest.js';

export const NATIVE_TESTS = join(import.meta.dirname, '..', '..', 'native', 'test');
export const NATIVE_BUILD = join(import.meta.dirname, '..', '..', 'build', 'native-test');

export async function make(target: string): Promise<void> {
  const { failed, output } = await outcome('flock', ['Makefile', 'make', '-s', '-j2', target], NATIVE_TESTS);
  assert.equal(failed, false, output);
}
