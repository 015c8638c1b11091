// Messages of D-Bus as bytes, there and back, and bytes that are none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode, encode, type Message, splitSignature } from '../../control/dbus/wire.js';

test('a call of Hello has its fixed part, its fields and no body', () => {
  const bytes = encode({ type: 1, serial: 1, path: '/org/freedesktop/DBus', member: 'Hello' });
  assert.equal(bytes.subarray(0, 12).toString('hex'), '6c0100010000000001000000');
  assert.equal(bytes.length % 8, 0);
  const { message, length } = decode(bytes)!;
  assert.equal(length, bytes.length);
  assert.deepEqual(message, { type: 1, flags: 0, serial: 1, path: '/org/freedesktop/DBus', member: 'Hello', body: [] });
});

const VALUES: readonly { readonly signature: string; readonly body: NonNullable<Message['body']> }[] = [
  { signature: 's', body: ['text, ünïcode'] },
  { signature: 'us', body: [4_294_967_295, ''] },
  { signature: 'yb(us)', body: [255, true, [2, 'Master']] },
  { signature: 'as', body: [[]] },
  { signature: 'as', body: [['a', 'bc', 'def']] },
  { signature: 'v', body: [{ signature: '(us)', value: [1, 'Backup'] }] },
  {
    signature: 'a{sv}',
    body: [
      [
        ['Name', { signature: '(s)', value: ['A'] }],
        ['State', { signature: '(us)', value: [2, 'Master'] }],
      ],
    ],
  },
];

for (const { signature, body } of VALUES)
  test(`a body of ${signature} comes back: ${JSON.stringify(body)}`, () => {
    const bytes = encode({ type: 4, serial: 7, path: '/', interface: 'a.b', member: 'C', signature, body });
    assert.deepEqual(decode(bytes)!.message.body, body);
  });

test('a message in pieces is waited for, and one behind it stays', () => {
  const bytes = encode({ type: 1, serial: 1, path: '/a', member: 'B', signature: 's', body: ['text'] });
  for (let end = 0; end < bytes.length; end += 1) assert.equal(decode(bytes.subarray(0, end)), undefined);
  assert.equal(decode(Buffer.concat([bytes, bytes]))!.length, bytes.length);
});

test('big-endian is read too', () => {
  const fixed = '420100010000000400000009' + '0000000b';
  const path = '01016f00' + '00000002' + '2f6100' + '0000000000';
  const { message, length } = decode(Buffer.from(`${fixed}${path}00000007`, 'hex'))!;
  assert.deepEqual([message.path, message.serial, length], ['/a', 9, 36]);
});

test('a signature is split into complete types', () => {
  assert.deepEqual(splitSignature('sa{sv}(u(ss))aas'), ['s', 'a{sv}', '(u(ss))', 'aas']);
  assert.throws(() => splitSignature('(us'));
  assert.throws(() => splitSignature('a'));
});

test('whatever the bytes are, they are read, waited for or refused, in no time', () => {
  const message = encode({
    type: 1,
    serial: 1,
    path: '/a',
    member: 'B',
    signature: 'a{sv}',
    body: [[['N', { signature: 's', value: 'x' }]]],
  });
  const broken = fc.array(fc.tuple(fc.nat(message.length - 1), fc.nat(255)), { maxLength: 5 }).map((changes) => {
    const bytes = Buffer.from(message);
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(
      fc.oneof(
        broken,
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        try {
          decode(bytes);
        } catch (problem) {
          assert.ok(problem instanceof Error);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('an array of nothing without end is refused', () => {
  const bytes = encode({ type: 1, serial: 1, path: '/', member: 'B', signature: 'as', body: [['a']] });
  const at = bytes.indexOf(Buffer.from('as\0'));
  bytes.write('a(', at, 'latin1');
  assert.throws(() => decode(bytes));
});
