// The announcements, byte by byte.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcement } from '../../control/vrrp/frames.js';
import { internetChecksum } from '../../control/vrrp/packet.js';

const MAC = '02:00:00:00:00:0a';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('a gratuitous ARP is a broadcast request for the address, from the address [9568-40]', () => {
  const ethernet = 'ffffffffffff 02000000000a 0806';
  const arp = '0001 0800 06 04 0001 02000000000a cb00710a ffffffffffff cb00710a';
  assert.equal(hex(announcement(MAC, '203.0.113.10')), `${ethernet}${arp}`.replaceAll(' ', ''));
});

test('an unsolicited neighbour advertisement goes to all nodes from the address itself, as a router, overriding [9568-22 9568-42]', () => {
  const frame = announcement(MAC, '2001:db8::10');
  const address = '20010db8000000000000000000000010';
  assert.equal(hex(frame.subarray(0, 14)), '33330000000102000000000a86dd');
  assert.equal(hex(frame.subarray(14, 22)), '6000000000203aff');
  assert.equal(hex(frame.subarray(22, 54)), `${address}ff020000000000000000000000000001`);
  assert.equal(hex(frame.subarray(54, 56)), '8800');
  assert.equal(hex(frame.subarray(58)), `a0000000${address}020102000000000a`);
  const pseudoHeader = Uint8Array.from([...frame.subarray(22, 54), 0, 0, 0, 32, 0, 0, 0, 58]);
  assert.equal(internetChecksum(pseudoHeader, frame.subarray(54)), 0);
});

test('what is no MAC address is refused before it reaches the wire', () => {
  for (const mac of ['', '02:00:00:00:00', '02:00:00:00:00:0a:0b', '02:00:00:00:00:xx']) {
    assert.throws(() => announcement(mac, '203.0.113.10'), /expected a MAC address/);
  }
});
