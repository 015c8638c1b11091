// UDP_CHECK: whether a datagram is the reply that is required.

import type { ExpectedReply } from '../config/checker.js';

/** Why not; nothing when it is. keepalived compares only as much as both have. */
export function misfit(reply: Uint8Array, { data, mask, shortest, longest }: ExpectedReply): string | undefined {
  if (reply.length < shortest || reply.length > longest) return `a reply of ${reply.length} bytes, expected ${shortest} to ${longest}`;
  const [expected, relevant] = [bytesOf(data), bytesOf(mask)];
  const at = reply.findIndex((byte, index) => ((byte ^ (expected[index] ?? 0)) & (relevant[index] ?? 0)) !== 0);
  return at < 0 ? undefined : `byte ${at} of the reply is ${reply[at]?.toString(16).padStart(2, '0')}`;
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
