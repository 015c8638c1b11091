// The driver on a host that only remembers: what it forgets, and what it takes away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { startVrrp } from '../../control/vrrp/driver.js';
import type { InterfaceAddress, VrrpHost } from '../../control/vrrp/host.js';
import { Possessions } from '../../control/vrrp/possessions.js';
import { virtualAddress, vrrpGlobal, vrrpInstance } from './instance.js';

/** With or without the interface it is asked for. */
function memory(isThere: boolean): { readonly host: VrrpHost; readonly there: Set<string> } {
  const there = new Set<string>();
  const host: VrrpHost = {
    interface: () => (isThere ? { index: 2, mac: '02:00:00:00:00:01', up: true, addresses: [...there].map(held) } : undefined),
    addAddress: async (_, address) => void there.add(address),
    removeAddress: async (_, address) => void there.delete(address),
    onLinkChange: () => () => {},
    hopLimitFilter: () => -1,
  };
  return { host, there };
}

function held(address: string): InterfaceAddress {
  return { address, prefixLength: 32, family: 4, scope: 'global' };
}

test('an instance that is configured again begins without the faults it once had', async () => {
  const [instances, syncGroups, global] = [[vrrpInstance()], [], vrrpGlobal()];
  const vrrp = startVrrp({ config: { instances, syncGroups, global }, host: memory(false).host, log: () => {}, onChange: () => {} });
  vrrp.fault('tracked script chk fails', 'VI_1');
  vrrp.fault('data plane');
  for (const configured of [[], instances]) {
    vrrp.reload({ instances: configured, syncGroups, global });
    await turn();
  }
  const faults = vrrp.status().map((instance) => instance.faults);
  await vrrp.close();
  assert.deepEqual(faults, [['interface eth0 does not exist', 'data plane']]);
});

const ONE = vrrpInstance({ name: 'VI_1', vips: ['10.0.0.10', '10.0.0.11'] });
const OTHER = vrrpInstance({ name: 'VI_2', vips: [] });

test('an address that another instance has taken over meanwhile stays where it is', async () => {
  const { host, there } = memory(true);
  const possessions = new Possessions({ host, log: () => {}, lost: () => {}, lookAgain: () => {} });
  await possessions.claim(ONE);
  await possessions.claim({ ...OTHER, addresses: [virtualAddress('10.0.0.10')] });
  await possessions.claim({ ...ONE, addresses: [virtualAddress('10.0.0.11')] });
  assert.deepEqual([...there], ['10.0.0.10', '10.0.0.11']);
  await possessions.release({ ...ONE, addresses: [virtualAddress('10.0.0.10')] });
  assert.deepEqual([...there], ['10.0.0.10']);
  await possessions.release({ ...OTHER, addresses: [virtualAddress('10.0.0.10')] });
  assert.deepEqual([...there], []);
  possessions.close({ release: true });
});
