// The flow table read piece by piece, and by what was asked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryRouter } from '../../dataplane/addon.js';
import type { FlowEntry, FlowFilter } from '../../dataplane/protocol.js';
import { connect, router } from './router.js';

function filled(): MemoryRouter {
  const made = router();
  for (let port = 1; port <= 6; port++) connect(made, 'tcp', '198.51.100.7', 40_000 + port, '203.0.113.10', 80);
  connect(made, 'tcp', '198.51.100.8', 40_000, '203.0.113.10', 443);
  connect(made, 'udp', '198.51.100.9', 40_000, '203.0.113.10', 53);
  connect(made, 'tcp', '2001:db8:1::7', 40_000, '2001:db8::10', 80);
  return made;
}

function all(from: MemoryRouter, count: number, filter: FlowFilter = {}): readonly (readonly FlowEntry[])[] {
  const pieces: (readonly FlowEntry[])[] = [];
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const piece = from.flowPiece({ cursor, count, listed: true, filter });
    assert.equal(piece.matched, piece.flows.length);
    pieces.push(piece.flows);
    cursor = piece.next;
  }
  return pieces;
}

test('flow pieces: pieces are as long as was asked, and together the whole table', () => {
  const from = filled();
  const pieces = all(from, 4);
  assert.deepEqual(
    pieces.map((piece) => piece.length),
    [4, 4, 2],
  );
  assert.deepEqual(pieces.flat(), from.flows());
});

test('flow pieces: a piece that ends with the table is the last', () => {
  assert.deepEqual(all(filled(), 10).length, 1);
  assert.deepEqual(all(router(), 10), [[]]);
});

test('flow pieces: to count them none is listed', () => {
  const { flows, matched, next } = filled().flowPiece({ cursor: 0, count: 2, listed: false, filter: {} });
  assert.deepEqual({ flows, matched, next }, { flows: [], matched: 10, next: undefined });
});

test('flow pieces: a cursor behind the end is the end', () => {
  assert.deepEqual(filled().flowPiece({ cursor: 4_000_000, count: 2, listed: true, filter: {} }), { flows: [], matched: 0 });
});

const at = (address: string, port = 0) => ({ address, port });

const FILTERS: readonly { readonly name: string; readonly filter: FlowFilter; readonly matched: number }[] = [
  { name: 'everything', filter: {}, matched: 10 },
  { name: 'a service by name, its template with it', filter: { name: 'tcp 203.0.113.10 443' }, matched: 2 },
  { name: 'a service by address and port', filter: { service: at('203.0.113.10', 80) }, matched: 6 },
  { name: 'a service of another address', filter: { service: at('203.0.113.11', 80) }, matched: 0 },
  { name: 'a client', filter: { client: { ...at('198.51.100.7'), prefixLength: 32 } }, matched: 6 },
  { name: 'a client and its port', filter: { client: { ...at('198.51.100.7', 40_002), prefixLength: 32 } }, matched: 1 },
  { name: 'a network, whatever stands behind its prefix', filter: { client: { ...at('198.51.100.200'), prefixLength: 24 } }, matched: 9 },
  { name: 'a prefix within a byte', filter: { client: { ...at('198.51.100.8'), prefixLength: 31 } }, matched: 2 },
  { name: 'all of IPv4 and nothing else', filter: { client: { ...at('0.0.0.0'), prefixLength: 0 } }, matched: 9 },
  { name: 'a network of IPv6', filter: { client: { ...at('2001:db8:1::'), prefixLength: 48 } }, matched: 1 },
  { name: 'a port that no template has', filter: { client: { ...at('198.51.100.0', 1), prefixLength: 24 } }, matched: 0 },
  { name: 'a state', filter: { state: 'UDP' }, matched: 1 },
  { name: 'a server and its port', filter: { server: at('fd00::1', 8080) }, matched: 1 },
  { name: 'a server at another port', filter: { server: at('fd00::1', 8081) }, matched: 0 },
  { name: 'all at once', filter: { service: at('203.0.113.10', 80), server: at('10.11.12.1'), state: 'SYN_RECV' }, matched: 3 },
];

for (const { name, filter, matched } of FILTERS) {
  test(`flow pieces: by ${name}: ${matched}`, () => {
    assert.equal(all(filled(), 100, filter).flat().length, matched);
    assert.equal(filled().flowPiece({ cursor: 0, count: 1, listed: false, filter }).matched, matched);
  });
}

const MISUSE: readonly { readonly filter: FlowFilter; readonly error: RegExp }[] = [
  { filter: { state: 'ESTABLISHD' }, error: /no flow has the state ESTABLISHD/ },
  { filter: { server: at('web') }, error: /not an IP address: web/ },
  { filter: { client: { ...at('10.0.0.1'), prefixLength: 33 } }, error: /a prefix longer than the address/ },
];

for (const { filter, error } of MISUSE) {
  test(`flow pieces: ${JSON.stringify(filter)} is refused`, () => assert.throws(() => all(router(), 1, filter), error));
}
