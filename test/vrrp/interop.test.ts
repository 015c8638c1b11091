// VRRP between natlb and natlb, and between natlb and Debian's keepalived, on real sockets.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { VrrpInstance } from '../../control/config/model.js';
import type { VrrpCounters } from '../../control/status.js';
import { encode } from '../../control/vrrp/encode.js';
import { unicastPeer, vrrpInstance } from './instance.js';
import { ended, eventually, ip, Lab, type Natlb, sweep } from './lab.js';
import { ipv6Packet, overIpv4 } from './packets.js';

const VIP = '10.77.1.100';
const PRIVATE_VIP = '10.77.2.100';
const VIP6 = 'fe80::1:100';

function skip(needsKeepalived: boolean): string | false {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces';
  return needsKeepalived && !existsSync('/usr/sbin/keepalived') ? 'needs keepalived' : false;
}

/** Seen from dist/test/vrrp. */
function skipWithoutAddon(): string | false {
  return existsSync(join(import.meta.dirname, '../../../build/Release/host.node')) ? false : 'needs the host addon to be built';
}

function instance(priority: number, settings: Parameters<typeof vrrpInstance>[0] = {}): VrrpInstance {
  return vrrpInstance({ interface: 'pub', priority, version: 3, advertIntervalMs: 300, vips: [VIP], ...settings });
}

async function inLab(story: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = new Lab();
  try {
    await story(lab);
  } finally {
    await lab.remove();
  }
}

before(() => {
  if (!skip(false)) sweep();
});

describe('natlb with natlb', { skip: skip(false), concurrency: 3 }, () => {
  test('the higher priority is master, hands over at once when stopped, and takes it back [9568-20 9568-33]', () =>
    inLab(async (lab) => {
      const a = lab.natlb('a', [instance(150)]);
      const b = lab.natlb('b', [instance(100)]);
      await eventually('the first master', () => lab.holders(VIP), 'a');
      await follows(b);
      await a.stop();
      const took = await eventually('the takeover', () => lab.holders(VIP), 'b');
      assert.ok(took < 3 * 300, `a resignation was answered after ${took} ms, not after the skew time`);
      lab.natlb('a', [instance(150)]);
      await eventually('the return', () => lab.holders(VIP), 'a');
      const line = '(VI_1) Master received advert from 10.77.1.1 with higher priority 150, ours 100';
      await eventually('its log', () => b.logs.includes(line), true);
    }));

  test('a killed master is replaced, and clears away its addresses when it comes back as a backup', () =>
    inLab(async (lab) => {
      const a = lab.natlb('a', [instance(150)]);
      await eventually('the first master', () => lab.holders(VIP), 'a');
      await follows(lab.natlb('b', [instance(100)]));
      await ended(a.child, 'SIGKILL');
      await eventually('the takeover, with the dead router still holding the address', () => lab.holders(VIP), 'ab');
      lab.natlb('a', [instance(50)]);
      await eventually('one holder again', () => lab.holders(VIP), 'b');
    }));

  test('in a sync group a cut cable on one side moves the addresses of both', () =>
    inLab(async (lab) => {
      const pair = (priority: number) => [
        instance(priority, { name: 'PUBLIC' }),
        instance(priority, { name: 'PRIVATE', interface: 'priv', virtualRouterId: 52, vips: [PRIVATE_VIP] }),
      ];
      const both = () => `${lab.holders(VIP)} ${lab.holders(PRIVATE_VIP)}`;
      const a = lab.natlb('a', pair(150), ['PUBLIC', 'PRIVATE']);
      const b = lab.natlb('b', pair(100), ['PUBLIC', 'PRIVATE']);
      await eventually('one master of both', both, 'a a');
      await follows(b);
      lab.cable('a', 'priv', 'down');
      await eventually('the takeover of both', both, 'b b');
      assert.deepEqual(
        (await a.status()).map(({ state, faults, group }) => ({ state, faults, group })),
        [
          { state: 'fault', faults: ['sync group member PRIVATE is in FAULT'], group: 'VG1' },
          { state: 'fault', faults: ['interface priv down'], group: 'VG1' },
        ],
      );
      lab.cable('a', 'priv', 'up');
      await eventually('the return of both', both, 'a a');
    }));

  test('a fault of natlb itself hands over at once, and ends when it is recovered from [9568-33]', () =>
    inLab(async (lab) => {
      const a = lab.natlb('a', [instance(150)]);
      const b = lab.natlb('b', [instance(100)]);
      await eventually('the first master', () => lab.holders(VIP), 'a');
      await follows(b);
      a.tell('fault data plane died');
      const took = await eventually('the takeover', () => lab.holders(VIP), 'b');
      assert.ok(took < 3 * 300, `taken over after ${took} ms`);
      assert.deepEqual((await a.status())[0]?.faults, ['data plane died']);
      assert.equal((await a.status())[0]?.counters.priorityZeroSent, 1);
      a.tell('recovered data plane died');
      await eventually('the return', () => lab.holders(VIP), 'a');
    }));

  test('an interface taken down while it is announced on ends neither the process nor its later announcements', () =>
    inLab(async (lab) => {
      const { lines } = lab.capture('pub', 'arp or proto 112');
      await eventually('a capture', () => lines.length >= 0, true);
      const a = lab.natlb('a', [instance(150)]);
      await eventually('the first master', () => lab.holders(VIP), 'a');
      await eventually('announcements', () => lines.filter((line) => line.includes(`tell ${VIP}`)).length >= 5, true);
      ip('-n', lab.namespace('a'), 'link', 'set', 'pub', 'down');
      await eventually('FAULT', async () => (await a.status())[0]?.state, 'fault');
      lines.length = 0;
      ip('-n', lab.namespace('a'), 'link', 'set', 'pub', 'up');
      await eventually('announcements again', () => lines.filter((line) => line.includes(`tell ${VIP}`)).length >= 5, true);
    }));

  test('routers that disagree on the VRRPv3 checksum still agree on one master, and count what they hear', () =>
    inLab(async (lab) => {
      const a = lab.natlb('a', [instance(150, { v3ChecksumAsV2: true })]);
      const b = lab.natlb('b', [instance(100)]);
      await eventually('one master', () => lab.holders(VIP), 'a');
      const heard = async () => (await b.status())[0]?.checksumForms;
      await eventually('a count', async () => ((await heard())?.['message-only'] ?? 0) > 0, true);
      assert.equal((await heard())?.['with-pseudo-header'], 0);
      await a.stop();
      await eventually('the takeover', () => lab.holders(VIP), 'b');
    }));

  const announced: readonly { name: string; settings: Parameters<typeof vrrpInstance>[0]; line: string }[] = [
    { name: 'in ARP', settings: {}, line: `Request who-has ${VIP} (ff:ff:ff:ff:ff:ff) tell ${VIP}` },
    {
      name: 'in neighbour discovery',
      settings: { family: 6, vips: [VIP6] },
      line: `${VIP6} > ff02::1: ICMP6, neighbor advertisement, tgt is ${VIP6}`,
    },
  ];
  for (const { name, settings, line } of announced) {
    test(`a new master sends its advert before it announces ${name}`, () =>
      inLab(async (lab) => {
        const { lines } = lab.capture('pub', 'arp or icmp6 or proto 112 or ip6 proto 112');
        lab.natlb('a', [instance(150, settings)]);
        const isAnnouncement = (each: string) => each.includes(line);
        await eventually('announcements', () => lines.filter(isAnnouncement).length >= 5, true);
        const advert = lines.findIndex((each) => each.includes('VRRPv3, Advertisement, vrid 51, prio 150'));
        assert.ok(advert >= 0 && advert < lines.findIndex(isAnnouncement), lines.join('\n'));
      }));
  }

  test('malformed adverts by the hundred are counted by reason, logged once each, and move nobody [9568-17]', () =>
    inLab(async (lab) => {
      const own = instance(150);
      const a = lab.natlb('a', [own]);
      await eventually('the first master', () => lab.holders(VIP), 'a');
      const better = { ...own, priority: 200 };
      const source = { source: '10.77.1.2' };
      const bad: readonly [counter: keyof VrrpCounters, packet: Uint8Array][] = [
        ['ttlErrors', overIpv4(encode(better, 200, '10.77.1.2'), { ...source, ttl: 254 }).packet],
        ['checksumErrors', overIpv4(encode(better, 200, '10.77.1.3'), source).packet],
        ['versionErrors', overIpv4(encode({ ...better, version: 2 }, 200, '10.77.1.2'), source).packet],
        ['lengthErrors', overIpv4(encode(better, 200, '10.77.1.2').subarray(0, 5), source).packet],
        ['unknownVrid', overIpv4(encode({ ...better, virtualRouterId: 9 }, 200, '10.77.1.2'), source).packet],
        ['addressListErrors', overIpv4(encode({ ...better, addresses: [] }, 200, '10.77.1.2'), source).packet],
      ];
      for (let round = 0; round < 5; round++) {
        await lab.inject('b', 'pub', Array.from({ length: 20 }, () => bad.map(([, packet]) => packet)).flat());
      }
      const counters = async () => (await a.status())[0]!.counters;
      for (const [name] of bad) await eventually(name, async () => (await counters())[name], 100);
      assert.equal((await counters()).advertsReceived, 0);
      assert.equal((await counters()).releasedMaster, 0);
      const logged = a.logs.filter((line) => /TTL|checksum|version|length|short|VIPs/.test(line));
      assert.equal(logged.length, 5, logged.join('\n'));
    }));

  test('over IPv6 an advert that may come from beyond the link is refused and counted [9568-03]', { skip: skipWithoutAddon() }, () =>
    inLab(async (lab) => {
      const own = instance(100, { family: 6, vips: [VIP6] });
      const a = lab.natlb('a', [own], [], { host: 'native' });
      await eventually('the first master', () => lab.holders(VIP6), 'a');
      const better = encode({ ...own, priority: 200 }, 200, 'fe80::1:2');
      const from = (hopLimit: number) => ipv6Packet(better, 'fe80::1:2', hopLimit);
      await lab.inject('b', 'pub', [0, 1, 64, 254].map(from));
      await lab.inject('b', 'pub', [from(255)]);
      await eventually('the one from this link', async () => (await a.status())[0]?.counters.releasedMaster, 1);
      assert.equal((await a.status())[0]?.counters.advertsReceived, 1);
      assert.equal((await a.status())[0]?.counters.ttlErrors, 4);
    }),
  );

  test('over IPv6 a peer is heard from as far away as it may be, and strangers are not [9568-38]', { skip: skipWithoutAddon() }, () =>
    inLab(async (lab) => {
      const near = unicastPeer('fe80::1:2', { minTtl: 60, maxTtl: 64 });
      const own = instance(100, { family: 6, vips: [VIP6], target: { kind: 'unicast', peers: [near], ttl: 64, checkSource: true } });
      const a = lab.natlb('a', [own], [], { host: 'native' });
      await eventually('the first master', () => lab.holders(VIP6), 'a');
      const lesser = (source: string, hopLimit: number) =>
        ipv6Packet(encode(own, 50, source, { destination: 'fe80::1:1' }), source, hopLimit, 'fe80::1:1');
      await lab.inject(
        'b',
        'pub',
        [59, 65, 255].map((limit) => lesser('fe80::1:2', limit)),
        'fe80::1:1',
      );
      await lab.inject('b', 'pub', [lesser('fe80::1:9', 64), lesser('fe80::1:2', 60), lesser('fe80::1:2', 64)], 'fe80::1:1');
      const counters = async () => (await a.status())[0]!.counters;
      await eventually('those within the range', async () => (await counters()).advertsReceived, 2);
      assert.equal((await counters()).ttlErrors, 3);
      assert.equal((await counters()).unicastSourceErrors, 1);
    }),
  );

  const asked: readonly { name: string; vip: string; settings: Parameters<typeof vrrpInstance>[0] }[] = [
    { name: 'ARP', vip: VIP, settings: {} },
    { name: 'neighbour discovery', vip: VIP6, settings: { family: 6, vips: [VIP6] } },
  ];
  for (const { name, vip, settings } of asked) {
    test(`who asks by ${name} for the address is answered by a master, and by no backup`, () =>
      inLab(async (lab) => {
        const a = lab.natlb('a', [instance(150, settings)]);
        await eventually('the first master', () => lab.holders(vip), 'a');
        assert.equal(answers(lab, vip), true);
        await lab.inject('b', 'pub', [better(settings)]);
        await eventually('a backup', async () => (await a.status())[0]?.state, 'backup');
        await eventually('the release', () => lab.holders(vip), '');
        assert.equal(answers(lab, vip), false);
      }));
  }

  test('an owner that ignores adverts ignores them, and ids that nobody has are logged where that is asked for [9568-16]', () =>
    inLab(async (lab) => {
      const own = instance(255, { ownerIgnoreAdverts: true });
      const a = lab.natlb('a', [own], [], { global: { logUnknownVrids: true } });
      await eventually('the owner', () => lab.holders(VIP), 'a');
      const stranger = { ...own, virtualRouterId: 9 };
      const from = (message: Uint8Array) => overIpv4(message, { source: '10.77.1.2' }).packet;
      await lab.inject('b', 'pub', [from(encode(own, 255, '10.77.1.2')), from(encode(stranger, 100, '10.77.1.2'))]);
      await eventually('a count', async () => (await a.status())[0]?.counters.ignoredAsOwner, 1);
      await eventually('a line', () => a.logs.includes('Unknown VRID(9) received on pub'), true);
      assert.equal((await a.status())[0]?.state, 'master');
      assert.equal((await a.status())[0]?.counters.advertsReceived, 0);
    }));

  test('a peer that computes checksums as keepalived did until 1.3.6 is answered in the same way', () =>
    inLab(async (lab) => {
      const own = instance(150, unicast('10.77.1.2'));
      const a = lab.natlb('a', [own]);
      await eventually('the first master', () => lab.holders(VIP), 'a');
      const old = encode(own, 100, '10.77.1.2', { destination: '10.77.1.1', toMulticastGroup: true });
      await lab.inject('b', 'pub', [overIpv4(old, { source: '10.77.1.2', destination: '10.77.1.1' }).packet], '10.77.1.1');
      await eventually('a line', () => a.logs.includes('(VI_1) Setting unicast VRRPv3 checksum to old version'), true);
      assert.equal((await a.status())[0]?.checksumForms['to-multicast-group'], 1);
      const b = lab.natlb('b', [instance(100, unicast('10.77.1.1'))]);
      await follows(b);
      const forms = (await b.status())[0]!.checksumForms;
      assert.ok(forms['to-multicast-group'] > 0);
      assert.equal(forms['with-pseudo-header'], 0);
    }));

  test('adverts to another group, from another address, are heard by who asks for them', () =>
    inLab(async (lab) => {
      const there: Partial<VrrpInstance> = { target: { kind: 'multicast', group: '224.0.0.222' } };
      const { lines } = lab.capture('pub', 'proto 112');
      const a = lab.natlb('a', [
        instance(150, { ...there, sourceAddress: '10.77.1.77' }),
        instance(150, { name: 'VI_2', vips: ['10.77.1.101'] }),
      ]);
      const b = lab.natlb('b', [instance(100, there), instance(100, { name: 'VI_2', vips: ['10.77.1.101'] })]);
      await eventually('one master of each', () => `${lab.holders(VIP)} ${lab.holders('10.77.1.101')}`, 'a a');
      await follows(b);
      await eventually('the other group', () => lines.some((line) => line.includes('10.77.1.77 > 224.0.0.222')), true);
      const counters = (await b.status()).map((status) => discards(status.counters));
      assert.deepEqual(counters, [0, 0], 'one VRID in two groups is no error of either');
      await a.stop();
      await eventually('the takeover', () => `${lab.holders(VIP)} ${lab.holders('10.77.1.101')}`, 'b b');
    }));

  test('adverts that are signed move nobody who cannot check them, and nobody else’s move those who can [9568-39]', () =>
    inLab(async (lab) => {
      const key = { id: 1, hex: '5a'.repeat(32), place: { file: 'test', line: 1, column: 1 } };
      const hmac = { keys: [key], activeKey: 1, antiReplay: 'time', windowSeconds: 5, mode: 'enforce' } as const;
      const a = lab.natlb('a', [instance(150, { hmac })]);
      const b = lab.natlb('b', [instance(100, { hmac })]);
      await eventually('one master', () => lab.holders(VIP), 'a');
      await follows(b);
      const forged = encode(instance(200), 200, '10.77.1.2');
      await lab.inject('b', 'pub', [overIpv4(forged, { source: '10.77.1.2' }).packet]);
      await eventually('a count', async () => (await a.status())[0]?.counters.authExtMissing, 1);
      assert.equal(lab.holders(VIP), 'a');
      await a.stop();
      const took = await eventually('the takeover', () => lab.holders(VIP), 'b');
      assert.ok(took < 3 * 300, `a signed resignation was answered after ${took} ms`);
    }));

  test('announcements keep the pace that a switch can bear', () =>
    inLab(async (lab) => {
      const { lines } = lab.capture('pub', 'arp');
      const vips = Array.from({ length: 5 }, (_, i) => `10.77.1.${110 + i}`);
      lab.natlb('a', [instance(150, { vips, garpMasterDelayMs: 0, garpMasterRepeat: 2 })], [], { global: { garpIntervalMs: 50 } });
      const ours = () => lines.filter((line) => / tell 10\.77\.1\.11\d/.test(line));
      await eventually('all of them', () => ours().length, 10);
      const times = ours().map(secondsOf);
      assert.ok(times[9]! - times[0]! > 0.4, ours().join('\n'));
      assert.equal(
        new Set(
          ours()
            .slice(0, 5)
            .map((line) => / tell (\S+),/.exec(line)?.[1]),
        ).size,
        5,
        'each address before any again',
      );
    }));

  test('a reload changes addresses without another election, leaves the rest alone and releases what is gone', () =>
    inLab(async (lab) => {
      const kept = instance(150);
      const other = (vip: string) => instance(150, { name: 'VI_2', virtualRouterId: 52, vips: [vip] });
      const a = lab.natlb('a', [kept, other('10.77.1.101')]);
      await eventually('both addresses', () => lab.holders(VIP) + lab.holders('10.77.1.101'), 'aa');
      a.reload([kept, other('10.77.1.102')]);
      await eventually('the new address alone', () => `${lab.holders('10.77.1.101')} ${lab.holders('10.77.1.102')}`, ' a');
      assert.deepEqual(
        (await a.status()).map(({ state, counters }) => [state, counters.becameMaster]),
        [
          ['master', 1],
          ['master', 1],
        ],
      );
      a.reload([kept]);
      await eventually('the release', () => lab.holders('10.77.1.102'), '');
      assert.equal(lab.holders(VIP), 'a');
    }));
});

interface Dialect {
  readonly name: string;
  readonly natlb: Parameters<typeof vrrpInstance>[0];
  /** Lines of the vrrp_instance. */
  readonly keepalived: string;
  readonly vip: string;
}

function unicast(peer: string): Pick<VrrpInstance, 'target'> {
  return { target: { kind: 'unicast', peers: [unicastPeer(peer)], ttl: 64, checkSource: true } };
}

function peers(own: string, peer: string): string {
  return `unicast_src_ip ${own}\n unicast_peer {\n ${peer}\n }`;
}

const DIALECTS: readonly Dialect[] = [
  {
    name: 'VRRPv2 with a password',
    natlb: { version: 2, advertIntervalMs: 1000, authentication: { type: 'pass', password: 'passw123' } },
    keepalived: 'advert_int 1\n authentication {\n auth_type PASS\n auth_pass passw123\n }',
    vip: VIP,
  },
  { name: 'VRRPv2 without authentication', natlb: { version: 2, advertIntervalMs: 1000 }, keepalived: 'advert_int 1', vip: VIP },
  {
    name: 'VRRPv2 with an authentication header',
    natlb: { version: 2, advertIntervalMs: 1000, authentication: { type: 'ah', password: 'passw123' } },
    keepalived: 'advert_int 1\n authentication {\n auth_type AH\n auth_pass passw123\n }',
    vip: VIP,
  },
  {
    name: 'VRRPv2 between peers, with a password',
    natlb: { version: 2, advertIntervalMs: 1000, authentication: { type: 'pass', password: 'passw123' }, ...unicast('10.77.1.2') },
    keepalived: `advert_int 1\n authentication {\n auth_type PASS\n auth_pass passw123\n }\n ${peers('10.77.1.2', '10.77.1.1')}`,
    vip: VIP,
  },
  {
    name: 'VRRPv2 between peers, with an authentication header',
    natlb: { version: 2, advertIntervalMs: 1000, authentication: { type: 'ah', password: 'passw123' }, ...unicast('10.77.1.2') },
    keepalived: `advert_int 1\n authentication {\n auth_type AH\n auth_pass passw123\n }\n ${peers('10.77.1.2', '10.77.1.1')}`,
    vip: VIP,
  },
  {
    name: 'VRRPv3 between peers over IPv4',
    natlb: unicast('10.77.1.2'),
    keepalived: `version 3\n advert_int 0.3\n ${peers('10.77.1.2', '10.77.1.1')}`,
    vip: VIP,
  },
  {
    name: 'VRRPv3 between peers over IPv6',
    natlb: { family: 6, vips: [VIP6], ...unicast('fe80::1:2') },
    keepalived: `version 3\n advert_int 0.3\n ${peers('fe80::1:2', 'fe80::1:1')}`,
    vip: VIP6,
  },
  { name: 'VRRPv3 over IPv4', natlb: {}, keepalived: 'version 3\n advert_int 0.3', vip: VIP },
  { name: 'VRRPv3 over IPv6', natlb: { family: 6, vips: [VIP6] }, keepalived: 'version 3\n advert_int 0.3', vip: VIP6 },
];

function keepalivedConfig(priority: number, { keepalived, vip }: Dialect): string {
  return `global_defs {\n router_id PEER\n}
vrrp_instance VI_1 {
 state BACKUP
 interface pub
 virtual_router_id 51
 priority ${priority}
 ${keepalived}
 virtual_ipaddress {
  ${vip}
 }
}
`;
}

describe('natlb with keepalived', { skip: skip(true), concurrency: 3 }, () => {
  for (const dialect of DIALECTS) {
    test(`${dialect.name}: natlb as master hands over to keepalived and takes it back`, () =>
      inLab(async (lab) => {
        const held = () => lab.holders(dialect.vip);
        const a = lab.natlb('a', [instance(150, dialect.natlb)]);
        await eventually('natlb as master', held, 'a');
        lab.keepalived('b', keepalivedConfig(100, dialect));
        await staysFor(1500, held, 'a');
        await a.stop();
        const took = await eventually('the takeover', held, 'b');
        assert.ok(took < 2000, `keepalived answered the resignation after ${took} ms`);
        const again = lab.natlb('a', [instance(150, dialect.natlb)]);
        await eventually('the return', held, 'a');
        await staysFor(500, held, 'a');
        assert.equal(discards((await again.status())[0]?.counters ?? {}), 0);
      }));

    test(`${dialect.name}: keepalived as master hands over to natlb and takes it back`, () =>
      inLab(async (lab) => {
        const held = () => lab.holders(dialect.vip);
        const master = lab.keepalived('b', keepalivedConfig(150, dialect));
        await eventually('keepalived as master', held, 'b');
        const a = lab.natlb('a', [instance(100, dialect.natlb)]);
        await follows(a);
        await staysFor(500, held, 'b');
        await ended(master, 'SIGTERM');
        const took = await eventually('the takeover', held, 'a');
        assert.ok(took < 2000, `natlb answered the resignation after ${took} ms`);
        lab.keepalived('b', keepalivedConfig(150, dialect));
        await eventually('the return', held, 'b');
        const status = (await a.status())[0];
        assert.equal(status?.state, 'backup');
        assert.equal(status?.counters.priorityZeroReceived, 1);
        assert.equal(discards(status?.counters ?? {}), 0);
      }));
  }

  test('with higher_prio_send_advert natlb answers a better keepalived once more before it steps back', () =>
    inLab(async (lab) => {
      const { lines } = lab.capture('pub', 'proto 112');
      lab.natlb('a', [instance(100, { higherPrioritySendAdvert: true })]);
      await eventually('natlb as master', () => lab.holders(VIP), 'a');
      const dialect = DIALECTS.find(({ name }) => name === 'VRRPv3 over IPv4')!;
      lab.keepalived('b', keepalivedConfig(150, dialect));
      await eventually('keepalived as master', () => lab.holders(VIP), 'b');
      const better = lines.findIndex((line) => line.includes('prio 150'));
      assert.match(lines[better + 1] ?? '', /10\.77\.1\.1 > .*prio 100/);
      await eventually('keepalived’s answer', () => lines.slice(better + 2).some((line) => line.includes('prio 150')), true);
    }));

  test('a wrong password is discarded and counted, and no reason to step back', () =>
    inLab(async (lab) => {
      const dialect = DIALECTS[0]!;
      const a = lab.natlb('a', [instance(100, { ...dialect.natlb, authentication: { type: 'pass', password: 'other' } })]);
      lab.keepalived('b', keepalivedConfig(150, dialect));
      await eventually('a master on each side', () => lab.holders(VIP), 'ab', 10_000);
      await eventually('a count', async () => ((await a.status())[0]?.counters.authFailure ?? 0) > 0, true);
      assert.equal(a.logs.filter((line) => line === '(VI_1) received an invalid passwd!').length, 1);
    }));
});

/** Has heard the master: a router that is still starting could not answer it. */
async function follows(router: Natlb): Promise<void> {
  await eventually('a backup that hears its master', async () => ((await router.status())[0]?.counters.advertsReceived ?? 0) > 0, true);
}

function discards(counters: object): number {
  return Object.entries(counters)
    .filter(([name]) => /Errors|invalid|Invalid|Mismatch|Failure|unknown/.test(name))
    .reduce((sum, [, count]) => sum + count, 0);
}

/** An advert that a master steps back for, and waits long after. */
function better(settings: Parameters<typeof vrrpInstance>[0]): Uint8Array {
  const other = instance(200, { ...settings, advertIntervalMs: 10_000 });
  if (other.family === 6) return ipv6Packet(encode(other, 200, 'fe80::1:2'), 'fe80::1:2', 255);
  return overIpv4(encode(other, 200, '10.77.1.2'), { source: '10.77.1.2' }).packet;
}

/** Asked anew by the other router. */
function answers(lab: Lab, address: string): boolean {
  const b = lab.namespace('b');
  ip('-n', b, 'neigh', 'flush', 'dev', 'pub');
  return spawnSync('ip', ['netns', 'exec', b, 'ping', '-c1', '-W2', '-I', 'pub', address]).status === 0;
}

/** Of the day, as tcpdump writes it. */
function secondsOf(line: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = line.split(' ', 1)[0]!.split(':').map(Number);
  return hours * 3600 + minutes * 60 + seconds;
}

/** What holds now has to go on holding. */
async function staysFor(ms: number, found: () => string, wanted: string): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    assert.equal(found(), wanted);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
