// Routes and rules, of a kernel that does not answer as it should.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../../control/config/kernel.js';
import { Routing } from '../../control/host/routing.js';

const ROUTE: Route = {
  family: 4,
  type: 1,
  table: 254,
  protocol: 18,
  hops: [],
  metrics: [],
  order: 'prepend',
  tracked: true,
  destination: { address: '10.1.0.0', prefixLength: 16 },
  text: '10.1.0.0/16',
  place: { file: 'test', line: 1, column: 1 },
};

test('a kernel that refuses to list routes has not lost them', () => {
  const ask = () => ({ code: 12, error: 'Cannot allocate memory', messages: [] });
  const routing = new Routing({ ask, indexOf: () => 2, bufferBytes: 0 });
  assert.throws(() => routing.missingRoutes([ROUTE]), { message: 'cannot list routes: Cannot allocate memory' });
});

test('of routes it lists, those that it leaves out are missing', () => {
  const routing = new Routing({ ask: () => ({ code: 0, error: '', messages: [] }), indexOf: () => 2, bufferBytes: 0 });
  assert.deepEqual(routing.missingRoutes([ROUTE]), [ROUTE]);
});
