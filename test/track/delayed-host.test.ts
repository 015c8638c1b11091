// interface_up_down_delays on a host whose links go up and down: what VRRP is told of it, and when.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkDelay } from '../../control/config/tracking.js';
import { delayedHost } from '../../control/track/delayed-host.js';
import { until } from '../lab/process.js';

const PLACE = { file: '', line: 1, column: 1 };
const LONG_MS = 3_600_000;

function world(delays: readonly Partial<LinkDelay>[]) {
  const links = new Map([
    ['eth0', true],
    ['eth1', true],
  ]);
  const listeners = new Set<() => void>();
  const host = delayedHost(
    {
      interface: (name: string) => (links.has(name) ? { index: 1, mac: '', up: links.get(name) ?? false, addresses: [] } : undefined),
      addAddress: async () => {},
      removeAddress: async () => {},
      onLinkChange: (listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      hopLimitFilter: () => -1,
      everythingElse: 'as it is',
    } as never as Parameters<typeof delayedHost>[0] & { readonly everythingElse: string },
    delays.map((delay) => ({ interface: 'eth0', downMs: 0, upMs: 0, place: PLACE, ...delay })),
  );
  const told: string[] = [];
  host.onLinkChange(() => told.push(`eth0 ${host.interface('eth0')?.up ? 'up' : 'down'}`));
  const set = (name: string, up: boolean | undefined): void => {
    if (up === undefined) links.delete(name);
    else links.set(name, up);
    for (const listener of [...listeners]) listener();
  };
  return { host, told, set, listeners };
}

test('an interface that is soon back has never been away', () => {
  const { host, told, set } = world([{ downMs: LONG_MS }]);
  set('eth0', false);
  assert.equal(host.interface('eth0')?.up, true);
  set('eth0', true);
  assert.deepEqual(told, ['eth0 up', 'eth0 up']);
  host.endDelays();
});

test('one that stays away is down after its time, and listeners are told then', async () => {
  const { host, told, set } = world([{ downMs: 50, upMs: 50 }]);
  set('eth0', false);
  await until('it is down', 5000, () => told.includes('eth0 down') || undefined);
  set('eth0', true);
  assert.equal(host.interface('eth0')?.up, false);
  await until('it is up', 5000, () => host.interface('eth0')?.up || undefined);
  host.endDelays();
});

test('interfaces without a delay are as they are, and so is everything else of the host', () => {
  const { host, set } = world([{ downMs: LONG_MS }]);
  set('eth1', false);
  assert.equal(host.interface('eth1')?.up, false);
  assert.equal(host.everythingElse, 'as it is');
  host.endDelays();
});

test('one that is not there any more cannot be used, whatever its delay', () => {
  const { host, set } = world([{ downMs: LONG_MS }]);
  set('eth0', undefined);
  assert.equal(host.interface('eth0'), undefined);
  host.endDelays();
});

test('a reload without delays shows what is; and when it ends nobody is told any more', () => {
  const { host, told, set, listeners } = world([{ downMs: LONG_MS }]);
  set('eth0', false);
  host.setDelays([]);
  assert.equal(host.interface('eth0')?.up, false);
  assert.equal(told.at(-1), 'eth0 down');
  host.endDelays();
  assert.equal(listeners.size, 0);
});
