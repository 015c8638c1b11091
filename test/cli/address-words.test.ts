// Addresses by value: spellings that mean the same must compare equal.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressWords } from '../../control/cli/address-words.js';

const ROWS: readonly (readonly [address: string, words: readonly number[]])[] = [
  ['0.0.0.0', [0]],
  ['203.0.113.10', [0xcb00710a]],
  ['255.255.255.255', [0xffffffff]],
  ['::', [0, 0, 0, 0]],
  ['::1', [0, 0, 0, 1]],
  ['fe80::', [0xfe800000, 0, 0, 0]],
  ['2001:db8::10', [0x20010db8, 0, 0, 0x10]],
  ['2001:DB8:0:0:0:0:0:10', [0x20010db8, 0, 0, 0x10]],
  ['1:2:3:4:5:6:7:8', [0x10002, 0x30004, 0x50006, 0x70008]],
  ['1:2:3::6:7:8', [0x10002, 0x30000, 6, 0x70008]],
  ['::ffff:192.0.2.1', [0, 0, 0xffff, 0xc0000201]],
];

for (const [address, words] of ROWS) {
  test(`address words: ${address}`, () => assert.deepEqual(addressWords(address), words));
}
