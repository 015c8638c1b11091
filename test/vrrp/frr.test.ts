// VRRP between natlb and FRR's vrrpd on real sockets: election, takeover both ways, return, resignation.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { VrrpInstance } from '../../control/config/model.js';
import { Frr, type FrrSettings, hasFrr, VIRTUAL_MAC } from './frr.js';
import { vrrpInstance } from './instance.js';
import { ended, eventually, ip, Lab, type Natlb, sweep } from './lab.js';

interface Dialect {
  readonly name: string;
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly intervalMs: number;
  readonly vips: readonly string[];
}

const DIALECTS: readonly Dialect[] = [
  { name: 'VRRPv2', version: 2, family: 4, intervalMs: 1000, vips: ['10.77.1.100'] },
  { name: 'VRRPv3 over IPv4', version: 3, family: 4, intervalMs: 300, vips: ['10.77.1.100', '10.77.1.101'] },
  { name: 'VRRPv3 over IPv6', version: 3, family: 6, intervalMs: 300, vips: ['fe80::1:100'] },
];

function skip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces';
  return hasFrr() ? false : 'needs FRR below build/frr, which ./setup fetches';
}

before(() => {
  if (!skip()) sweep();
});

/** natlb on side a, FRR on side b, and who asks from the switch. */
class Pair {
  readonly lab = new Lab();
  readonly frr: Frr;
  private readonly dialect: Dialect;
  private readonly settings: VrrpInstance;

  constructor(dialect: Dialect, priorities: { readonly natlb: number; readonly frr: number }) {
    const { version, family, intervalMs, vips } = dialect;
    const settings: FrrSettings = { version, family, intervalMs, addresses: vips, priority: priorities.frr };
    this.dialect = dialect;
    this.settings = vrrpInstance({
      interface: 'pub',
      priority: priorities.natlb,
      version,
      family,
      advertIntervalMs: intervalMs,
      vips,
    });
    this.frr = new Frr(this.lab, 'b', settings);
    const [address, nodad] = family === 4 ? ['10.77.1.254/24', []] : ['fe80::1:fe/64', ['nodad']];
    ip('-n', this.lab.namespace('lan'), 'addr', 'add', address, 'dev', 'pub', ...nodad);
  }

  natlb(): Natlb {
    return this.lab.natlb('a', [this.settings]);
  }

  /** Whose MAC the address has for a neighbour that did not ask anew: the announcement has to have told it. */
  async answers(who: 'natlb' | 'FRR'): Promise<void> {
    for (const vip of this.dialect.vips) {
      await eventually(`who answers at ${vip}`, () => this.holder(vip), who);
    }
  }

  async frrIs(state: 'Master' | 'Backup'): Promise<number> {
    return eventually('FRR', () => this.frr.state(), state, 15_000);
  }

  /** What a backup waits for one that says nothing; for one that has resigned it waits the skew alone. */
  get silentMs(): number {
    return 3 * this.dialect.intervalMs;
  }

  private holder(vip: string): string {
    if (!this.lab.ping('lan', this.dialect.family === 4 ? vip : `${vip}%pub`)) return 'nobody';
    const known = ip('-n', this.lab.namespace('lan'), 'neigh', 'show', 'dev', 'pub', 'to', vip);
    const mac = /lladdr (\S+)/.exec(known)?.[1] ?? '';
    return VIRTUAL_MAC.test(mac) ? 'FRR' : 'natlb';
  }
}

async function inPair(pair: Pair, story: (pair: Pair) => Promise<void>): Promise<void> {
  try {
    await story(pair);
  } finally {
    await pair.lab.remove();
  }
}

describe('natlb with FRR', { skip: skip(), concurrency: 3 }, () => {
  for (const dialect of DIALECTS) {
    test(`${dialect.name}: natlb as master is replaced by FRR when killed or stopped, and takes it back`, () =>
      inPair(new Pair(dialect, { natlb: 150, frr: 100 }), async (pair) => {
        const { frr } = pair;
        const first = pair.natlb();
        await natlbIs(first, 'master');
        frr.start();
        await pair.frrIs('Backup');
        await eventually('FRR hears natlb', async () => (await frr.advertsHeard()) > 3, true);
        await pair.answers('natlb');

        await ended(first.child, 'SIGKILL');
        await pair.frrIs('Master');
        await pair.answers('FRR');

        const second = pair.natlb();
        await natlbIs(second, 'master');
        await pair.frrIs('Backup');
        await pair.answers('natlb');
        assert.equal(await errors(second), 0);

        const stopping = second.stop();
        const took = await pair.frrIs('Master');
        assert.ok(took < pair.silentMs, `FRR answered the resignation after ${took} ms`);
        await stopping;
        await pair.answers('FRR');
      }));

    test(`${dialect.name}: FRR as master is replaced by natlb when killed or stopped, and takes it back`, () =>
      inPair(new Pair(dialect, { natlb: 100, frr: 150 }), async (pair) => {
        const { frr } = pair;
        frr.start();
        await pair.frrIs('Master');
        const natlb = pair.natlb();
        await eventually('natlb hears FRR', async () => (await counters(natlb)).advertsReceived > 3, true);
        await natlbIs(natlb, 'backup');
        await pair.answers('FRR');

        await frr.end('SIGKILL');
        await natlbIs(natlb, 'master');
        await pair.answers('natlb');
        assert.equal((await counters(natlb)).priorityZeroReceived, 0);

        frr.start();
        await pair.frrIs('Master');
        await natlbIs(natlb, 'backup');
        await pair.answers('FRR');

        const resigning = frr.end('SIGTERM');
        const took = await natlbIs(natlb, 'master');
        assert.ok(took < pair.silentMs, `natlb answered the resignation after ${took} ms`);
        await resigning;
        await pair.answers('natlb');
        assert.equal((await counters(natlb)).priorityZeroReceived, 1);
        assert.equal(await errors(natlb), 0);
      }));
  }
});

function natlbIs(router: Natlb, state: string): Promise<number> {
  return eventually('natlb', async () => (await router.status())[0]?.state, state, 15_000);
}

async function counters(router: Natlb) {
  return (await router.status())[0]!.counters;
}

async function errors(router: Natlb): Promise<number> {
  return Object.entries(await counters(router))
    .filter(([name]) => /Errors|invalid|Invalid|Mismatch|Failure|unknown|authExt/.test(name))
    .reduce((sum, [, count]) => sum + count, 0);
}
