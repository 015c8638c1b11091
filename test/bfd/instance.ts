// BFD sessions for tests, with what matters to each said by the test.

import type { BfdInstance } from '../../control/config/tracking.js';

export function bfdInstance(settings: Partial<BfdInstance> = {}): BfdInstance {
  return {
    name: 'gw',
    neighbor: '192.0.2.254',
    family: 4,
    minRxMs: 100,
    minTxMs: 100,
    idleTxMs: 1000,
    multiplier: 5,
    passive: false,
    multihop: false,
    ttl: 255,
    leastTtl: 255,
    vrrp: true,
    checker: true,
    weight: 0,
    reverse: false,
    places: {},
    ...settings,
  };
}
