// Whatever stands in a file, reading it ends with a value: no exception, no endless expansion, every finding at a place that exists.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { blocksOf } from '../../control/config/keywords/top.js';
import { type Loaded, load } from '../../control/config/load.js';
import type { Place } from '../../control/config/model.js';
import { render } from '../../control/config/render.js';
import { sourceDirectory } from './source-directory.js';

const FILE = 'natlb.conf';

/** Files that include one another, all with the same text. */
function read(text: string): Loaded {
  const files = new Map([FILE, 'a.conf', 'b.conf'].map((name) => [name, text]));
  return load(
    FILE,
    (path) => files.get(path) ?? new Error('no such file'),
    () => ['a.conf', 'b.conf'],
    { configId: 'main' },
  );
}

/** Where it stands, and where the blocks around it were used. */
function placesOf(place: Place | undefined): readonly Place[] {
  return place === undefined ? [] : [place, ...placesOf(place.usedAt)];
}

function assertFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  assert.ok(Object.isFrozen(value));
  for (const held of Object.values(value)) assertFrozen(held);
}

function assertPlacesExist(text: string, { findings }: Loaded): void {
  const lines = text.split('\n');
  for (const finding of findings) {
    for (const { line, column } of placesOf(finding.place)) {
      const length = lines[line - 1]?.length;
      assert.ok(
        length !== undefined && column >= 1 && column <= length + 1,
        `${JSON.stringify(finding)} is outside of ${JSON.stringify(text)}`,
      );
    }
    assert.notEqual(
      render(finding, (_, number) => lines[number - 1]),
      '',
    );
  }
}

function assertReadable(text: string): void {
  const loaded = read(text);
  assertPlacesExist(text, loaded);
  assertFrozen(loaded.config);
  assert.ok(loaded.config !== undefined || loaded.findings.some(({ severity }) => severity === 'error'));
}

const KEYWORDS = `virtual_server_group firewall_mark firewall_rules fwmark persistence_timeout persistence_granularity timeouts sh-port ops
  global_defs vrrp_instance virtual_ipaddress interface virtual_router_id virtual_server real_server HTTP_GET url path status_code
  TCP_CHECK natlb metrics authentication vrrp_sync_group group quorum lb_algo protocol weight vrrp_script script`.split(/\s+/);
const PIECES = [
  ...[
    '{',
    '}',
    ' { ',
    ' }\n',
    '\n',
    '\n',
    ' ',
    '\t',
    '"',
    '\\',
    '\\\n',
    '#',
    '!',
    '$A',
    `\${A}`,
    '${',
    '$A=',
    '@main ',
    '@^main ',
    '@',
    '\r\n',
  ],
  ...[
    '10.0.0.1',
    '10.0.0.1/24',
    '2001:db8::1',
    '::',
    '80',
    '-1',
    '1.5',
    '99999999999',
    '10.0.0.1-5',
    '10.0.0.0/30',
    '80,443',
    'TCP',
    'eth0',
    'MASTER',
    'on',
    '\u0000',
    'é',
    '😀',
    '__proto__',
  ],
  ...['~SEQ(A,1,3) ', '~SEQx(A,0,0xf) ', '~SEQ(', '~LST({A,B},{1,2},{3}) ', '~LST(A,x,y) ', `\${_RANDOM 1 9}`, `\${_ENV HOME}`, `\${_PWD}`],
  ...['$C= \\\n weight 1 \\\n }\n', '$C\n', 'includea x*\n', 'include_check +match\n', 'random_seed 7\n', "'", '\\#'],
  ...['include a.conf\n', 'include *.conf\n', 'include natlb.conf\n', '$A= \\\n', '$A=$A$B\n', `$B=\${A}\n`],
];
const soup = fc.array(
  fc.oneof(
    fc.constantFrom(...PIECES),
    fc.constantFrom(...KEYWORDS).map((word) => `${word} `),
  ),
  { maxLength: 60 },
);

test('reading never throws and every finding has a place in the text: words at random', () => {
  fc.assert(
    fc.property(soup, (pieces) => assertReadable(pieces.join(''))),
    { numRuns: 2000 },
  );
});

test('reading never throws and every finding has a place in the text: characters at random', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => assertReadable(text)),
    { numRuns: 1000 },
  );
});

const directory = sourceDirectory('errors');
const examples = [
  ...readdirSync(directory),
  '../golden/guide.conf',
  '../golden/natlb.conf',
  '../golden/services.conf',
  '../golden/expansion.conf',
]
  .filter((name) => name.endsWith('.conf'))
  .map((name) => readFileSync(join(directory, name), 'utf8'));

test('reading never throws and every finding has a place in the text: real configurations, damaged', () => {
  const damage = fc.tuple(
    fc.constantFrom(...examples),
    fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(30), fc.constantFrom('', ...PIECES))),
  );
  fc.assert(
    fc.property(damage, ([text, cuts]) => {
      let damaged = text;
      for (const [share, length, piece] of cuts) {
        const at = Math.floor(share * damaged.length);
        damaged = damaged.slice(0, at) + piece + damaged.slice(at + length);
      }
      assertReadable(damaged);
    }),
    { numRuns: 500 },
  );
});

test('what is found does not depend on how lines end', () => {
  for (const text of examples) {
    assert.deepEqual(read(text.replaceAll('\n', '\r\n')), read(text));
  }
});

test('a keyword that belongs elsewhere is known to belong there', () => {
  assert.deepEqual(blocksOf('auth_pass'), ['authentication']);
  assert.deepEqual(blocksOf('nonsense'), []);
});

const MEGABYTES = 10 * 1024 * 1024;
const filled = (unit: string): string => unit.repeat(Math.ceil(MEGABYTES / unit.length));

const server = 'real_server 10.0.0.1 80 {\n  weight 1\n}\n';
const HOSTILE: readonly (readonly [name: string, text: string, said: RegExp])[] = [
  ['blocks in blocks', filled('a {\n'), /more than 100 deep/],
  ['closing braces', filled('}'), /'}' without a '{'/],
  ['unknown words', filled('nonsense 1 2 3\n'), /unknown keyword/],
  ['one word', filled('x'), /unknown keyword 'x{60}…'/],
  ['a quote that never ends', `router_id "${filled('x')}`, /does not end/],
  ['a line that never ends', filled('a \\\n'), /unknown keyword/],
  ['control characters at the end', `${filled('# text\n')}\u0000`, /not a text file/],
  ['references to nothing', filled(`\${a}`), /not defined/],
  ['the same server over and over', `virtual_server 10.0.0.9 80 {\n${filled(server)}}`, /stands twice/],
  [
    'definitions that double',
    `$V0=\n${Array.from({ length: 40 }, (_, i) => `$V${i + 1}=\${V${i}}\${V${i}}\n`).join('')}\${V40}\n`,
    /far too much text/,
  ],
  [
    'lines that double',
    `$V0=\n${Array.from({ length: 30 }, (_, i) => `$V${i + 1}= \\\n\${V${i}}\\\n\${V${i}}\n`).join('')}$V30\n`,
    /far too much text/,
  ],
];

for (const [name, text, said] of HOSTILE) {
  test(`ten megabytes are answered with a message at a place: ${name}`, () => {
    const loaded = load(
      FILE,
      () => text,
      () => [],
    );
    assert.match(loaded.findings.map(({ message }) => message).join('\n'), said);
    assert.ok(loaded.findings.length < 2100);
  });
}

test('ten megabytes of services are read whole, and are too many for the data plane', () => {
  const service = (index: number): string => {
    const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
    return `virtual_server ${address} 80 {\n  protocol TCP\n  lb_algo rr\n  lb_kind NAT\n  real_server 192.0.2.1 80 {\n    TCP_CHECK {\n      connect_timeout 3\n    }\n  }\n}\n`;
  };
  const count = Math.ceil(MEGABYTES / service(0).length);
  const text = Array.from({ length: count }, (_, index) => service(index)).join('');
  const { config, findings } = load(
    FILE,
    () => text,
    () => [],
  );
  assert.deepEqual(
    findings.map(({ place, message }) => [place.line, message]),
    ['virtual servers', 'virtual addresses'].map((what) => [
      16_384 * 10 + 1,
      `these are more than 16384 ${what}; the data plane has no room for them`,
    ]),
  );
  assert.equal(config?.virtualServers.length, count);
});
