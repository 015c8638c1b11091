// What proves who sent an advert: the header of auth_type AH, and the trailer of auth_hmac.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuthHmac, VrrpInstance } from '../../control/config/model.js';
import { type Authenticator, createAuthenticator, noMemory } from '../../control/vrrp/authenticator.js';
import { type DiscardReason, decode } from '../../control/vrrp/decode.js';
import { HASHES } from '../../control/vrrp/hashes.js';
import { outgoing } from '../../control/vrrp/outgoing.js';
import type { Received } from '../../control/vrrp/packet.js';
import { unicastPeer, vrrpInstance } from './instance.js';

const NOW = 1_744_830_464_500; // 0x68000000 and a half seconds after 1970
const KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const place = { file: 'test', line: 1, column: 1 };

function hmac(wanted: Partial<AuthHmac> = {}): AuthHmac {
  return { keys: [{ id: 1, hex: KEY, place }], activeKey: 1, antiReplay: 'time', windowSeconds: 5, mode: 'enforce', ...wanted };
}

const SIGNED = vrrpInstance({ version: 3, priority: 200, vips: ['192.0.2.100'], v3ChecksumAsV2: true, hmac: hmac() });
const SIGNED6 = vrrpInstance({ family: 6, priority: 200, vips: ['fe80::100'], hmac: hmac() });
const AH = vrrpInstance({ version: 2, authentication: { type: 'ah', password: 'secret' } });

interface End {
  readonly instance: VrrpInstance;
  readonly source: string;
  readonly authenticator: Authenticator;
  nowMs: number;
}

function end(instance: VrrpInstance, source: string): End {
  const made: { -readonly [Name in keyof End]: End[Name] } = { instance, source, nowMs: NOW, authenticator: undefined as never };
  made.authenticator = createAuthenticator(instance, { memory: noMemory(), hashes: HASHES, wallClockMs: () => made.nowMs });
  return made;
}

/** To the first it is meant for. */
function sent({ instance, source, authenticator }: End, priority = instance.priority): Received {
  const packet = outgoing(instance, { priority, source, authenticator, toMulticastGroup: false })[0]!.packet;
  if (instance.family === 4) return { family: 4, packet };
  return { family: 6, message: packet.slice(40), source, destinations: ['ff02::12', 'fe80::20'] };
}

function heard({ instance, authenticator }: End, received: Received): DiscardReason | 'accepted' {
  const decoded = decode(received, instance, authenticator);
  return 'discard' in decoded ? decoded.discard : 'accepted';
}

function changed(received: Received, offset: number, mask = 1): Received {
  const bytes = Uint8Array.from(received.family === 4 ? received.packet : received.message);
  bytes[offset < 0 ? bytes.length + offset : offset]! ^= mask;
  return received.family === 4 ? { family: 4, packet: bytes } : { ...received, message: bytes };
}

const hex = (received: Received) => Buffer.from(received.family === 4 ? received.packet : received.message).toString('hex');

describe('auth_hmac', () => {
  test('the trailer is that of the example in the draft, over IPv4 and IPv6 [9568-39]', () => {
    assert.equal(
      hex(sent(end(SIGNED, '198.51.100.10'))).slice(40),
      `3133c80100644402c0000264${'010100006800000080000000'}1b84bc4e8e43892dc6d98448f8ee2265`,
    );
    const unicast = { ...SIGNED6, target: { kind: 'unicast' as const, peers: [unicastPeer('fe80::20')], ttl: 64, checkSource: false } };
    assert.equal(
      hex(sent(end(unicast, 'fe80::10'))),
      `3133c8010064a2e9fe800000000000000000000000000100${'010100006800000080000000'}c8c56146ebfd66ee10ec4d8186461b78`,
    );
  });

  for (const instance of [SIGNED, SIGNED6]) {
    const from = instance.family === 4 ? '198.51.100.10' : 'fe80::10';
    const peer = () => end(instance, instance.family === 4 ? '198.51.100.9' : 'fe80::9');

    test(`over IPv${instance.family} every advert counts up, and is taken once [9568-39]`, () => {
      const [a, b] = [end(instance, from), peer()];
      const first = sent(a);
      const second = sent(a);
      assert.equal(heard(b, first), 'accepted');
      assert.equal(heard(b, first), 'trailer-replay');
      assert.equal(heard(b, second), 'accepted');
      assert.equal(heard(b, first), 'trailer-replay');
    });

    test(`over IPv${instance.family} no changed byte is believed [9568-39]`, () => {
      const good = sent(end(instance, from));
      const bytes = good.family === 4 ? good.packet : good.message;
      const vrrpAt = good.family === 4 ? 20 : 0;
      for (let at = vrrpAt; at < bytes.length; at++) assert.notEqual(heard(peer(), changed(good, at)), 'accepted', `byte ${at}`);
    });
  }

  const faults: readonly { name: string; bend: (received: Received) => Received; reason: DiscardReason }[] = [
    { name: 'another kind of trailer', bend: (good) => changed(good, -28), reason: 'trailer-malformed' },
    { name: 'reserved bits that are set', bend: (good) => changed(good, -26), reason: 'trailer-malformed' },
    { name: 'a key nobody has', bend: (good) => changed(good, -27, 2), reason: 'trailer-key' },
    { name: 'another counter', bend: (good) => changed(good, -17), reason: 'trailer-proof' },
    { name: 'another proof', bend: (good) => changed(good, -1), reason: 'trailer-proof' },
    { name: 'a time long past', bend: (good) => changed(good, -24, 0x10), reason: 'trailer-stale' },
    { name: 'an address that is not the sender’s', bend: (good) => changed(good, 15), reason: 'trailer-proof' },
    { name: 'another priority', bend: (good) => changed(good, 22), reason: 'trailer-proof' },
  ];
  for (const { name, bend, reason } of faults)
    test(`${name} is refused: ${reason} [9568-39]`, () =>
      assert.equal(heard(end(SIGNED, '198.51.100.9'), bend(sent(end(SIGNED, '198.51.100.10')))), reason));

  const modes: readonly { mode: AuthHmac['mode']; takesUnsigned: boolean; signs: boolean }[] = [
    { mode: 'enforce', takesUnsigned: false, signs: true },
    { mode: 'permissive', takesUnsigned: true, signs: true },
    { mode: 'receive-only', takesUnsigned: true, signs: false },
  ];
  for (const { mode, takesUnsigned, signs } of modes)
    test(`mode ${mode}: ${signs ? 'signs' : 'signs nothing'}, ${takesUnsigned ? 'takes' : 'refuses'} what is not signed, checks what is [9568-39]`, () => {
      const instance = { ...SIGNED, hmac: hmac({ mode }) };
      const { hmac: _, ...plain } = SIGNED;
      assert.equal(heard(end(instance, '198.51.100.9'), sent(end(plain, '198.51.100.10'))), takesUnsigned ? 'accepted' : 'trailer-missing');
      assert.equal(
        sent(end(instance, '198.51.100.10')).family === 4 && hex(sent(end(instance, '198.51.100.10'))).length / 2,
        20 + 12 + (signs ? 28 : 0),
      );
      assert.equal(heard(end(instance, '198.51.100.9'), changed(sent(end(SIGNED, '198.51.100.10')), -1)), 'trailer-proof');
    });

  test('who knows nothing of trailers takes a signed advert for one that is too long', () => {
    const { hmac: _, ...plain } = SIGNED;
    assert.equal(heard(end(plain, '198.51.100.9'), sent(end(SIGNED, '198.51.100.10'))), 'length');
  });

  test('clocks may differ by the window and no more', () => {
    for (const [aheadMs, verdict] of [
      [5000, 'accepted'],
      [-5000, 'accepted'],
      [6000, 'trailer-stale'],
      [-6000, 'trailer-stale'],
    ] as const) {
      const [a, b] = [end(SIGNED, '198.51.100.10'), end(SIGNED, '198.51.100.9')];
      a.nowMs += aheadMs;
      assert.equal(heard(b, sent(a)), verdict, `${aheadMs} ms`);
    }
  });

  test('a clock that is put back a little never repeats a sequence; put back far, it starts from there', () => {
    const [a, b] = [end(SIGNED, '198.51.100.10'), end(SIGNED, '198.51.100.9')];
    assert.equal(heard(b, sent(a)), 'accepted');
    a.nowMs -= 3000;
    assert.equal(heard(b, sent(a)), 'accepted');
    a.nowMs -= 60_000;
    b.nowMs -= 63_000;
    assert.equal(heard(b, sent(a)), 'accepted', 'what was heard before lies outside the window and counts no more');
  });

  test('monotonic asks for no clock, only for more each time', () => {
    const instance = { ...SIGNED, hmac: hmac({ antiReplay: 'monotonic' }) };
    const [a, b] = [end(instance, '198.51.100.10'), end(instance, '198.51.100.9')];
    b.nowMs = 0;
    const first = sent(a);
    assert.equal(heard(b, first), 'accepted');
    a.nowMs -= 60_000;
    assert.equal(heard(b, sent(a)), 'accepted');
    assert.equal(heard(b, first), 'trailer-replay');
  });

  test('keys are changed without an interruption: both know both, then one after the other signs with the new one', () => {
    const keys = [...hmac().keys, { id: 2, hex: 'ff'.repeat(64), place }];
    const a = end({ ...SIGNED, hmac: hmac({ keys, activeKey: 2 }) }, '198.51.100.10');
    assert.equal(heard(end({ ...SIGNED, hmac: hmac({ keys }) }, '198.51.100.9'), sent(a)), 'accepted');
    assert.equal(heard(end(SIGNED, '198.51.100.9'), sent(a)), 'trailer-key');
  });

  test('a flood of senders nobody knows makes no sender forgotten', () => {
    const [a, b] = [end(SIGNED, '198.51.100.10'), end(SIGNED, '198.51.100.9')];
    const first = sent(a);
    assert.equal(heard(b, first), 'accepted');
    for (let i = 0; i < 100; i++) heard(b, changed(first, 15, i + 1));
    assert.equal(heard(b, first), 'trailer-replay');
  });

  test('an advert to several peers is signed once, and each takes it [9568-38]', () => {
    const peers = ['198.51.100.11', '198.51.100.12'].map((address) => unicastPeer(address));
    const a = end({ ...SIGNED, v3ChecksumAsV2: false, target: { kind: 'unicast', peers, ttl: 255, checkSource: false } }, '198.51.100.10');
    const packets = outgoing(a.instance, { priority: 200, source: a.source, authenticator: a.authenticator, toMulticastGroup: false });
    const trailers = packets.map(({ packet }) => Buffer.from(packet.slice(-28)).toString('hex'));
    assert.equal(trailers[0], trailers[1]);
    const back = {
      ...a.instance,
      target: { kind: 'unicast' as const, peers: [unicastPeer('198.51.100.10')], ttl: 255, checkSource: false },
    };
    for (const [i, { packet }] of packets.entries())
      assert.equal(heard(end(back, `198.51.100.${11 + i}`), { family: 4, packet }), 'accepted');
    const strangers = {
      ...a.instance,
      target: { kind: 'unicast' as const, peers: [unicastPeer('198.51.100.99')], ttl: 255, checkSource: false },
    };
    assert.equal(heard(end(strangers, '198.51.100.11'), { family: 4, packet: packets[0]!.packet }), 'unicast-source');
  });

  test('no trailer makes it throw, and none that was made up is believed', () =>
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 28, maxLength: 28 }), fc.constantFrom(SIGNED, SIGNED6), (trailer, instance) => {
        const good = sent(end(instance, instance.family === 4 ? '198.51.100.10' : 'fe80::10'));
        const bytes = Uint8Array.from(good.family === 4 ? good.packet : good.message);
        bytes.set(trailer, bytes.length - 28);
        const bad: Received = good.family === 4 ? { family: 4, packet: bytes } : { ...good, message: bytes };
        assert.notEqual(heard(end(instance, '198.51.100.9'), bad), 'accepted');
      }),
      { numRuns: 2000, seed: 1 },
    ));
});

describe('auth_type AH', () => {
  test('the header is as RFC 2402 and keepalived have it, its proof HMAC-MD5-96 over what no router changes', () => {
    const { packet } = sent(end(AH, '10.0.0.2')) as Received & { family: 4 };
    assert.equal(packet[9], 51);
    assert.equal(hex({ family: 4, packet: packet.slice(20, 32) }), '7004' + '0000' + '0a000002' + '00000001');
    const mutable = Uint8Array.from(packet);
    for (const at of [1, 6, 7, 10, 11, ...Array.from({ length: 12 }, (_, i) => 32 + i)]) mutable[at] = 0;
    const proof = createHmac('md5', Buffer.from('secret\0\0')).update(mutable).digest().subarray(0, 12);
    assert.equal(Buffer.from(packet.slice(32, 44)).toString('hex'), proof.toString('hex'));
    assert.equal(packet[48], 2, 'authentication type 2');
  });

  test('each advert is taken once, and only with the right password', () => {
    const [a, b] = [end(AH, '10.0.0.2'), end(AH, '10.0.0.3')];
    const first = sent(a);
    assert.equal(heard(b, first), 'accepted');
    assert.equal(heard(b, first), 'authentication-failure');
    assert.equal(heard(b, sent(a)), 'accepted');
    const stranger = end({ ...AH, authentication: { type: 'ah', password: 'other' } }, '10.0.0.2');
    assert.equal(heard(end(AH, '10.0.0.3'), sent(stranger)), 'authentication-failure');
  });

  test('whoever takes over counts on from where the other was', () => {
    const [a, b] = [end(AH, '10.0.0.2'), end(AH, '10.0.0.3')];
    for (let i = 0; i < 5; i++) heard(b, sent(a));
    assert.equal(heard(a, sent(b)), 'accepted');
  });

  test('a master meets a lesser one that counted further, and makes itself heard', () => {
    const [a, b] = [end(AH, '10.0.0.2'), end(AH, '10.0.0.3')];
    for (let i = 0; i < 5; i++) sent(b);
    assert.equal(heard(b, sent(a)), 'authentication-failure');
    const decoded = decode(sent(b), a.instance, a.authenticator);
    assert.ok('advert' in decoded);
    a.authenticator.resume(decoded.datagram);
    assert.equal(heard(b, sent(a)), 'accepted');
  });

  const rows: readonly { name: string; instance: VrrpInstance; from: VrrpInstance; reason: DiscardReason }[] = [
    { name: 'a header where none is wanted', instance: vrrpInstance(), from: AH, reason: 'authentication-mismatch' },
    { name: 'no header where one is wanted', instance: AH, from: vrrpInstance(), reason: 'authentication-mismatch' },
  ];
  for (const { name, instance, from, reason } of rows)
    test(`${name} is refused`, () => assert.equal(heard(end(instance, '10.0.0.3'), sent(end(from, '10.0.0.2'))), reason));

  test('one changed bit anywhere that the header speaks for is noticed', () => {
    const good = sent(end(AH, '10.0.0.2')) as Received & { family: 4 };
    const free = new Set([1, 6, 7, 10, 11]);
    for (let at = 0; at < good.packet.length; at++) {
      if (free.has(at)) continue;
      assert.notEqual(heard(end(AH, '10.0.0.3'), changed(good, at)), 'accepted', `byte ${at}`);
    }
  });

  test('no packet makes it throw', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (payload) => {
        const bytes = Uint8Array.from([
          0x45,
          0xc0,
          0,
          20 + payload.length,
          0,
          0,
          0,
          0,
          255,
          51,
          0,
          0,
          10,
          0,
          0,
          2,
          224,
          0,
          0,
          18,
          ...payload,
        ]);
        assert.notEqual(heard(end(AH, '10.0.0.3'), { family: 4, packet: bytes }), 'accepted');
      }),
      { numRuns: 2000, seed: 1 },
    ));
});
