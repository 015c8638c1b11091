// The text layer: what a configuration reads as, statement by statement, before any keyword is looked at.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ExpandOptions, expand } from '../../control/config/expand.js';
import type { Finding, Place } from '../../control/config/model.js';
import { createReport } from '../../control/config/report.js';
import { type Statement, statements } from '../../control/config/tree.js';

const FILE = '/etc/keepalived/keepalived.conf';

interface Reading {
  /** Words between bars, blocks in braces. */
  readonly statements: readonly string[];
  readonly findings: readonly Finding[];
  readonly read: readonly Statement[];
}

function read(text: string, files: Readonly<Record<string, string>> = {}, options: Partial<ExpandOptions> = {}): Reading {
  const report = createReport();
  const all: Readonly<Record<string, string>> = { ...files, [FILE]: text };
  const readFile = (path: string): string | Error => all[path] ?? new Error('no such file');
  const glob = (pattern: string): string[] =>
    Object.keys(all).filter((path) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(path));
  const { lines, files: order } = expand(FILE, { readFile, glob }, { configId: 'main', ...options }, report);
  const found = [...statements(lines, report)];
  return { statements: found.map(shown), findings: report.findings([...order]), read: found };
}

function shown({ words, body }: Statement): string {
  const block = body === undefined ? '' : ` { ${body.map(shown).join(' ')}${body.length > 0 ? ' ' : ''}}`;
  return `|${words.map(({ text }) => text).join('|')}|${block}`;
}

/** `said`: findings, as `line:column: message`; of anything else nothing is said. */
interface Row {
  readonly what: string;
  readonly text: string;
  readonly reads: readonly string[];
  readonly said?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly options?: Partial<ExpandOptions>;
}

function testRows(rows: readonly Row[]): void {
  for (const { what, text, reads, said = [], files, options } of rows) {
    test(what, () => {
      const reading = read(text, files, options);
      assert.deepEqual(reading.statements, reads);
      assert.deepEqual(
        reading.findings.map(({ place, message }) => `${place.line}:${place.column}: ${message}`),
        said,
      );
    });
  }
}

describe('words and blocks', () => {
  testRows([
    { what: 'words are separated by white space', text: 'a  b\tc\r\n', reads: ['|a|b|c|'] },
    { what: 'braces need no white space around them', text: 'a{b c}d', reads: ['|a| { |b|c| }', '|d|'] },
    { what: 'a block may start on a later line', text: 'a\n\n{\nb\n}\n', reads: ['|a| { |b| }'] },
    { what: 'what is in double quotes is one word', text: 'a "b c { } # !"', reads: ['|a|b c { } # !|'] },
    { what: 'a quoted string is a word of its own, whatever touches it', text: 'a b"c d"e', reads: ['|a|b|c d|e|'] },
    { what: 'backslashes in values stand for themselves', text: 'auth_pass "a\\b" c\\d', reads: ['|auth_pass|a\\b|c\\d|'] },
    { what: 'single quotes in values stand for themselves', text: "auth_pass 'a b'", reads: ["|auth_pass|'a|b'|"] },
    {
      what: 'commands are joined across quotes of both kinds, and keep their backslashes',
      text: `notify_up "/x 'a b' \\"c\\"" user`,
      reads: [`|notify_up|/x 'a b' \\"c\\"|user|`],
    },
    { what: 'braces in a quoted command are no block', text: `misc_path '/x {}' `, reads: ['|misc_path|/x {}|'] },
    { what: 'patterns are joined, too, and escapes in them are read', text: 'regex "a"b\\x41\\101\\t"c d"', reads: ['|regex|abAA\tc d|'] },
    { what: 'a string that does not end', text: 'a "b', reads: ['|a|b|'], said: ['1:3: this quoted string does not end on its line'] },
  ]);
});

describe('comments and continued lines', () => {
  testRows([
    { what: 'comments start at # and !, also within words', text: 'a b#c\nd!e\n# f\n', reads: ['|a|b|', '|d|'] },
    { what: 'a backslash takes the meaning of a comment sign away', text: 'a b\\#c\\!d # e', reads: ['|a|b#c!d|'] },
    { what: 'a line goes on behind a backslash', text: 'a b \\\n c \\\r\n d\ne', reads: ['|a|b|c|d|', '|e|'] },
    { what: 'a comment ends with its line, backslash or not', text: '# a \\\nb', reads: ['|b|'] },
  ]);
});

describe('conditions', () => {
  testRows([
    { what: '@id keeps the line for one machine', text: '@main a\n@other b\n', reads: ['|a|'] },
    { what: '@^id keeps it from one', text: '@^main a\n@^other b\n', reads: ['|b|'] },
    { what: 'they hold for definitions', text: '@main $A=1\n@other $A=2\na $A\n', reads: ['|a|1|'] },
    { what: 'they stand in front of values', text: 'peers {\n @^main 10.0.0.1\n @^other 10.0.0.2\n}', reads: ['|peers| { |10.0.0.2| }'] },
    { what: 'they start anew behind a brace', text: 'peers { @main 10.0.0.1\n}', reads: ['|peers| { |10.0.0.1| }'] },
    { what: 'they can be defined', text: '$M=@main\n$O=@other\n$M a\n$O b\n', reads: ['|a|'] },
    { what: 'within a word @ means nothing', text: 'mail a@other', reads: ['|mail|a@other|'] },
    {
      what: 'a condition without an id is for no machine',
      text: '@ a\n',
      reads: [],
      said: ["1:1: '@' without a config-id is for no machine"],
    },
    {
      what: 'a definition of several lines goes with its condition',
      text: '@other $A= \\\n a \\\n b\n@main $A= \\\n c\n$A\n',
      reads: ['|c|'],
    },
  ]);
});

describe('definitions', () => {
  testRows([
    {
      what: '$NAME counts in front of white space, and in braces everywhere',
      text: `$A=1\na $A \${A}2 $A2 x\${A}`,
      reads: ['|a|1|12|$A2|x1|'],
    },
    { what: 'empty values are allowed', text: `$A=\na x\${A}y $A z`, reads: ['|a|xy|z|'] },
    { what: 'values are replaced when they are used', text: `$A=1\${B}\n$B=2\na \${A}\n$B=3\na \${A}`, reads: ['|a|12|', '|a|13|'] },
    { what: 'white space in front of = makes it no definition', text: '$A =1', reads: ['|$A|=1|'] },
    { what: 'a name that is not defined stays in a string', text: `a "\${B} $B"`, reads: [`|a|\${B} $B|`] },
    {
      what: 'and is an error outside of one',
      text: `a \${B}`,
      reads: [`|a|\${B}|`],
      said: [`1:3: \${B} is not defined`],
    },
    {
      what: 'a definition that ends with a backslash is a block',
      text: '$A= \\\n b { \\\n c $D \\\n }\n$D=1\n$A\n$D=2\n$A',
      reads: ['|b| { |c|1| }', '|b| { |c|2| }'],
    },
    { what: 'a comment in a block does not end it', text: '$A= \\\n b \\\n # no\n c\n$A', reads: ['|b|', '|c|'] },
    { what: 'an empty line does', text: '$A= \\\n b \\\n\n c\n$A', reads: ['|c|', '|b|'] },
    { what: 'a block may start on the line of its name', text: '$A=a \\\n b\nx $A', reads: ['|x|a|', '|b|'] },
    {
      what: 'blocks stand in blocks, and define',
      text: '$S= \\\n s $N\n$V= \\\n v { \\\n $N=1 \\\n $S \\\n $N=2 \\\n $S \\\n }\n$V',
      reads: ['|v| { |s|1| |s|2| }'],
    },
    { what: 'a name may stand for the name of a block', text: '$B= \\\n b\n$A=$B\n$A', reads: ['|b|'] },
    {
      what: 'nothing may follow a block',
      text: '$A= \\\n b \\\n c\nx $A y',
      reads: ['|x|$A|y|'],
      said: ['4:3: $A stands for several lines, and nothing may follow it'],
    },
    {
      what: 'a name that stands for itself',
      text: `$A=\${B}\n$B=\${A}\na \${A}`,
      reads: ['|a|'],
      said: [`3:3: \${A} stands for itself, or for far too much text`],
    },
    {
      what: 'a block that stands for itself',
      text: '$A= \\\n a \\\n $A\n$A',
      reads: Array(33).fill('|a|'),
      said: ['3:2: definitions within definitions, more than 32 deep'],
    },
  ]);
});

describe('definitions that are there from the beginning', () => {
  testRows([
    {
      what: '_PWD is where the file is',
      text: `a \${_PWD}\ninclude sub/b.conf`,
      files: { '/etc/keepalived/sub/b.conf': `b \${_PWD}` },
      reads: ['|a|/etc/keepalived|', '|b|/etc/keepalived/sub|'],
    },
    { what: '_INSTANCE is the config-id', text: `a \${_INSTANCE}`, reads: ['|a|main|'] },
    { what: '_HASH and _BANG start no comment', text: `a b\${_HASH}c\${_BANG}d`, reads: ['|a|b#c!d|'] },
    {
      what: '_ENV is of the environment',
      text: `a x\${_ENV HOME}y x\${_ENV NONE}y`,
      options: { environment: { HOME: '/root' } },
      reads: ['|a|x/rooty|xy|'],
    },
    { what: '_RANDOM keeps to its bounds', text: `a \${_RANDOM 7 7} \${_RANDOM 32767}`, reads: ['|a|7|32767|'] },
    { what: 'they can be defined anew', text: `$_INSTANCE=x\na \${_INSTANCE}`, reads: ['|a|x|'] },
    {
      what: 'parameters that do not fit',
      text: `a \${_RANDOM 2 1}\na \${_ENV}\na \${_HASH 1}\na \${_RANDOM x}\n$B=1\na \${B 1}`,
      reads: ['|a|', '|a|', '|a|', '|a|', '|a|'],
      said: [
        `1:3: \${_RANDOM 2 1}: expected MIN up to MAX, at most 2147483647`,
        `2:3: \${_ENV} takes 1 parameters`,
        `3:3: \${_HASH 1} takes 0 parameters`,
        `4:3: \${_RANDOM x}: its parameters are numbers`,
        `6:3: \${B 1}: what is defined by $NAME=value takes no parameters`,
      ],
    },
  ]);

  test('_RANDOM is the same at every reading, differs between machines, and follows random_seed', () => {
    const numbers = `a \${_RANDOM} \${_RANDOM} \${_RANDOM}`;
    assert.deepEqual(read(numbers).statements, read(numbers).statements);
    assert.notDeepEqual(read(numbers).statements, read(numbers, {}, { machine: 'router2' }).statements);
    const seeded = `random_seed 7\n${numbers}`;
    assert.deepEqual(read(seeded).statements, read(seeded, {}, { machine: 'router2' }).statements);
  });
});

describe('sequences and lists', () => {
  testRows([
    { what: '~SEQ counts', text: `~SEQ(N, 0, 3) a 10.0.\${N}.1`, reads: [0, 1, 2, 3].map((n) => `|a|10.0.${n}.1|`) },
    { what: 'it starts with 1, or with -1', text: '~SEQ(N, 2) a $N\n~SEQ(N, -2) b $N', reads: ['|a|1|', '|a|2|', '|b|-1|', '|b|-2|'] },
    {
      what: 'it goes down, and by steps',
      text: '~SEQ(N, 3, 1) a $N\n~SEQ(N,5,-3,0) b $N',
      reads: ['|a|3|', '|a|2|', '|a|1|', '|b|5|', '|b|2|'],
    },
    { what: '~SEQx counts in hexadecimal', text: `~SEQx(N, 0x90, 0x10, 0xa0) fe80::\${N}:1`, reads: ['|fe80::90:1|', '|fe80::a0:1|'] },
    { what: 'sequences stand in sequences', text: `~SEQ(A,1,2) ~SEQ(B,3,4) x\${A}\${B}`, reads: ['|x13|', '|x14|', '|x23|', '|x24|'] },
    { what: 'their bounds may be defined', text: '$LAST=2\n~SEQ(N, 1, $LAST) a $N\n', reads: ['|a|1|', '|a|2|'] },
    { what: 'they repeat blocks', text: `$A= \\\n a\${N} { \\\n b \\\n }\n~SEQ(N,1,2) $A`, reads: ['|a1| { |b| }', '|a2| { |b| }'] },
    { what: 'they stand in blocks', text: '$A= \\\n a { \\\n ~SEQ(N,1,2) b $N \\\n }\n$A', reads: ['|a| { |b|1| |b|2| }'] },
    { what: 'they start anew behind a brace', text: 'a { ~SEQ(N,1,2) b $N\n}', reads: ['|a| { |b|1| |b|2| }'] },
    { what: '~LST takes each value', text: '~LST(IP, 7, x ,9) a $IP', reads: ['|a|7|', '|a|x|', '|a|9|'] },
    {
      what: 'or several at once, blank where one is missing',
      text: `~LST({A, B}, {10,1},{20}) a \${A}.\${B}`,
      reads: ['|a|10.1|', '|a|20.|'],
    },
    {
      what: 'lists and sequences mix',
      text: `~LST({A,B},{1,2},{3,4}) ~SEQ(C,5,6) x\${C}\${A}\${B}`,
      reads: ['|x512|', '|x612|', '|x534|', '|x634|'],
    },
    {
      what: 'what is none of them',
      text: '~SEQ(N) a\n~SEQ(N,1,0,5) a\n~SEQx(N,-1,1) a\n~LST(A) a\n~LST({A,B},{1,2,3}) a\n ~SEQ N\n~SEQ(N,1,2,3,4) a',
      reads: [],
      said: [
        '1:1: expected ~SEQ(NAME, [START, [STEP,]] END)',
        '2:1: ~SEQ never gets from 1 to 5 by 0',
        '3:1: ~SEQx is for numbers from 0 on',
        '4:1: expected ~LST(NAME, VALUE…) or ~LST({NAME, NAME…}, {VALUE, VALUE…}…)',
        '5:1: ~LST has more values in one place than names',
        '6:2: expected ~SEQ(NAME, [START, [STEP,]] END)',
        '7:1: expected ~SEQ(NAME, [START, [STEP,]] END)',
      ],
    },
  ]);
});

describe('included files', () => {
  const files = { '/etc/keepalived/d/1.conf': 'one', '/etc/keepalived/d/2.conf': 'two\ninclude 1.conf' };
  testRows([
    {
      what: 'they stand where they are named, and name others from where they are',
      text: 'a\ninclude d/2.conf\nb',
      files,
      reads: ['|a|', '|two|', '|one|', '|b|'],
    },
    { what: 'patterns name all that match, in order', text: 'include d/*.conf', files, reads: ['|one|', '|two|', '|one|'] },
    {
      what: 'conditions and definitions may say which',
      text: `$F=1\n@main include d/\${F}.conf\n@other include d/2.conf`,
      files,
      reads: ['|one|'],
    },
    { what: 'behind a brace', text: 'a { include d/1.conf\n}', files, reads: ['|a| { |one| }'] },
    { what: 'a block may include', text: '$A= \\\n a { \\\n include d/1.conf \\\n }\n$A', files, reads: ['|a| { |one| }'] },
    {
      what: 'a file that is not there is an error',
      text: 'include x.conf',
      reads: [],
      said: ['1:9: cannot read /etc/keepalived/x.conf: no such file'],
    },
    { what: 'a file that includes itself', text: 'include keepalived.conf', reads: [], said: [`1:9: include loop: ${FILE} → ${FILE}`] },
  ]);

  const severities = (text: string): string[] => read(text).findings.map(({ severity }) => severity);

  test('a pattern that matches nothing is a warning, unless the variant or include_check asks for more', () => {
    assert.deepEqual(severities('include x*'), ['warning']);
    assert.deepEqual(
      ['r', 'm', 'b'].flatMap((variant) => severities(`include${variant} x*`)),
      ['warning', 'warning', 'warning'],
    );
    assert.deepEqual(
      ['w', 'a'].flatMap((variant) => severities(`include${variant} x*`)),
      ['error', 'error'],
    );
    assert.deepEqual(severities('include_check\ninclude x*'), ['error']);
    assert.deepEqual(severities('include_check match\ninclude x*'), ['warning']);
    assert.deepEqual(severities('include_check\ninclude_check -wildcard_match\ninclude x*'), ['warning']);
  });

  test('each alternative in braces is asked for by includeb', () => {
    assert.deepEqual(severities('include {x,y}.conf'), ['warning', 'warning']);
    assert.deepEqual(severities('includeb {x,y}.conf'), ['error', 'error']);
  });

  test('include_check holds to the end of its file', () => {
    const inner = { '/etc/keepalived/b.conf': 'include_check\ninclude x*' };
    const { findings } = read('include b.conf\ninclude y*', inner);
    assert.deepEqual(
      findings.map(({ severity }) => severity),
      ['warning', 'error'],
    );
  });
});

describe('places', () => {
  const placeOf = (text: string, word: string): Place | undefined => {
    const all = (found: readonly Statement[]): Statement[] => found.flatMap((statement) => [statement, ...all(statement.body ?? [])]);
    return all(read(text).read)
      .flatMap(({ words }) => words)
      .find(({ text }) => text === word)?.place;
  };
  const at = (line: number, column: number, usedAt?: Place): Place => ({
    file: FILE,
    line,
    column,
    ...(usedAt === undefined ? {} : { usedAt }),
  });

  const rows: readonly (readonly [what: string, text: string, place: Place])[] = [
    ['behind a value', '$A=long\nx $A HERE', at(2, 6)],
    ['of a value', '$A=HERE\nx $A', at(2, 3)],
    ['on a continued line', 'x \\\n  HERE', at(2, 3)],
    ['behind a condition', '@main HERE', at(1, 7)],
    ['behind a comment sign that is none', 'a\\#b HERE', at(1, 6)],
    ['behind a sequence', '~SEQ(N,1,1) a HERE', at(1, 15)],
    ['behind a value in a sequence', `~SEQ(N,100,100) a \${N} HERE`, at(1, 24)],
    ['in a block that is used', '$A= \\\n a \\\n b HERE\n\n  $A', at(3, 4, at(5, 3))],
    ['in a block in a block', '$A= \\\n a HERE\n$B= \\\n $A\nx { $B\n}', at(2, 4, at(4, 2, at(5, 5)))],
    ['of a value in a block', '$V=HERE\n$A= \\\n a $V\n$A', at(3, 4, at(4, 1))],
    ['behind a brace and a condition', 'x { @main HERE\n}', at(1, 11)],
  ];
  for (const [what, text, place] of rows) test(`the place of a word ${what}`, () => assert.deepEqual(placeOf(text, 'HERE'), place));
});

describe('bounds', () => {
  const said = (text: string): string[] => read(text).findings.map(({ place, message }) => `${place.line}: ${message}`);
  const tooMuch = 'the definitions stand for far too much text';

  test('a sequence that counts for ever is an error', () => {
    assert.deepEqual(said('~SEQ(N,1,9007199254740991) a $N'), [`1: ${tooMuch}`]);
  });

  test('sequences in sequences in sequences are one', () => {
    assert.deepEqual(said('a\n~SEQ(A,1,100000) ~SEQ(B,1,100000) ~SEQ(C,1,100000) b'), [`2: ${tooMuch}`]);
  });

  test('the largest example of the manual is read: 65 024 instances of one line', () => {
    const block = `$VI= \\\n vrrp_instance vi.\${IF}.\${NUM}.\${ID} { \\\n interface bond\${IF}.\${NUM} \\\n virtual_router_id \${ID} \\\n }\n`;
    const report = createReport();
    const text = `${block}~SEQ(IF,0,7) ~SEQ(NUM,0,31) ~SEQ(ID,1,254) $VI\n`;
    const { lines } = expand(FILE, { readFile: () => text, glob: () => [] }, { configId: '' }, report);
    let count = 0;
    for (const _ of statements(lines, report)) count += 1;
    assert.deepEqual([count, report.findings([])], [65_024, []]);
  });
});
