// ICMP echo (RFC 792, RFC 4443 4.1) as the kernel's echo sockets have it: they fill in identifier and checksum, and hear only their own.

const REQUEST: Readonly<Record<4 | 6, number>> = { 4: 8, 6: 128 };
const REPLY: Readonly<Record<4 | 6, number>> = { 4: 0, 6: 129 };
const HEADER_BYTES = 8;

export function encodeEcho(family: 4 | 6, sequence: number, payload: Uint8Array): Uint8Array {
  return Uint8Array.from([REQUEST[family], 0, 0, 0, 0, 0, (sequence >> 8) & 0xff, sequence & 0xff, ...payload]);
}

export function isEchoReply(message: Uint8Array, family: 4 | 6, sequence: number, payload: Uint8Array): boolean {
  const [type, code, , , , , high = 0, low = 0] = message;
  if (type !== REPLY[family] || code !== 0 || ((high << 8) | low) !== sequence) return false;
  return message.length === HEADER_BYTES + payload.length && payload.every((byte, index) => message[HEADER_BYTES + index] === byte);
}
