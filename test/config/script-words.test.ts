// How programs with their arguments are read, where keepalived has quoting of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitCommand, splitLine } from '../../control/config/script-words.js';

const LINES: readonly { readonly written: string; readonly values: readonly string[] }[] = [
  { written: '/etc/notify.sh', values: ['/etc/notify.sh'] },
  { written: '/etc/notify.sh keeper staff', values: ['/etc/notify.sh', 'keeper', 'staff'] },
  { written: '"/etc/notify.sh a b" keeper', values: ['/etc/notify.sh a b', 'keeper'] },
  { written: `"/etc/notify.sh 'a b' c" keeper`, values: [`/etc/notify.sh 'a b' c`, 'keeper'] },
  { written: `'/etc/notify.sh "a b"'`, values: ['/etc/notify.sh "a b"'] },
  { written: '"/etc/say \\"hello\\""', values: ['/etc/say \\"hello\\"'] },
  { written: '"" keeper', values: ['', 'keeper'] },
];

for (const { written, values } of LINES)
  test(`the line ${written} has the values ${values.join(' | ')}`, () => assert.deepEqual(splitLine(written), { words: values }));

const COMMANDS: readonly { readonly written: string; readonly argv: readonly string[] }[] = [
  { written: '/etc/notify.sh  a\tb', argv: ['/etc/notify.sh', 'a', 'b'] },
  { written: `/etc/notify.sh 'a b' "c d"`, argv: ['/etc/notify.sh', 'a b', 'c d'] },
  { written: `/etc/notify.sh a'b c'd`, argv: ['/etc/notify.sh', 'ab cd'] },
  { written: `/etc/notify.sh ''`, argv: ['/etc/notify.sh', ''] },
  { written: '/etc/say \\"hello\\"', argv: ['/etc/say', '"hello"'] },
  { written: '/etc/say a\\ b \\x41\\102\\n\\cA', argv: ['/etc/say', 'a b', 'AB\n\u0001'] },
  { written: '', argv: [] },
];

for (const { written, argv } of COMMANDS)
  test(`the command ${JSON.stringify(written)} is run as ${JSON.stringify(argv)}`, () =>
    assert.deepEqual(splitCommand(written), { words: argv }));

for (const written of ['"/etc/notify.sh', "/etc/notify.sh 'a", '/etc/notify.sh \\'])
  test(`what is not closed is refused: ${written}`, () => assert.ok('problem' in splitCommand(written)));
