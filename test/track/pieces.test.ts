// The pieces of tracking: the number in a file, which processes match, and what looks at the data plane say.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DataplaneFact, ParameterMatch, TrackProcess } from '../../control/config/tracking.js';
import { type InterfaceLook, type Look, observe, type Standing } from '../../control/track/dataplane-facts.js';
import { fileValue } from '../../control/track/file-value.js';
import { matches } from '../../control/track/process.js';

const VALUES: readonly (readonly [text: string, value: number | string])[] = [
  ['', 0],
  [' \n', 0],
  ['0\n', 0],
  ['42', 42],
  ['  -7\n', -7],
  ['+3', 3],
  ['12 is enough', 12],
  ['0x1F', 31],
  ['-0x10', -16],
  ['010', 8],
  ['08', 0],
  ['0x', 0],
  ['2147483648', 2_147_483_648],
  ['-2147483648', -2_147_483_648],
  ['2147483649', 'out of range'],
  ['-99999999999999999999', 'out of range'],
  ['1e3', 1],
  ['down', 'rubbish'],
  ['- 5', 'rubbish'],
  ['\0\0', 'rubbish'],
];

describe('the number in a tracked file', () => {
  for (const [text, wanted] of VALUES)
    test(JSON.stringify(text), () => {
      const found = fileValue(text);
      assert.equal(found.kind === 'value' ? found.value : found.kind, wanted);
    });
});

interface Match {
  readonly command: string;
  readonly match: ParameterMatch;
  readonly parameters?: readonly string[];
  readonly full?: false;
  readonly words: string;
  readonly found: boolean;
}

const HAPROXY = '/usr/sbin/haproxy -W -db -f /etc/haproxy.cfg';
const MATCHES: readonly Match[] = [
  { command: 'haproxy', match: 'any', full: false, words: HAPROXY, found: true },
  { command: 'hapro', match: 'any', full: false, words: HAPROXY, found: false },
  { command: '/usr/sbin/haproxy', match: 'any', words: HAPROXY, found: true },
  { command: 'haproxy', match: 'any', words: HAPROXY, found: false },
  { command: '/usr/sbin/haproxy', match: 'exactly', words: HAPROXY, found: false },
  { command: '/usr/sbin/haproxy', match: 'exactly', words: '/usr/sbin/haproxy', found: true },
  { command: '/usr/sbin/haproxy', match: 'exactly', parameters: ['-W', '-db', '-f', '/etc/haproxy.cfg'], words: HAPROXY, found: true },
  { command: '/usr/sbin/haproxy', match: 'exactly', parameters: ['-W', '-db'], words: HAPROXY, found: false },
  { command: '/usr/sbin/haproxy', match: 'first', parameters: ['-W', '-db'], words: HAPROXY, found: true },
  { command: '/usr/sbin/haproxy', match: 'first', parameters: ['-W', '-d'], words: HAPROXY, found: false },
  { command: '/usr/sbin/haproxy', match: 'begun', parameters: ['-W', '-d'], words: HAPROXY, found: true },
  { command: '/usr/sbin/haproxy', match: 'begun', parameters: ['-', '-db'], words: HAPROXY, found: false },
  { command: '/usr/sbin/haproxy', match: 'begun', parameters: ['-W', '-db'], words: '/usr/sbin/haproxy -W', found: false },
];

describe('a process', () => {
  for (const { command, match, parameters = [], full = true, words, found } of MATCHES)
    test(`'${words}' ${found ? 'is' : 'is not'} ${[command, ...parameters].join(' ')} (${match}${full ? '' : ', short name'})`, () => {
      const tracked = { command, match, parameters, fullCommand: full } as TrackProcess;
      assert.equal(matches(tracked, { name: 'haproxy', words: words.split(' ') }), found);
    });
});

/** At which second, what was seen (undefined: no answer), and whether that is well. */
type Row = readonly [second: number, look: Look | undefined, well: boolean];

function look(settings: Partial<Look> & { readonly eth0?: Partial<InterfaceLook> } = {}): Look {
  const eth0 = { received: 0, transmitted: 0, unsent: 0, ...settings.eth0 };
  return { rounds: 1, flows: { entries: 0, capacity: 100 }, ...settings, interfaces: new Map([['eth0', eth0]]) };
}

const worker = (rounds: number): Look => look({ rounds });
const flows = (entries: number, capacity = 100): Look => look({ flows: { entries, capacity } });
const eth0 = (received: number, transmitted: number, unsent = 0): Look => look({ eth0: { received, transmitted, unsent } });

const STORIES: readonly { readonly name: string; readonly fact: DataplaneFact; readonly rows: readonly Row[] }[] = [
  {
    name: 'a worker may miss one look, not two',
    fact: { kind: 'worker' },
    rows: [
      [0, worker(1), true],
      [1, worker(1), true],
      [2, worker(1), false],
      [3, worker(2), true],
      [4, undefined, true],
      [5, undefined, false],
      // A new process counts from the start.
      [6, worker(0), true],
    ],
  },
  {
    name: 'a flow table that was too full has to become clearly emptier',
    fact: { kind: 'flow_table', percent: 80 },
    rows: [
      [0, flows(80), true],
      [1, flows(81), false],
      [2, flows(78), false],
      [3, undefined, false],
      [4, flows(75), true],
      [5, flows(0, 0), true],
    ],
  },
  {
    name: 'an interface is deaf when it sends for ten seconds and nothing comes',
    fact: { kind: 'receive', interface: 'eth0' },
    rows: [
      [0, eth0(5, 0), true],
      [9, eth0(5, 1000), true],
      [10, eth0(5, 1000), false],
      [100, eth0(5, 1000), false],
      [101, eth0(6, 1000), true],
      // A few adverts of our own prove nothing.
      [200, eth0(6, 1009), true],
      [201, eth0(6, 1010), false],
    ],
  },
  {
    name: 'an interface is mute when all it tries fails, until nobody has tried for a minute',
    fact: { kind: 'transmit', interface: 'eth0' },
    rows: [
      [0, eth0(0, 5, 0), true],
      [1, eth0(0, 5, 3), true],
      [2, eth0(0, 5, 6), false],
      [30, eth0(0, 5, 9), false],
      [89, eth0(0, 5, 9), false],
      [90, eth0(0, 5, 9), true],
      [91, eth0(0, 5, 12), true],
      [93, eth0(0, 5, 12), false],
      [94, eth0(0, 6, 13), true],
      // One that is idle is not mute.
      [200, eth0(0, 6, 13), true],
    ],
  },
  {
    name: 'of an interface that is not the data plane’s nothing is known',
    fact: { kind: 'receive', interface: 'eth9' },
    rows: [
      [0, eth0(0, 0), true],
      [100, eth0(0, 1000), true],
    ],
  },
];

describe('looks at the data plane', () => {
  for (const { name, fact, rows } of STORIES)
    test(name, () => {
      let standing: Standing | undefined;
      for (const [second, seen, well] of rows) {
        standing = observe(fact, standing, seen, second * 1000);
        assert.equal(standing.well, well, `after ${second} s`);
      }
    });
});
