// test/CONFORMANCE.md is true: each requirement of the NAT RFCs has a test that names it, or a reason why none does. REWRITE=1 writes the
// page anew from the tests.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gaps, page, proofsIn } from './conformance/page.js';

const TOP = join(import.meta.dirname, '..', '..');
const PAGE = join(TOP, 'test', 'CONFORMANCE.md');

function filesBelow(folder: string): string[] {
  return readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file));
}

const SOURCES = [...filesBelow('test'), ...filesBelow('native/test')].filter((file) => /\.(txt|test\.ts|cc)$/.test(file)).sort();
const PROOFS = SOURCES.flatMap((file) => proofsIn(file, readFileSync(join(TOP, file), 'utf8')));

describe('conformance', () => {
  test('every requirement has a test or a reason, and every tag names a requirement', () => assert.deepEqual(gaps(PROOFS), []));

  test('the page is what the tests say', () => {
    if (process.env.REWRITE) writeFileSync(PAGE, page(PROOFS));
    assert.equal(readFileSync(PAGE, 'utf8'), page(PROOFS));
  });

  const one = { id: '4787-6', level: 'must', says: 'x' } as const;
  const proof = { file: 'a.txt', title: 'b', ids: ['4787-6'] };

  test('titles of rows, of tests and of doctest cases carry tags', () => {
    assert.deepEqual(proofsIn('a.txt', '# b [4787-6]\nin eth0\n\n# c\n'), [proof]);
    assert.deepEqual(proofsIn('a.test.ts', "  test('it\\'s b [4787-6 5382-5a]', () => {"), [
      { file: 'a.test.ts', title: "it's b", ids: ['4787-6', '5382-5a'] },
    ]);
    assert.deepEqual(proofsIn('a/transcripts/a.txt', 'b [4787-6]\nc [5382-5]\n'), [{ ...proof, file: 'a/transcripts/a.txt' }]);
    assert.deepEqual(proofsIn('a.cc', 'TEST_CASE("b [7857-2.2]") {'), [{ file: 'a.cc', title: 'b', ids: ['7857-2.2'] }]);
  });

  test('a requirement without a test or a reason is a gap, and so is one with both', () => {
    assert.deepEqual(gaps([], [one]), ['4787-6 has neither a test nor a reason']);
    assert.deepEqual(gaps([proof], [one]), []);
    assert.deepEqual(gaps([], [{ ...one, exempt: 'because' }]), []);
    assert.deepEqual(gaps([proof], [{ ...one, exempt: 'because' }]), ['4787-6 has a test and a reason for none']);
  });

  test('a tag that names no requirement is a gap', () => {
    assert.deepEqual(gaps([{ ...proof, ids: ['4787-99'] }], []), ['a.txt names 4787-99, which is no requirement']);
  });

  test('a requirement that stands there twice is a gap', () => assert.deepEqual(gaps([proof], [one, one]), ['4787-6 stands there twice']));
});
