// The Internet checksum and addresses in bytes, written for clarity: what the packet rows are held to.

import { isIPv4 } from 'node:net';

/** The one's complement sum of 16-bit words, folded (RFC 1071), not complemented. */
export function sum(...parts: readonly Uint8Array[]): number {
  const bytes = Buffer.concat(parts);
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

export function checksum(...parts: readonly Uint8Array[]): number {
  return ~sum(...parts) & 0xffff;
}

export function pseudoHeader(source: Uint8Array, target: Uint8Array, protocol: number, length: number): Buffer {
  const tail = Buffer.alloc(source.length === 4 ? 4 : 8);
  tail.writeUInt16BE(length, 2);
  tail[source.length === 4 ? 1 : 7] = protocol;
  return Buffer.concat([source, target, tail]);
}

export function addressBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail] = text.split('::');
  const words = (part: string) => part.split(':').filter((word) => word !== '');
  const missing = tail === undefined ? 0 : 8 - words(head).length - words(tail).length;
  const all = [...words(head), ...Array<string>(missing).fill('0'), ...words(tail ?? '')];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}

export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at]! << 8) | bytes[2 * at + 1]!).toString(16));
  const zeros = [...words.join(':').matchAll(/(?<![0-9a-f])0(:0)+(?![0-9a-f])/g)].sort((a, b) => b[0].length - a[0].length)[0];
  if (zeros === undefined) return words.join(':');
  const before = words.join(':').slice(0, zeros.index);
  const behind = words.join(':').slice(zeros.index + zeros[0].length);
  return `${before.replace(/:$/, '')}::${behind.replace(/^:/, '')}`;
}
