// The IP addresses of an Ethernet frame, as text.

import { parseAddress } from '../config/address.js';

const VLAN_TAGS = [0x8100, 0x88a8];

/** Source and target; none of what is not IP or too short. */
export function addressesOf(frame: Buffer): readonly string[] {
  let at = 12;
  while (frame.length >= at + 6 && VLAN_TAGS.includes(frame.readUInt16BE(at))) at += 4;
  if (frame.length < at + 2) return [];
  const type = frame.readUInt16BE(at);
  const ip = frame.subarray(at + 2);
  if (type === 0x0800 && ip.length >= 20) return [ip.subarray(12, 16), ip.subarray(16, 20)].map((bytes) => [...bytes].join('.'));
  if (type === 0x86dd && ip.length >= 40) return [ip.subarray(8, 24), ip.subarray(24, 40)].map(ipv6Text);
  return [];
}

function ipv6Text(bytes: Buffer): string {
  const words = bytes.toString('hex').match(/.{4}/g) ?? [];
  return parseAddress(words.join(':'))?.text ?? '';
}
