// What RFC 9568 asks of adverts and timers, one row after the other: good input passes, bad input does not. Other rows are transcripts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../../control/config/load.js';
import type { VrrpInstance } from '../../control/config/model.js';
import { createAuthenticator, noMemory } from '../../control/vrrp/authenticator.js';
import { type DiscardReason, decode } from '../../control/vrrp/decode.js';
import { encode } from '../../control/vrrp/encode.js';
import { HASHES } from '../../control/vrrp/hashes.js';
import type { HostInterface } from '../../control/vrrp/host.js';
import { linkFault, sourceAddress, virtualAddresses } from '../../control/vrrp/links.js';
import { step } from '../../control/vrrp/machine.js';
import { outgoing } from '../../control/vrrp/outgoing.js';
import type { Received } from '../../control/vrrp/packet.js';
import { INITIAL, wakesAt } from '../../control/vrrp/state.js';
import { wantedOf } from '../../control/vrrp/wanted.js';
import { unicastPeer, vrrpInstance } from './instance.js';
import { crafted, overIpv4, overIpv6 } from './packets.js';

const V2 = vrrpInstance({ version: 2 });
const V3 = vrrpInstance({ version: 3 });
const V6 = vrrpInstance({ family: 6, vips: ['fe80::1:10'] });

function heard(received: Received, instance: VrrpInstance): DiscardReason | 'accepted' {
  const decoded = decode(received, instance);
  return 'discard' in decoded ? decoded.discard : 'accepted';
}

function sent(instance: VrrpInstance, source: string): readonly { destination: string; packet: Uint8Array }[] {
  const authenticator = createAuthenticator(instance, { memory: noMemory(), hashes: HASHES, wallClockMs: () => 0 });
  return outgoing(instance, { priority: instance.priority, source, authenticator, toMulticastGroup: false });
}

function bent(instance: VrrpInstance, offset: number, value: number): Uint8Array {
  return crafted(instance, (message) => message.with(offset, value));
}

/** Of one instance whose block says this. */
function findings(lines: string): string[] {
  const text = `vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 1\n ${lines}\n virtual_ipaddress {\n 192.0.2.1\n }\n}\n`;
  return load(
    'test.conf',
    () => text,
    () => [],
  ).findings.map(({ severity, message }) => `${severity}: ${message}`);
}

test('adverts are protocol 112 to the group of VRRP, and one to another group is discarded [9568-01]', () => {
  const [v4] = sent(V3, '10.0.0.2');
  assert.deepEqual([v4?.destination, v4?.packet[9], [...(v4?.packet.slice(16, 20) ?? [])].join('.')], ['224.0.0.18', 112, '224.0.0.18']);
  const [v6] = sent(V6, 'fe80::2');
  assert.deepEqual([v6?.destination, v6?.packet[6]], ['ff02::12', 112]);
  assert.equal(heard(overIpv4(encode(V3, 100, '10.0.0.2')), V3), 'accepted');
  assert.equal(
    heard(overIpv4(encode(V3, 100, '10.0.0.2', { destination: '224.0.0.19' }), { destination: '224.0.0.19' }), V3),
    'destination',
  );
});

test('adverts leave with TTL or hop limit 255, and with that of unicast_ttl between peers [9568-02]', () => {
  assert.equal(sent(V3, '10.0.0.2')[0]?.packet[8], 255);
  assert.equal(sent(V6, 'fe80::2')[0]?.packet[7], 255);
  const peers = [unicastPeer('10.0.0.9'), unicastPeer('10.0.0.8')];
  const unicast = sent({ ...V3, target: { kind: 'unicast', peers, ttl: 7, checkSource: false } }, '10.0.0.2');
  assert.deepEqual(
    unicast.map(({ destination, packet }) => [destination, packet[8]]),
    [
      ['10.0.0.9', 7],
      ['10.0.0.8', 7],
    ],
  );
});

test('any TTL or hop limit but 255 is refused, over IPv4 and IPv6 [9568-03]', () => {
  for (const ttl of [0, 1, 64, 254]) {
    assert.equal(heard(overIpv4(encode(V3, 100, '10.0.0.2'), { ttl }), V3), 'ttl');
    assert.equal(heard(overIpv6(encode(V6, 100, 'fe80::2'), 'fe80::2', ttl), V6), 'ttl');
  }
  assert.equal(heard(overIpv4(encode(V3, 100, '10.0.0.2'), { ttl: 255 }), V3), 'accepted');
  assert.equal(heard(overIpv6(encode(V6, 100, 'fe80::2'), 'fe80::2', 255), V6), 'accepted');
});

test('IPv6 packets are sorted by hop limits that mean something to somebody [9568-03 9568-38]', () => {
  assert.deepEqual(wantedOf([V6]).hopLimits, [
    { lowest: 0, highest: 254 },
    { lowest: 255, highest: 255 },
  ]);
  const peers = [unicastPeer('fe80::9', { minTtl: 60, maxTtl: 64 }), unicastPeer('fe80::8', { minTtl: 64 })];
  assert.deepEqual(
    wantedOf([V6, { ...V6, target: { kind: 'unicast', peers, ttl: 64, checkSource: true } }]).hopLimits.map(
      ({ lowest, highest }) => `${lowest}-${highest}`,
    ),
    ['0-59', '60-63', '64-64', '65-254', '255-255'],
  );
});

test('the source is the first address of the interface that is not virtual, as it is at the moment [9568-04]', () => {
  const link = (...addresses: string[]): HostInterface => {
    const held = addresses.map((address) => ({
      address,
      prefixLength: 24,
      family: address.includes(':') ? (6 as const) : (4 as const),
      scope: 'global',
    }));
    return { index: 1, mac: '02:00:00:00:00:01', up: true, addresses: held };
  };
  const virtual = virtualAddresses([V3, V6]);
  assert.equal(sourceAddress(V3, link('10.0.0.10', '10.0.0.1', '10.0.0.2'), virtual), '10.0.0.1');
  assert.equal(sourceAddress(V3, link('10.0.0.10', '10.0.0.2'), virtual), '10.0.0.2');
  assert.equal(sourceAddress(V6, link('2001:db8::1', 'fe80::1:10', 'fe80::7'), virtual), 'fe80::7');
  assert.equal(sourceAddress({ ...V3, sourceAddress: '10.9.9.9' }, link('10.0.0.1'), virtual), '10.9.9.9');
  assert.equal(linkFault(V3, link('10.0.0.10'), virtual), 'no IPv4 address for interface eth0');
  assert.equal(
    linkFault({ ...V3, sourceAddress: '10.9.9.9', trackSource: true }, link('10.0.0.1'), virtual),
    'address 10.9.9.9 is not on interface eth0',
  );
  const silent: VrrpInstance = { ...V3, target: { kind: 'unicast', peers: [], ttl: 255, checkSource: false } };
  assert.equal(linkFault(silent, link('10.0.0.1'), virtual), 'unicast without any peers');
});

test('another version is refused, the own one taken [9568-06]', () => {
  assert.equal(heard(overIpv4(crafted(V3, (message) => message)), V3), 'accepted');
  assert.equal(heard(overIpv4(crafted(V2, (message) => message)), V2), 'accepted');
  for (const version of [0, 1, 4, 15]) assert.equal(heard(overIpv4(bent(V3, 0, (version << 4) | 1)), V3), 'version');
  assert.equal(heard(overIpv4(crafted(V2, (message) => message)), V3), 'version');
});

test('every type but 1 is refused [9568-07]', () => {
  for (let type = 0; type < 16; type++) assert.equal(heard(overIpv4(bent(V3, 0, 0x30 | type)), V3), type === 1 ? 'accepted' : 'type');
});

test('every virtual router id but the own one is refused, and 0 and 256 cannot be configured [9568-08]', () => {
  for (let id = 0; id < 256; id++) assert.equal(heard(overIpv4(bent(V3, 1, id)), V3), id === 51 ? 'accepted' : 'virtual-router-id');
  assert.deepEqual(findings('virtual_router_id 255'), []);
  for (const id of [0, 256])
    assert.deepEqual(findings(`virtual_router_id ${id}`), [`error: expected a whole number from 1 to 255, found '${id}'`]);
});

test('every priority is taken from the wire; 1 to 255 can be configured [9568-09]', () => {
  for (let priority = 0; priority < 256; priority++) assert.equal(heard(overIpv4(bent(V3, 2, priority)), V3), 'accepted');
  assert.deepEqual(findings('priority 254'), []);
  for (const priority of [0, 256])
    assert.deepEqual(findings(`priority ${priority}`), [`error: expected a whole number from 1 to 255, found '${priority}'`]);
});

test('an advert of no address is refused, one of 255 taken [9568-10]', () => {
  assert.equal(heard(overIpv4(crafted({ ...V3, addresses: [] }, (message) => message)), V3), 'no-addresses');
  const many = vrrpInstance({ version: 3, vips: Array.from({ length: 255 }, (_, i) => `10.1.0.${i}`) });
  assert.equal(heard(overIpv4(crafted(many, (message) => message)), V3), 'accepted');
});

test('the reserved bits leave as zeros [9568-12]', () => {
  for (const advertIntervalMs of [10, 1000, 40_950]) assert.equal((encode({ ...V3, advertIntervalMs }, 100, '10.0.0.2')[4] ?? 0) >> 4, 0);
  assert.equal(heard(overIpv4(bent(V3, 4, 0xf0)), V3), 'accepted');
});

test('an interval of 0 is refused, 1 and 4095 are taken, and what fits no field cannot be configured [9568-13]', () => {
  const withInterval = (centiseconds: number) => crafted(V3, (message) => message.with(4, centiseconds >> 8).with(5, centiseconds & 0xff));
  assert.equal(heard(overIpv4(withInterval(0)), V3), 'interval');
  for (const centiseconds of [1, 4095]) assert.equal(heard(overIpv4(withInterval(centiseconds)), V3), 'accepted');
  assert.deepEqual(findings('version 3\n advert_int 41'), ['error: VRRP version 3 can advertise 40.95 seconds at most']);
});

test('a wrong checksum is refused in every version and family [9568-14]', () => {
  for (const instance of [V2, V3]) assert.equal(heard(overIpv4(crafted(instance, (m) => m).with(6, 0x12)), instance), 'checksum');
  assert.equal(heard(overIpv6(encode(V6, 100, 'fe80::2').with(6, 0x12)), V6), 'checksum');
  assert.equal(heard(overIpv6(encode(V6, 100, 'fe80::3'), 'fe80::2'), V6), 'checksum');
});

test('between peers the checksum keepalived had until 1.3.6 is taken, unless that is never to be [9568-14]', () => {
  const old: VrrpInstance = { ...V3, target: { kind: 'unicast', peers: [unicastPeer('10.0.0.2')], ttl: 255, checkSource: false } };
  const message = encode(old, 100, '10.0.0.2', { destination: '10.0.0.1', toMulticastGroup: true });
  const received = overIpv4(message, { destination: '10.0.0.1' });
  const decoded = decode(received, old);
  assert.equal('advert' in decoded && decoded.advert.checksumForm, 'to-multicast-group');
  assert.equal(heard(received, { ...old, oldUnicastChecksum: 'never' }), 'checksum');
  assert.equal(heard(overIpv4(message), V3), 'accepted', 'which is the right one for the group');
});

test('an IPv6 instance whose first address is not link-local is warned of, in strict mode refused [9568-15]', () => {
  const of = (address: string, more = '') => {
    const text = `vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 1\n ${more}\n virtual_ipaddress {\n ${address}\n }\n}\n`;
    return load(
      'test.conf',
      () => text,
      () => [],
    ).findings.map(({ severity }) => severity);
  };
  assert.deepEqual(of('fe80::1'), []);
  assert.deepEqual(of('fe80::1', 'strict_mode'), []);
  assert.deepEqual(of('2001:db8::1'), ['warning']);
  assert.ok(of('2001:db8::1', 'strict_mode').includes('error'));
});

test('a backup waits three intervals and the skew time of its priority [9568-18]', () => {
  const rows: readonly [version: 2 | 3, priority: number, intervalMs: number, downMs: number][] = [
    [2, 100, 1000, 3609.375],
    [2, 1, 1000, 3996.09375],
    [2, 254, 1000, 3007.8125],
    [2, 100, 10_000, 30_609.375],
    [3, 100, 1000, 3609.375],
    [3, 100, 100, 360.9375],
    [3, 254, 10, 30.078125],
    [3, 1, 40_950, 163_640.0390625],
  ];
  for (const [version, priority, advertIntervalMs, downMs] of rows) {
    const { state } = step(vrrpInstance({ version, priority, advertIntervalMs }), INITIAL, { kind: 'start', faults: [] }, 0);
    assert.equal(wakesAt(state), downMs, `version ${version}, priority ${priority}, ${advertIntervalMs} ms`);
  }
});

test('version 2 asks for equal intervals and the password, in eight bytes of their own [9568-36]', () => {
  const own = vrrpInstance({ version: 2, authentication: { type: 'pass', password: 'secret' } });
  assert.equal(heard(overIpv4(crafted(own, (message) => message)), own), 'accepted');
  assert.equal(heard(overIpv4(bent(own, 5, 2)), own), 'interval');
  assert.equal(heard(overIpv4(bent(own, 12, 0x41)), own), 'authentication-failure');
  assert.equal(heard(overIpv4(bent(own, 4, 0)), own), 'authentication-mismatch');
  assert.equal(heard(overIpv4(bent(own, 4, 3)), own), 'authentication-invalid');
  assert.equal(heard(overIpv4(crafted(own, (message) => message.slice(0, -8))), own), 'length');
});

test('between peers strangers and adverts from too far away are refused, once anything of it is asked for [9568-38]', () => {
  const target = { kind: 'unicast' as const, peers: [unicastPeer('10.0.0.2', { minTtl: 64, maxTtl: 128 })], ttl: 255 };
  const careful: VrrpInstance = { ...V3, target: { ...target, checkSource: true } };
  const advert = (source: string, ttl: number, destination = '10.0.0.1') =>
    overIpv4(encode(careful, 100, source, { destination }), { source, ttl, destination });
  assert.equal(heard(advert('10.0.0.2', 64), careful), 'accepted');
  assert.equal(heard(advert('10.0.0.2', 63), careful), 'unicast-ttl');
  assert.equal(heard(advert('10.0.0.2', 129), careful), 'unicast-ttl');
  assert.equal(heard(advert('10.0.0.3', 64), careful), 'unicast-source');
  assert.equal(heard(advert('10.0.0.3', 1), { ...V3, target: { ...target, checkSource: false } }), 'accepted');
  assert.equal(heard(advert('10.0.0.2', 255, '224.0.0.18'), careful), 'destination');
  assert.equal(heard(advert('10.0.0.2', 255), V3), 'destination');
});
