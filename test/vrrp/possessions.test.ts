// What a master has of the host, on real interfaces: taken away by somebody, changed by a reload, left behind by a killed process, on a
// virtual MAC.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { load } from '../../control/config/load.js';
import type { VrrpInstance } from '../../control/config/model.js';
import { guardRules } from '../../control/host/guard.js';
import { ended, eventually, ip, Lab, type Natlb, type Side, sweep } from './lab.js';

const VIP = '10.77.1.100';
const SECOND = '10.77.1.101';

function skip(needsKeepalived = false): string | false {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces';
  if (!existsSync(join(import.meta.dirname, '../../../build/Release/host.node'))) return 'needs the host addon to be built';
  return needsKeepalived && !existsSync('/usr/sbin/keepalived') ? 'needs keepalived' : false;
}

/** As the file would say it. */
function instances(priority: number, inside: string, vips = VIP): readonly VrrpInstance[] {
  const text = instanceText(priority, inside, vips);
  const { config, findings } = load(
    'test.conf',
    () => text,
    () => [],
  );
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  return config?.instances ?? [];
}

function instanceText(priority: number, inside: string, vips: string): string {
  return `vrrp_instance VI_1 {
 interface pub
 virtual_router_id 51
 priority ${priority}
 version 3
 advert_int 0.3
 virtual_ipaddress {
${vips}
}
${inside}
}
`;
}

async function inLab(story: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = new Lab();
  try {
    await story(lab);
  } finally {
    await lab.remove();
  }
}

function ipIn(lab: Lab, side: Side | 'lan', ...words: string[]): string {
  return ip('-n', lab.namespace(side), ...words);
}

/** Of natlb as a whole, not of what does VRRP in it. */
function guard(lab: Lab, side: Side, guarded: readonly VrrpInstance[]): void {
  execFileSync('ip', ['netns', 'exec', lab.namespace(side), 'nft', '-f', '-'], { input: guardRules([], guarded) });
}

const becameMaster = async (router: Natlb) => (await router.status())[0]?.counters.becameMaster;
const resignations = async (router: Natlb) => (await router.status())[0]?.counters.priorityZeroSent;

async function master(lab: Lab, side: Side, wanted: readonly VrrpInstance[]): Promise<Natlb> {
  const router = lab.natlb(side, wanted, [], { host: 'native' });
  await eventually('a master', () => lab.holders(VIP), side);
  return router;
}

before(() => {
  if (!skip()) sweep();
});

describe('what a master holds', { skip: skip(), concurrency: 3 }, () => {
  test('an address that somebody removes makes it step back for a moment, and is there again', () =>
    inLab(async (lab) => {
      const a = await master(lab, 'a', instances(200, ''));
      ipIn(lab, 'a', 'addr', 'del', `${VIP}/32`, 'dev', 'pub');
      await eventually('the return', () => becameMaster(a), 2, 3000);
      await eventually('the address', () => lab.holders(VIP), 'a');
      assert.equal(await resignations(a), 1);
      assert.ok(a.logs.includes(`(VI_1) address ${VIP} of pub was removed by somebody else`), a.logs.join('\n'));
    }));

  test('an address with no_track that somebody removes stays away, and nobody steps back', () =>
    inLab(async (lab) => {
      const a = await master(lab, 'a', instances(200, '', `${VIP}\n${SECOND} no_track`));
      ipIn(lab, 'a', 'addr', 'del', `${SECOND}/32`, 'dev', 'pub');
      ipIn(lab, 'a', 'link', 'set', 'pub', 'mtu', '1400');
      await eventually('the change is heard', async () => (await a.status())[0]?.state, 'master');
      assert.equal(await resignations(a), 0);
      assert.equal(lab.holders(SECOND), '');
    }));

  const ROUTED = `virtual_routes {
 10.99.0.0/16 via 10.77.1.2 src ${VIP}
 blackhole 10.98.0.0/16
}
virtual_rules {
 from ${VIP} table 100 priority 77
}`;

  test('routes and rules come with its addresses, are put back when somebody removes one, and go when it ends', () =>
    inLab(async (lab) => {
      const routes = () => ipIn(lab, 'a', 'route', 'show', 'proto', 'keepalived').trim().replace(/ *\n/g, ' | ');
      const all = `10.99.0.0/16 via 10.77.1.2 dev pub src ${VIP}`;
      const rules = () => ipIn(lab, 'a', 'rule').includes(`77:	from ${VIP} lookup 100`);
      const a = await master(lab, 'a', instances(200, ROUTED));
      await eventually('the routes', routes, `blackhole 10.98.0.0/16 | ${all}`);
      await eventually('the rule', rules, true);
      ipIn(lab, 'a', 'route', 'del', '10.99.0.0/16');
      await eventually('the return', () => becameMaster(a), 2, 3000);
      await eventually('the route', routes, `blackhole 10.98.0.0/16 | ${all}`);
      ipIn(lab, 'a', 'rule', 'del', 'priority', '77');
      await eventually('another return', () => becameMaster(a), 3, 3000);
      await eventually('the rule again', rules, true);
      await a.stop();
      assert.deepEqual([routes(), rules(), lab.holders(VIP)], ['', false, '']);
    }));

  test('what a killed process has left is cleared away by a backup, and taken over by a master', () =>
    inLab(async (lab) => {
      const marks = () =>
        `${lab.holders(VIP)} ${ipIn(lab, 'a', 'route', 'show', 'proto', 'keepalived').split('\n').length - 1} ${ipIn(lab, 'a', 'rule').includes('77:')}`;
      const killed = await master(lab, 'a', instances(200, ROUTED));
      await eventually('all of it', marks, 'a 2 true');
      await ended(killed.child, 'SIGKILL');
      assert.equal(marks(), 'a 2 true');
      const again = await master(lab, 'a', instances(200, ROUTED));
      await eventually('a master again', () => becameMaster(again), 1);
      await eventually('all of it again', marks, 'a 2 true');
      await ended(again.child, 'SIGKILL');
      await master(lab, 'b', instances(250, '')).catch(() => {});
      lab.natlb('a', instances(100, ROUTED), [], { host: 'native' });
      await eventually('nothing left', marks, 'b 0 false');
    }));

  test('a reload that changes addresses, routes, priority and timers changes only those, without an election', () =>
    inLab(async (lab) => {
      const { lines } = lab.capture('pub', 'arp or proto 112');
      await eventually('a capture', () => lines.length >= 0, true);
      const a = await master(lab, 'a', instances(200, ROUTED));
      await eventually('announcements', () => lines.some((line) => line.includes(`tell ${VIP}`)), true);
      lines.length = 0;
      a.reload(instances(150, 'garp_master_refresh 1\nvirtual_routes {\n blackhole 10.98.0.0/16\n}', `${VIP}\n${SECOND}`));
      await eventually('the new address', () => lab.holders(SECOND), 'a');
      await eventually('its announcement', () => lines.some((line) => line.includes(`tell ${SECOND}`)), true);
      await eventually('the new priority', () => lines.some((line) => line.includes('prio 150')), true);
      await eventually('one route less', () => ipIn(lab, 'a', 'route', 'show', 'proto', 'keepalived').trim(), 'blackhole 10.98.0.0/16');
      a.reload(instances(150, '', SECOND));
      await eventually('the old address to go', () => lab.holders(VIP), '');
      assert.equal(lab.holders(SECOND), 'a');
      assert.deepEqual([await becameMaster(a), await resignations(a)], [1, 0]);
      assert.ok(!lines.some((line) => line.includes('prio 0')));
    }));

  test('an interface that vanishes and returns with another index is used again', () =>
    inLab(async (lab) => {
      const a = await master(lab, 'a', instances(200, ROUTED));
      ipIn(lab, 'a', 'link', 'del', 'pub');
      await eventually('FAULT', async () => (await a.status())[0]?.faults.join(), 'interface pub does not exist');
      lab.plug('a', 'pub', 1);
      await eventually('the return', () => lab.holders(VIP), 'a');
      await eventually('its routes', () => ipIn(lab, 'a', 'route', 'show', '10.99.0.0/16').includes('via 10.77.1.2'), true);
    }));

  test('it is in FAULT while an interface of its addresses is down', () =>
    inLab(async (lab) => {
      const a = await master(lab, 'a', instances(200, '', `${VIP}\n10.77.2.100 dev priv`));
      lab.cable('a', 'priv', 'down');
      await eventually('FAULT', async () => (await a.status())[0]?.faults.join(), 'interface priv down');
      lab.cable('a', 'priv', 'up');
      await eventually('the return', () => lab.holders('10.77.2.100'), 'a');
    }));
});

describe('a virtual MAC', { skip: skip(), concurrency: 3 }, () => {
  const MAC = '00:00:5e:00:01:33';

  test('adverts and announcements carry it, the address is on its interface and moves with it', () =>
    inLab(async (lab) => {
      const { lines } = lab.capture('pub', '-e', 'arp or proto 112');
      await eventually('a capture', () => lines.length >= 0, true);
      const a = await master(lab, 'a', instances(200, 'use_vmac'));
      const b = lab.natlb('b', instances(100, 'use_vmac'), [], { host: 'native' });
      await eventually('a backup that hears', async () => ((await b.status())[0]?.counters.advertsReceived ?? 0) > 0, true);
      assert.match(ipIn(lab, 'a', '-o', 'addr', 'show', 'dev', 'vrrp.51'), new RegExp(VIP));
      await eventually(
        'its announcements',
        () => lines.some((line) => line.includes(`${MAC} > ff:ff:ff:ff:ff:ff`) && line.includes(`tell ${VIP}`)),
        true,
      );
      assert.ok(
        lines.some((line) => line.includes(`${MAC} > 01:00:5e:00:00:12`) && line.includes('10.77.1.1 > 224.0.0.18')),
        lines.join('\n'),
      );
      await a.stop();
      await eventually('the takeover', () => lab.holders(VIP), 'b');
      assert.throws(() => ipIn(lab, 'a', 'link', 'show', 'vrrp.51'));
    }));

  test('a host on the network reaches the address by it, before and after the takeover', () =>
    inLab(async (lab) => {
      ipIn(lab, 'lan', 'addr', 'add', '10.77.1.9/24', 'dev', 'pub');
      const reached = () => `${lab.ping('lan', VIP)} ${ipIn(lab, 'lan', 'neigh', 'show', VIP).includes(MAC)}`;
      for (const side of ['a', 'b'] as const) guard(lab, side, instances(200, 'use_vmac'));
      const a = await master(lab, 'a', instances(200, 'use_vmac'));
      lab.natlb('b', instances(100, 'use_vmac'), [], { host: 'native' });
      await eventually('an answer', reached, 'true true');
      await a.stop();
      await eventually('the takeover', () => lab.holders(VIP), 'b');
      await eventually('an answer again', reached, 'true true');
    }));

  test('over IPv6 it is the other range of MACs, and the source is that of the interface below', () =>
    inLab(async (lab) => {
      const { lines } = lab.capture('pub', '-e', 'ip6 proto 112 or icmp6');
      await eventually('a capture', () => lines.length >= 0, true);
      const a = lab.natlb('a', instances(200, 'use_vmac', 'fe80::1:100'), [], { host: 'native' });
      await eventually('a master', () => lab.holders('fe80::1:100'), 'a');
      const b = lab.natlb('b', instances(100, 'use_vmac', 'fe80::1:100'), [], { host: 'native' });
      await eventually('a backup that hears', async () => ((await b.status())[0]?.counters.advertsReceived ?? 0) > 0, true);
      assert.ok(
        lines.some((line) => line.includes('00:00:5e:00:02:33 >') && line.includes('fe80::1:1 > ff02::12')),
        lines.join('\n'),
      );
      await a.stop();
      await eventually('the takeover', () => lab.holders('fe80::1:100'), 'b');
    }));

  test('with vmac_xmit_base adverts have the MAC of the interface itself', () =>
    inLab(async (lab) => {
      const { lines } = lab.capture('pub', '-e', 'proto 112');
      await eventually('a capture', () => lines.length >= 0, true);
      await master(lab, 'a', instances(200, 'use_vmac\nvmac_xmit_base'));
      await eventually('adverts', () => lines.length > 0, true);
      assert.ok(
        lines.every((line) => !line.includes(MAC)),
        lines.join('\n'),
      );
      assert.match(ipIn(lab, 'a', '-o', 'addr', 'show', 'dev', 'vrrp.51'), new RegExp(VIP));
    }));

  test('one that somebody removes is made again', () =>
    inLab(async (lab) => {
      const a = await master(lab, 'a', instances(200, 'use_vmac'));
      ipIn(lab, 'a', 'link', 'del', 'vrrp.51');
      await eventually('the address to go', () => lab.holders(VIP), '', 2000).catch(() => {});
      await eventually('the return', () => lab.holders(VIP), 'a').catch((error) => {
        throw new Error(`${error.message}\n${a.logs.join('\n')}`);
      });
    }));

  test('one that a killed process has left is used again', () =>
    inLab(async (lab) => {
      const index = () => (JSON.parse(ipIn(lab, 'a', '-j', 'link', 'show', 'vrrp.51')) as { ifindex: number }[])[0]?.ifindex;
      const killed = await master(lab, 'a', instances(200, 'use_vmac'));
      const before = index();
      await ended(killed.child, 'SIGKILL');
      const again = await master(lab, 'a', instances(200, 'use_vmac'));
      await eventually('a master', () => becameMaster(again), 1);
      assert.equal(index(), before);
    }));

  test('keepalived with use_vmac hands over to natlb with it, and takes it back', { skip: skip(true) }, () =>
    inLab(async (lab) => {
      const config = instanceText(150, 'use_vmac', VIP);
      const peer = lab.keepalived('b', config);
      await eventually('keepalived as master', () => lab.holders(VIP), 'b');
      const a = lab.natlb('a', instances(100, 'use_vmac'), [], { host: 'native' });
      await eventually('a backup that hears', async () => ((await a.status())[0]?.counters.advertsReceived ?? 0) > 0, true);
      await ended(peer, 'SIGTERM');
      await eventually('the takeover', () => lab.holders(VIP), 'a');
      lab.keepalived('b', config);
      await eventually('the return', () => lab.holders(VIP), 'b');
      assert.equal((await a.status())[0]?.state, 'backup');
    }),
  );
});
