// Addresses and ports that are written together, masks, and what several listeners are together.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addressOf, bitsOf, parseAddress, widthOf } from '../../control/config/address.js';
import { parseRange } from '../../control/config/address-range.js';
import { prefixLengthOf } from '../../control/config/granularity.js';
import { disjoint, listenerText, parsePorts, portsText } from '../../control/config/listeners.js';
import { createReport } from '../../control/config/report.js';
import type { Listener } from '../../dataplane/protocol.js';

const PLACE = { file: 'test.conf', line: 1, column: 1 };

/** First and last address and how many, or what is wrong. */
const RANGES: readonly (readonly [text: string, said: string])[] = [
  ['203.0.113.10', '203.0.113.10 … 203.0.113.10, 1'],
  ['203.0.113.10/32', '203.0.113.10 … 203.0.113.10, 1'],
  ['203.0.113.8/29', '203.0.113.8 … 203.0.113.15, 8'],
  ['203.0.113.250-203.0.114.3', '203.0.113.250 … 203.0.114.3, 10'],
  ['203.0.113.10-12', '203.0.113.10 … 203.0.113.12, 3'],
  ['203.0.113.10-10', '203.0.113.10 … 203.0.113.10, 1'],
  ['2001:db8::/120', '2001:db8:: … 2001:db8::ff, 256'],
  ['2001:db8::1-10', '2001:db8::1 … 2001:db8::10, 16'],
  ['2001:DB8::fffe-2001:db8::1:1', '2001:db8::fffe … 2001:db8::1:1, 4'],
  ['203.0.113.9/29', '203.0.113.9/29 has bits of 203.0.113.9 behind its prefix'],
  ['203.0.113.8/33', "expected a prefix length from 1 to 32, found '33'"],
  ['203.0.113.8/0', "expected a prefix length from 1 to 32, found '0'"],
  ['203.0.113.8/', "expected a prefix length from 1 to 32, found ''"],
  ['203.0.113.10-9', '203.0.113.10-9 ends before it begins'],
  ['203.0.113.10-256', "expected the end of a range, found '256'"],
  ['203.0.113.10-ff', "expected the end of a range, found 'ff'"],
  ['203.0.113.10-2001:db8::1', "expected the end of a range, found '2001:db8::1'"],
  ['2001:db8::1-10000', "expected the end of a range, found '10000'"],
  ['-5', "expected an IP address, found '-5'"],
  ['', "expected an IP address, found ''"],
  ['0.0.0.0/1', 'these are 2147483648 addresses; a service can have 4096'],
];

describe('addresses that are written together', () => {
  for (const [text, said] of RANGES) {
    test(`'${text}': ${said}`, () => {
      const range = parseRange(text);
      assert.equal('length' in range ? `${range[0]?.text} … ${range.at(-1)?.text}, ${range.length}` : range.problem, said);
    });
  }

  test('an address and its bits are the same', () => {
    const family = fc.constantFrom<4 | 6>(4, 6);
    fc.assert(
      fc.property(family, fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (of, bits) => {
        const address = addressOf(of, BigInt.asUintN(widthOf(of), bits));
        assert.deepEqual(parseAddress(address.text), address);
        assert.equal(bitsOf(address), BigInt.asUintN(widthOf(of), bits));
      }),
    );
  });
});

const PORTS: readonly (readonly [text: string, said: string | undefined])[] = [
  ['80', '80'],
  ['80,443', '80 443'],
  ['1:2,5-6', '1-2 5-6'],
  ['0:65535', '0-65535'],
  ['80:80', '80'],
  ['2:1', undefined],
  ['65536', undefined],
  ['80,', undefined],
  [',80', undefined],
  ['http', undefined],
  ['-1', undefined],
  ['', undefined],
];

for (const [text, said] of PORTS) test(`ports '${text}' are ${said}`, () => assert.equal(parsePorts(text)?.map(portsText).join(' '), said));

describe('granularity', () => {
  const read = (text: string, family: 4 | 6) => {
    const report = createReport();
    const length = prefixLengthOf(text, family, PLACE, report);
    return [length, ...report.findings([]).map(({ severity }) => severity)];
  };

  test('every mask of IPv4 is its prefix length', () => {
    for (let length = 1; length <= 32; length += 1) {
      const mask = addressOf(4, (1n << 32n) - (1n << BigInt(32 - length))).text;
      assert.deepEqual(read(mask, 4), [length]);
      assert.deepEqual(read(String(length), 4), [length, 'warning'], 'keepalived means something else by it');
    }
  });

  for (const [text, family, length, severity] of [
    ['64', 6, 64],
    ['1', 6, 1],
    ['128', 6, 128],
    ['0', 6, 128, 'error'],
    ['129', 6, 128, 'error'],
    ['255.255.255.0', 6, 128, 'error'],
    ['0.0.0.0', 4, 32, 'error'],
    ['255.255.0.255', 4, 32, 'error'],
    ['33', 4, 32, 'error'],
    ['ffff::', 6, 128, 'error'],
  ] as const) {
    test(`'${text}' for IPv${family} is ${severity ?? length}`, () =>
      assert.deepEqual(read(text, family), severity === undefined ? [length] : [length, severity]));
  }
});

describe('listeners together', () => {
  const listener = fc.record(
    {
      address: fc.constantFrom('203.0.113.1', '203.0.113.2'),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const),
      ports: fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 })),
    },
    { noNullPrototype: true },
  );
  const listeners = fc.array(
    listener.map(({ address, protocol, ports: [one, other] }): Listener => {
      return { address, protocol, firstPort: Math.min(one, other), lastPort: Math.max(one, other) };
    }),
  );
  const covered = (all: readonly Listener[]): string[] =>
    all.flatMap(({ address, protocol, firstPort, lastPort }) =>
      Array.from({ length: lastPort - firstPort + 1 }, (_, index) => `${protocol} ${address} ${firstPort + index}`),
    );

  test('they cover what each covers, and nothing twice', () => {
    fc.assert(
      fc.property(listeners, (all) => {
        const together = covered(disjoint(all));
        assert.deepEqual(new Set(together), new Set(covered(all)));
        assert.equal(together.length, new Set(together).size, 'nothing twice');
      }),
    );
  });

  test('ports beside each other stay apart', () => {
    const [one, other] = [80, 81].map((port): Listener => ({ address: '203.0.113.1', protocol: 'tcp', firstPort: port, lastPort: port }));
    assert.deepEqual(disjoint([other!, one!, other!]).map(listenerText), ['TCP 203.0.113.1 80', 'TCP 203.0.113.1 81']);
  });
});
