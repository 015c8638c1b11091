// BFD Control packets: the bytes of RFC 5880 4.1, and everything that section 6.8.6 discards.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decode, encode, type Packet } from '../../control/bfd/packet.js';

const PACKET: Packet = {
  state: 'up',
  diagnostic: 3,
  poll: true,
  final: false,
  demand: false,
  multiplier: 5,
  myDiscriminator: 0x01020304,
  yourDiscriminator: 0xfffefdfc,
  desiredMinTxMs: 50.5,
  requiredMinRxMs: 4_294_967.295,
};
const BYTES = '23e00518' + '01020304' + 'fffefdfc' + '0000c544' + 'ffffffff' + '00000000';

function changed(at: number, value: number): Uint8Array {
  const bytes = Buffer.from(BYTES, 'hex');
  bytes[at] = value;
  return bytes;
}

test('a packet is these bytes, and they are that packet', () => {
  assert.equal(Buffer.from(encode(PACKET)).toString('hex'), BYTES);
  assert.deepEqual(decode(Buffer.from(BYTES, 'hex')), { packet: PACKET });
});

test('what stands behind the packet is not looked at', () => {
  assert.deepEqual(decode(Buffer.from(`${BYTES}00ff`, 'hex')), { packet: PACKET });
});

const noneOfYours = (state: number): Uint8Array => {
  const bytes = Buffer.from(changed(1, state << 6));
  bytes.fill(0, 8, 12);
  return bytes;
};

const DISCARDS: readonly (readonly [name: string, bytes: Uint8Array, discard: RegExp])[] = [
  ['nothing', new Uint8Array(0), /has 0 bytes/],
  ['23 bytes', Buffer.from(BYTES, 'hex').subarray(0, 23), /has 23 bytes/],
  ['version 0', changed(0, 0x03), /version 0/],
  ['version 2', changed(0, 0x43), /version 2/],
  ['a length of 23', changed(3, 23), /says it has 23 bytes/],
  ['a length beyond the packet', changed(3, 25), /says it has 25 bytes/],
  ['authentication', changed(1, 0xe4), /authentication/],
  ['multiplier 0', changed(2, 0), /multiplier is 0/],
  ['the multipoint bit', changed(1, 0xe1), /multipoint/],
  ['poll and final', changed(1, 0xf0), /both poll and final/],
  ['no discriminator of its own', Buffer.from(BYTES.replace('01020304', '00000000'), 'hex'), /own discriminator is 0/],
  ['up without our discriminator', noneOfYours(3), /does not know our discriminator/],
  ['init without our discriminator', noneOfYours(2), /does not know our discriminator/],
];

describe('discarded', () => {
  for (const [name, bytes, discard] of DISCARDS)
    test(name, () => {
      const decoded = decode(bytes);
      assert.match('discard' in decoded ? decoded.discard : 'taken', discard);
    });
});

test('down and admin-down may come without our discriminator', () => {
  assert.ok('packet' in decode(noneOfYours(0)));
  assert.ok('packet' in decode(noneOfYours(1)));
});
