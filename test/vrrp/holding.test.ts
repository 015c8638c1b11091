// What one holder has, on a host that only remembers: what is asked of it, and how often.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../../control/config/kernel.js';
import { Holding, type Wanted } from '../../control/vrrp/holding.js';
import type { HostInterface, VrrpHost } from '../../control/vrrp/host.js';

const ADDRESSES = Array.from({ length: 300 }, (_, i) => ({ address: `10.0.${i >> 8}.${i & 255}`, prefixLength: 32, device: 'eth0' }));

function wanted(parts: Partial<Wanted> = {}): Wanted {
  return { addresses: ADDRESSES.slice(0, 2), routes: [], rules: [], ...parts };
}

function route(destination: string): Route {
  const place = { file: 'test', line: 1, column: 1 };
  const rest = { family: 4, type: 1, table: 254, protocol: 18, hops: [], metrics: [], order: 'prepend', tracked: true } as const;
  return { ...rest, destination: { address: destination, prefixLength: 16 }, text: `${destination}/16`, place };
}

class Memory {
  readonly asked: string[] = [];
  readonly logs: string[] = [];
  readonly there = new Set<string>();
  refused: string | undefined;
  onNews = () => {};

  readonly host: VrrpHost = {
    interface: () => this.link(),
    addAddress: async (name, address) => this.act(`add ${address} ${name}`, () => this.there.add(address)),
    removeAddress: async (name, address) => this.act(`remove ${address} ${name}`, () => this.there.delete(address)),
    onLinkChange: () => () => {},
    hopLimitFilter: () => -1,
    kernel: {
      addRoute: ({ text }) => this.act(`add ${text}`, () => this.there.add(text)),
      removeRoute: ({ text }) => this.act(`remove ${text}`, () => this.there.delete(text)),
      addRule: () => {},
      removeRule: () => {},
      missingRoutes: (routes) => routes.filter(({ text }) => !this.there.has(text)),
      missingRules: () => [],
      onRouteChange: () => () => {},
      ensureVirtualMac: () => {},
      removeVirtualMac: () => {},
      promoteSecondaries: () => () => {},
    },
  };

  readonly holding = new Holding({ host: this.host, log: (text) => this.logs.push(text) });

  private link(): HostInterface {
    const addresses = [...this.there].map((address) => ({ address, prefixLength: 32, family: 4 as const, scope: 'global' }));
    return { index: 2, mac: '02:00:00:00:00:01', up: true, addresses };
  }

  private act(what: string, change: () => void): void {
    this.asked.push(what);
    if (this.refused !== undefined && what.includes(this.refused)) throw new Error(`cannot ${what}`);
    change();
    this.onNews();
  }
}

test('what is wanted is added, addresses before routes, and goes the other way round', async () => {
  const { holding, asked } = new Memory();
  await holding.claim(wanted({ routes: [route('10.1.0.0')] }));
  await holding.release();
  assert.deepEqual(asked, [
    'add 10.0.0.0 eth0',
    'add 10.0.0.1 eth0',
    'add 10.1.0.0/16',
    'remove 10.1.0.0/16',
    'remove 10.0.0.1 eth0',
    'remove 10.0.0.0 eth0',
  ]);
});

test('of another wish only the difference is asked for', async () => {
  const { holding, asked } = new Memory();
  await holding.claim(wanted({ routes: [route('10.1.0.0')] }));
  asked.length = 0;
  await holding.claim(wanted({ addresses: ADDRESSES.slice(1, 3), routes: [route('10.1.0.0')] }));
  assert.deepEqual(asked, ['remove 10.0.0.0 eth0', 'add 10.0.0.2 eth0']);
});

test('hundreds of addresses are added once each, though the host tells of every one', async () => {
  const memory = new Memory();
  memory.onNews = () => {
    assert.deepEqual(memory.holding.lost(), []);
    void memory.holding.addMissing();
  };
  await memory.holding.claim(wanted({ addresses: ADDRESSES }));
  assert.equal(memory.asked.length, ADDRESSES.length);
});

test('what is gone is told once, and can be added again', async () => {
  const { holding, there, asked } = new Memory();
  await holding.claim(wanted({ routes: [route('10.1.0.0')] }));
  there.delete('10.0.0.1');
  there.delete('10.1.0.0/16');
  assert.deepEqual(holding.lost(), ['address 10.0.0.1 of eth0', 'route 10.1.0.0/16']);
  assert.deepEqual(holding.lost(), []);
  asked.length = 0;
  await holding.addMissing();
  assert.deepEqual(asked, ['add 10.0.0.1 eth0', 'add 10.1.0.0/16']);
});

test('what the kernel tells of later has not gone before it came (an IPv6 address)', async () => {
  const memory = new Memory();
  const { holding, there } = memory;
  memory.host.addAddress = async () => {};
  await holding.claim(wanted({ addresses: ADDRESSES.slice(0, 1) }));
  assert.deepEqual(holding.lost(), []);
  there.add('10.0.0.0');
  assert.deepEqual(holding.lost(), []);
  there.delete('10.0.0.0');
  assert.deepEqual(holding.lost(), ['address 10.0.0.0 of eth0']);
});

test('what is refused is tried again and logged once, and is no loss; the others come all the same', async () => {
  const memory = new Memory();
  memory.refused = '10.0.0.0';
  await memory.holding.claim(wanted());
  await memory.holding.addMissing();
  assert.deepEqual(memory.logs, ['cannot add 10.0.0.0 eth0']);
  assert.deepEqual(memory.holding.lost(), []);
  memory.refused = undefined;
  await memory.holding.addMissing();
  assert.deepEqual([...memory.there], ['10.0.0.1', '10.0.0.0']);
});

test('a release names also what a killed process may have left', async () => {
  const { holding, asked } = new Memory();
  await holding.release(wanted({ routes: [route('10.1.0.0')] }));
  assert.deepEqual(asked, ['remove 10.1.0.0/16', 'remove 10.0.0.1 eth0', 'remove 10.0.0.0 eth0']);
});

test('a host that takes no routes says so, and holds the addresses', async () => {
  const memory = new Memory();
  const { kernel: _, ...plain } = memory.host;
  const holding = new Holding({ host: plain, log: (text) => memory.logs.push(text) });
  await holding.claim(wanted({ routes: [route('10.1.0.0')] }));
  assert.deepEqual(memory.logs, ['this host takes no routes and no rules']);
  assert.equal(memory.there.size, 2);
});

test('a release is the last word over what is just being added again', async () => {
  const { holding, there, asked } = new Memory();
  await holding.claim(wanted({ addresses: ADDRESSES.slice(0, 4) }));
  there.clear();
  holding.lost();
  await Promise.all([holding.addMissing(), holding.release(wanted({ addresses: ADDRESSES.slice(0, 4) }))]);
  assert.deepEqual([...there], []);
  asked.length = 0;
  await holding.claim(wanted());
  assert.deepEqual(asked, ['add 10.0.0.0 eth0', 'add 10.0.0.1 eth0']);
});

test('while the kernel cannot be asked nothing counts as gone', async () => {
  const memory = new Memory();
  const kernel = memory.host.kernel as NonNullable<VrrpHost['kernel']>;
  const missingRoutes = () => {
    throw new Error('cannot list routes: too many open files');
  };
  const holding = new Holding({ host: { ...memory.host, kernel: { ...kernel, missingRoutes } }, log: (text) => memory.logs.push(text) });
  await holding.claim(wanted({ routes: [route('10.1.0.0')] }));
  assert.deepEqual([holding.lost(), holding.lost()], [[], []]);
  assert.deepEqual(memory.logs, ['cannot list routes: too many open files']);
});
