// Adverts in bytes: what goes out, what is taken in, and what is refused for which reason.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { VrrpInstance } from '../../control/config/model.js';
import { addressBytes, addressText, compareAddresses } from '../../control/vrrp/address-bytes.js';
import { type Advert, type DiscardReason, decode, virtualRouterIdOf } from '../../control/vrrp/decode.js';
import { encode } from '../../control/vrrp/encode.js';
import { internetChecksum, type Received } from '../../control/vrrp/packet.js';
import { vrrpInstance } from './instance.js';
import { crafted, overIpv4, overIpv6 } from './packets.js';

const V2 = vrrpInstance({ version: 2 });
const V2_PASS = vrrpInstance({ version: 2, authentication: { type: 'pass', password: 'passw123' } });
const V3 = vrrpInstance({ version: 3 });
const V6 = vrrpInstance({ family: 6, vips: ['fe80::1:10', '2001:db8::10'] });

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function reasonOf(received: Received, instance: VrrpInstance): DiscardReason | 'accepted' {
  const decoded = decode(received, instance);
  return 'discard' in decoded ? decoded.discard : 'accepted';
}

function advertOf(received: Received, instance: VrrpInstance): Advert {
  const decoded = decode(received, instance);
  assert.ok('advert' in decoded, JSON.stringify(decoded));
  return decoded.advert;
}

describe('encode', () => {
  const rows: readonly { name: string; instance: VrrpInstance; source: string; bytes: string }[] = [
    {
      name: 'version 2 without authentication still has its eight bytes',
      instance: V2,
      source: '10.0.0.2',
      bytes: '21336401 0001 70c0 0a00000a 0000000000000000',
    },
    { name: 'version 2 with a password', instance: V2_PASS, source: '10.0.0.2', bytes: '21336401 0101 e286 0a00000a 7061737377313233' },
    {
      name: 'version 3 over IPv4, checksum with the pseudo-header',
      instance: V3,
      source: '10.0.0.2',
      bytes: '31336401 0064 75cc 0a00000a',
    },
    {
      name: 'version 3 over IPv4, checksum of the message alone',
      instance: { ...V3, v3ChecksumAsV2: true },
      source: '10.0.0.2',
      bytes: '31336401 0064 605d 0a00000a',
    },
  ];
  for (const { name, instance, source, bytes } of rows) {
    test(name, () => assert.equal(hex(encode(instance, instance.priority, source)), bytes.replaceAll(' ', '')));
  }

  test('a password longer than the field is cut, a shorter one padded with zeros', () => {
    const trailer = (password: string) =>
      hex(encode(vrrpInstance({ authentication: { type: 'pass', password } }), 1, '10.0.0.2').slice(-8));
    assert.equal(trailer('123456789'), '3132333435363738');
    assert.equal(trailer('1'), '3100000000000000');
  });

  test('addresses of the other family and excluded ones are not advertised', () => {
    const mixed = vrrpInstance({ vips: ['10.0.0.10', '2001:db8::1'] });
    const message = encode({ ...mixed, excludedAddresses: V2.addresses }, 100, '10.0.0.2');
    assert.equal(message[3], 1);
    assert.equal(message.length, 8 + 4 + 8);
  });

  const intervals: readonly [version: 2 | 3, intervalMs: number, wire: number][] = [
    [2, 1000, 1],
    [2, 300, 1],
    [2, 255_000, 255],
    [2, 999_000, 255],
    [3, 10, 1],
    [3, 1000, 100],
    [3, 40_950, 4095],
    [3, 99_000, 4095],
  ];
  for (const [version, intervalMs, wire] of intervals) {
    test(`version ${version} sends an interval of ${intervalMs} ms as ${wire}`, () => {
      const message = encode(vrrpInstance({ version, advertIntervalMs: intervalMs }), 100, '10.0.0.2');
      assert.equal(version === 2 ? message[5] : (message[4]! << 8) | message[5]!, wire);
    });
  }
});

describe('decode, a crafted advert', () => {
  const rows: readonly { name: string; instance: VrrpInstance; received: Received; reason: DiscardReason | 'accepted' }[] = [
    { name: 'as it should be, version 2', instance: V2, received: overIpv4(crafted(V2, asIs)), reason: 'accepted' },
    { name: 'as it should be, version 3', instance: V3, received: overIpv4(crafted(V3, asIs)), reason: 'accepted' },
    { name: 'as it should be, IPv6', instance: V6, received: overIpv6(encode(V6, 100, 'fe80::2')), reason: 'accepted' },
    {
      name: 'TTL 254',
      instance: V3,
      received: overIpv4(crafted(V3, asIs), { ttl: 254 }),
      reason: 'ttl',
    },
    {
      name: 'TTL 64',
      instance: V3,
      received: overIpv4(crafted(V3, asIs), { ttl: 64 }),
      reason: 'ttl',
    },
    {
      name: 'TTL 1',
      instance: V3,
      received: overIpv4(crafted(V3, asIs), { ttl: 1 }),
      reason: 'ttl',
    },
    {
      name: 'TTL 0',
      instance: V3,
      received: overIpv4(crafted(V3, asIs), { ttl: 0 }),
      reason: 'ttl',
    },
    {
      name: 'wrong checksum, version 2',
      instance: V2,
      received: overIpv4(flip(crafted(V2, asIs), 6)),
      reason: 'checksum',
    },
    {
      name: 'wrong checksum, version 3',
      instance: V3,
      received: overIpv4(flip(crafted(V3, asIs), 7)),
      reason: 'checksum',
    },
    { name: 'wrong checksum, IPv6', instance: V6, received: overIpv6(flip(encode(V6, 100, 'fe80::2'), 6)), reason: 'checksum' },
    { name: 'IPv6 checksum without its pseudo-header', instance: V6, received: overIpv6(crafted(V6, asIs)), reason: 'checksum' },
    { name: 'version 3 for a version 2 instance', instance: V2, received: overIpv4(crafted(V3, asIs)), reason: 'version' },
    { name: 'version 2 for a version 3 instance', instance: V3, received: overIpv4(crafted(V2, asIs)), reason: 'version' },
    { name: 'version 4', instance: V3, received: overIpv4(crafted(V3, set(0, 0x41))), reason: 'version' },
    { name: 'type 2', instance: V3, received: overIpv4(crafted(V3, set(0, 0x32))), reason: 'type' },
    { name: 'type 0', instance: V2, received: overIpv4(crafted(V2, set(0, 0x20))), reason: 'type' },
    { name: 'eight bytes too long', instance: V3, received: overIpv4(crafted(V3, (message) => longer(message, 8))), reason: 'length' },
    {
      name: 'version 2 without authentication data',
      instance: V2,
      received: overIpv4(crafted(V2, (message) => message.slice(0, -8))),
      reason: 'length',
    },
    { name: 'padding after the IP packet', instance: V3, received: padded(overIpv4(crafted(V3, asIs)), 14), reason: 'accepted' },
    { name: 'address count 0', instance: V3, received: overIpv4(crafted(V3, (message) => without(message))), reason: 'no-addresses' },
    { name: 'address count 2 with room for one', instance: V3, received: overIpv4(crafted(V3, set(3, 2))), reason: 'length' },
    { name: 'address count 255', instance: V3, received: overIpv4(crafted(V3, set(3, 255))), reason: 'length' },
    { name: 'reserved bits set', instance: V3, received: overIpv4(crafted(V3, set(4, 0xf0))), reason: 'accepted' },
    { name: 'another interval, version 3', instance: V3, received: overIpv4(crafted(V3, set(5, 200))), reason: 'accepted' },
    { name: 'another interval, version 2', instance: V2, received: overIpv4(crafted(V2, set(5, 2))), reason: 'interval' },
    { name: 'interval 0, version 3', instance: V3, received: overIpv4(crafted(V3, set(5, 0))), reason: 'interval' },
    { name: 'interval 0, version 2', instance: V2, received: overIpv4(crafted(V2, set(5, 0))), reason: 'interval' },
    { name: 'another VRID', instance: V3, received: overIpv4(crafted(V3, set(1, 52))), reason: 'virtual-router-id' },
    {
      name: 'to our own address',
      instance: V3,
      received: overIpv4(crafted(V3, asIs), { destination: '10.0.0.1' }),
      reason: 'destination',
    },
    {
      name: 'no password where one is wanted',
      instance: V2_PASS,
      received: overIpv4(crafted(V2, asIs)),
      reason: 'authentication-mismatch',
    },
    {
      name: 'a password where none is wanted',
      instance: V2,
      received: overIpv4(crafted(V2_PASS, asIs)),
      reason: 'authentication-mismatch',
    },
    { name: 'authentication header', instance: V2_PASS, received: overIpv4(crafted(V2, set(4, 2))), reason: 'authentication-mismatch' },
    { name: 'authentication type 3', instance: V2, received: overIpv4(crafted(V2, set(4, 3))), reason: 'authentication-invalid' },
    { name: 'wrong password', instance: V2_PASS, received: overIpv4(crafted(V2_PASS, set(19, 0x34))), reason: 'authentication-failure' },
    { name: 'priority 0', instance: V3, received: overIpv4(crafted(V3, set(2, 0))), reason: 'accepted' },
    { name: 'IP options', instance: V3, received: withOptions(overIpv4(crafted(V3, asIs))), reason: 'accepted' },
    {
      name: 'a total length beyond the packet',
      instance: V3,
      received: overIpv4(crafted(V3, asIs), { totalLength: 60 }),
      reason: 'length',
    },
    {
      name: 'a total length within the IP header',
      instance: V3,
      received: overIpv4(crafted(V3, asIs), { totalLength: 19 }),
      reason: 'length',
    },
    {
      name: 'an IP header shorter than any',
      instance: V3,
      received: withFirstByte(overIpv4(crafted(V3, asIs)), 0x44),
      reason: 'length',
    },
    {
      name: 'IP version 6 where 4 was read',
      instance: V3,
      received: withFirstByte(overIpv4(crafted(V3, asIs)), 0x65),
      reason: 'length',
    },
    { name: 'nothing at all', instance: V3, received: { family: 4, packet: new Uint8Array() }, reason: 'length' },
  ];
  for (const { name, instance, received, reason } of rows) {
    test(`${name}: ${reason}`, () => assert.equal(reasonOf(received, instance), reason));
  }

  test('the first check that fails names the reason, in the order of keepalived', () => {
    const everythingWrong = crafted(V2_PASS, asIs);
    everythingWrong.set([0x22, 51, 100, 1, 3, 9]);
    const order: DiscardReason[] = [];
    const repairs: readonly ((message: Uint8Array) => Uint8Array)[] = [set(4, 0), set(4, 1), set(15, 0x33), set(5, 1), set(0, 0x21)];
    const broken = (message: Uint8Array, ttl: number) =>
      reasonOf(overIpv4(flip(message, 7), { ttl, destination: '10.0.0.1' }), V2_PASS) as DiscardReason;
    order.push(broken(everythingWrong.slice(), 3));
    everythingWrong[15] = 0;
    for (const repair of [asIs, ...repairs]) {
      repair(everythingWrong);
      if (repair === repairs[2]) everythingWrong.set(Buffer.from('passw123'), 12);
      order.push(broken(everythingWrong.slice(), 255));
    }
    assert.deepEqual(order, [
      'ttl',
      'authentication-invalid',
      'authentication-mismatch',
      'authentication-failure',
      'interval',
      'type',
      'checksum',
    ]);
  });

  test('addresses that differ are accepted, and said to differ', () => {
    assert.equal(advertOf(overIpv4(crafted(V3, set(11, 99))), V3).addressesDiffer, true);
    assert.equal(advertOf(overIpv4(crafted(V3, asIs)), V3).addressesDiffer, false);
  });

  test('reserved bits are no part of the interval [9568-12]', () => {
    assert.equal(advertOf(overIpv4(crafted(V3, set(4, 0xf0))), V3).intervalMs, 1000);
  });

  test('either form of the version 3 checksum is accepted, and which it was is said [9568-14]', () => {
    assert.equal(advertOf(overIpv4(encode(V3, 100, '10.0.0.2')), V3).checksumForm, 'with-pseudo-header');
    assert.equal(advertOf(overIpv4(encode({ ...V3, v3ChecksumAsV2: true }, 100, '10.0.0.2')), V3).checksumForm, 'message-only');
  });
});

describe('decode, any advert', () => {
  const address = fc.ipV4();
  const address6 = fc.ipV6();
  const common = { virtualRouterId: fc.integer({ min: 1, max: 255 }), priority: fc.integer({ min: 0, max: 255 }) };
  const v4 = fc.record({
    ...common,
    version: fc.constantFrom(2 as const, 3 as const),
    vips: fc.array(address, { minLength: 1, maxLength: 20 }),
  });
  const v6 = fc.record({ ...common, family: fc.constant(6 as const), vips: fc.array(address6, { minLength: 1, maxLength: 20 }) });

  test('what is sent over IPv4 is what is received', () =>
    fc.assert(
      fc.property(v4, address, fc.boolean(), (settings, source, v3ChecksumAsV2) => {
        const instance = vrrpInstance({ ...settings, v3ChecksumAsV2 });
        const advert = advertOf(overIpv4(encode(instance, settings.priority, source), { source }), instance);
        assert.equal(advert.priority, settings.priority);
        assert.equal(advert.source, source);
        assert.equal(advert.intervalMs, 1000);
        assert.deepEqual(advert.addresses, settings.vips);
        assert.equal(advert.addressesDiffer, false);
      }),
    ));

  test('what is sent over IPv6 is what is received', () =>
    fc.assert(
      fc.property(v6, address6, (settings, source) => {
        const instance = vrrpInstance(settings);
        const advert = advertOf(overIpv6(encode(instance, settings.priority, source), source), instance);
        assert.equal(advert.priority, settings.priority);
        assert.equal(advert.addressesDiffer, false);
      }),
    ));

  test('cut short at any byte it is discarded for its length [9568-11]', () => {
    for (const instance of [V2, V2_PASS, V3]) {
      const { packet } = overIpv4(encode(instance, 100, '10.0.0.2'));
      for (let length = 0; length < packet.length; length++) {
        const cut = packet.slice(0, length);
        assert.equal(reasonOf({ family: 4, packet: cut }, instance), 'length');
        if (length >= 20) cut.set([length >> 8, length & 0xff], 2);
        assert.equal(reasonOf({ family: 4, packet: cut }, instance), 'length', `cut at ${length}, and the IP header says so`);
      }
    }
    const message = encode(V6, 100, 'fe80::2');
    for (let length = 0; length < message.length; length++) assert.equal(reasonOf(overIpv6(message.slice(0, length)), V6), 'length');
  });

  test('one bit wrong anywhere in the message is never taken for the same advert', () => {
    for (const instance of [V2_PASS, V3]) {
      const message = encode(instance, 100, '10.0.0.2');
      for (let bit = 0; bit < message.length * 8; bit++) {
        const damaged = message.slice();
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        assert.notEqual(reasonOf(overIpv4(damaged), instance), 'accepted', `bit ${bit}`);
      }
    }
  });

  test('no bytes make it throw', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(V2, V2_PASS, V3), (packet, instance) => {
        virtualRouterIdOf({ family: 4, packet });
        decode({ family: 4, packet }, instance);
        decode(overIpv6(packet), V6);
        decode(overIpv4(packet), instance);
      }),
      { numRuns: 3000 },
    ));
});

describe('addresses', () => {
  const texts: readonly [text: string, canonical: string][] = [
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['fe80::', 'fe80::'],
    ['10.0.0.1', '10.0.0.1'],
  ];
  for (const [text, canonical] of texts)
    test(`${text} is written ${canonical}`, () => assert.equal(addressText(addressBytes(text)), canonical));

  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    'a.b.c.d',
    ':',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'fe80::g',
    '1:2:3:4:5:6:7:8::',
  ]) {
    test(`"${text}" is no address`, () => assert.throws(() => addressBytes(text), /expected an IPv[46] address/));
  }

  test('bytes survive being written', () =>
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })), (bytes) => {
        assert.deepEqual(addressBytes(addressText(bytes)), bytes);
      }),
    ));

  test('the order is that of unsigned bytes', () => {
    assert.ok(compareAddresses(addressBytes('10.0.128.0'), addressBytes('10.0.127.255')) > 0);
    assert.ok(compareAddresses(addressBytes('fe80::1'), addressBytes('fe80::1:0')) < 0);
    assert.equal(compareAddresses(addressBytes('10.0.0.1'), addressBytes('10.0.0.1')), 0);
  });
});

test('the checksum is that of the example in RFC 1071', () => {
  assert.equal(internetChecksum(Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])), 0xffff - 0xddf2);
});

function asIs(message: Uint8Array): Uint8Array {
  return message;
}

function set(offset: number, value: number): (message: Uint8Array) => Uint8Array {
  return (message) => {
    message[offset] = value;
    return message;
  };
}

function flip(message: Uint8Array, offset: number): Uint8Array {
  message[offset]! ^= 0x10;
  return message;
}

function longer(message: Uint8Array, by: number): Uint8Array {
  return Uint8Array.from([...message, ...new Uint8Array(by)]);
}

/** The same advert, of no addresses. */
function without(message: Uint8Array): Uint8Array {
  const empty = message.slice(0, 8);
  empty[3] = 0;
  return empty;
}

function padded({ packet }: { packet: Uint8Array }, by: number): Received {
  return { family: 4, packet: longer(packet, by) };
}

function withFirstByte({ packet }: { packet: Uint8Array }, value: number): Received {
  return { family: 4, packet: Uint8Array.from([value, ...packet.subarray(1)]) };
}

function withOptions({ packet }: { packet: Uint8Array }): Received {
  const longerHeader = Uint8Array.from([...packet.subarray(0, 20), 1, 1, 1, 1, ...packet.subarray(20)]);
  longerHeader.set([0x46, 0xc0, 0, packet.length + 4]);
  return { family: 4, packet: longerHeader };
}
