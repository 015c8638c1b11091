// Services that meet on one address: who is told, and what is as it should be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VirtualServer } from '../../control/config/model.js';
import { checkListeners } from '../../control/config/overlap.js';
import { checkRoom } from '../../control/config/room.js';
import type { Listener } from '../../dataplane/protocol.js';
import { virtualServer } from '../health/models.js';

/** `80 443 8000-8999 udp:53`: ports of 203.0.113.10. */
function listeners(words: string): Listener[] {
  return words.split(' ').map((word) => {
    const [, protocol = 'tcp', first = '', last = first] = /^(?:(udp):)?(\d+)(?:-(\d+))?$/.exec(word)!;
    return { address: '203.0.113.10', protocol: protocol as 'tcp' | 'udp', firstPort: Number(first), lastPort: Number(last) };
  });
}

function service(word: string, ports: string, line: number): VirtualServer {
  const mark = /^mark(\d+)$/.exec(word);
  const identity =
    mark === null
      ? ({ kind: 'group', group: word, protocol: 'tcp' } as const)
      : ({ kind: 'fwmark', mark: Number(mark[1]), family: 4 } as const);
  return virtualServer({ identity, listeners: listeners(ports), places: { block: { file: 'test.conf', line, column: 1 } } });
}

interface Row {
  readonly name: string;
  /** `name: ports`, one line each. */
  readonly services: readonly string[];
  readonly findings: readonly string[];
}

const ROWS: readonly Row[] = [
  { name: 'different ports', services: ['one: 80', 'two: 443'], findings: [] },
  { name: 'one port in two protocols', services: ['one: 53', 'two: udp:53'], findings: [] },
  { name: 'a single port within a range is the single port’s', services: ['one: 0-65535', 'two: 80'], findings: [] },
  { name: 'ranges that do not meet', services: ['one: 100-200', 'two: 201-300'], findings: [] },
  {
    name: 'a single port twice',
    services: ['one: 80', 'two: 80'],
    findings: ['2 error: [two]:tcp and [one]:tcp are both for TCP 203.0.113.10 80'],
  },
  {
    name: 'ranges that meet',
    services: ['one: 100-200', 'two: 200-300'],
    findings: ['2 error: [two]:tcp and [one]:tcp are both for TCP 203.0.113.10 200'],
  },
  {
    name: 'a range within a range, told at the later one',
    services: ['one: 150-160', 'two: 0-65535'],
    findings: ['2 error: [two]:tcp and [one]:tcp are both for TCP 203.0.113.10 150-160'],
  },
  {
    name: 'many ports of two services are one mistake',
    services: ['one: 80 81 82', 'two: 80 81 82'],
    findings: ['2 error: [two]:tcp and [one]:tcp are both for TCP 203.0.113.10 80'],
  },
  {
    name: 'a mark takes a single port, wherever it stands',
    services: ['one: 80', 'mark5: 80'],
    findings: ['1 warning: [one]:tcp gets nothing of TCP 203.0.113.10 80: FWM 5 has it first'],
  },
  {
    name: 'a range of a mark takes a single port',
    services: ['mark5: 1-100', 'one: 80'],
    findings: ['2 warning: [one]:tcp gets nothing of TCP 203.0.113.10 80: FWM 5 has it first'],
  },
  { name: 'what a mark leaves over is served', services: ['mark5: 80', 'one: 0-65535'], findings: [] },
  {
    name: 'two marks',
    services: ['mark5: 80', 'mark6: 1-100'],
    findings: ['2 error: FWM 6 and FWM 5 are both for TCP 203.0.113.10 80'],
  },
  { name: 'a service may meet itself', services: ['one: 0-65535 80'], findings: [] },
  { name: 'sixteen ranges', services: [`one: ${ranges(16)}`], findings: [] },
  {
    name: 'seventeen ranges, of two services',
    services: [`one: ${ranges(16)}`, 'two: 60000-60001'],
    findings: ['2 error: TCP 203.0.113.10 has 17 ranges of ports; 16 is the most'],
  },
  { name: 'sixteen ranges in each protocol', services: [`one: ${ranges(16)} udp:1-9`], findings: [] },
];

function ranges(count: number): string {
  return Array.from({ length: count }, (_, index) => `${index * 10}-${index * 10 + 5}`).join(' ');
}

for (const row of ROWS) {
  test(row.name, () => {
    const services = row.services.map((text, index) => {
      const [name = '', ports = ''] = text.split(': ');
      return service(name, ports, index + 1);
    });
    assert.deepEqual(
      checkListeners(services).map(({ severity, place, message }) => `${place.line} ${severity}: ${message}`),
      row.findings,
    );
  });
}

test('more addresses than the data plane has room for', () => {
  const many = (from: number): Listener[] =>
    Array.from({ length: 4096 }, (_, index) => {
      return { address: `10.${from}.${index >> 8}.${index & 255}`, protocol: 'tcp', firstPort: 80, lastPort: 80 };
    });
  const services = [1, 2, 3, 4, 5].map((from) => virtualServer({ address: `10.${from}.0.0`, listeners: many(from) }));
  assert.deepEqual(checkRoom(services.slice(0, 4)), []);
  assert.deepEqual(
    checkRoom(services).map(({ message }) => message),
    ['these are more than 16384 virtual addresses; the data plane has no room for them'],
  );
});
