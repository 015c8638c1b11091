// IPv4 packets in pieces, and pieces together again (RFC 791 3.2).

import { checksum } from '../packets/bytes.js';
import type { Sent } from './balancer.js';
import { fields } from './frame.js';

const ETHERNET = 14;
const TOTAL_LENGTH = 16;
const FRAGMENT = 20;
const MORE = 0x2000;

/** The frame as fragments that begin at these places of its payload, multiples of 8. */
export function cut(frame: Buffer, places: readonly number[]): Buffer[] {
  const { l4 } = fields(frame);
  const payload = frame.subarray(l4);
  const inner = places.filter((place) => place < payload.length);
  return [0, ...inner].map((from, at) => {
    const to = inner[at] ?? payload.length;
    return withHeader(frame, from / 8 + (to < payload.length ? MORE : 0), payload.subarray(from, to));
  });
}

/** The same frames, but for fragments: those of one datagram as one frame, in the place of the first. */
export function joined(all: readonly Sent[]): readonly Sent[] {
  const datagrams = new Map<string | Buffer, Sent[]>();
  for (const sent of all) {
    const { device, frame } = sent;
    const name = fields(frame).fragment ? `${device} ${frame.toString('hex', 18, 20)} ${frame.toString('hex', 26, 34)}` : frame;
    datagrams.set(name, [...(datagrams.get(name) ?? []), sent]);
  }
  return [...datagrams.values()].flatMap((parts) => {
    const [first, ...others] = parts.sort((a, b) => offset(a.frame) - offset(b.frame));
    if (first === undefined || !fields(first.frame).fragment) return parts;
    const payload = Buffer.concat([first, ...others].map(({ frame }) => frame.subarray(fields(frame).l4)));
    return [{ device: first.device, frame: withHeader(first.frame, 0, payload) }];
  });
}

function offset(frame: Buffer): number {
  return fields(frame).fragment ? frame.readUInt16BE(FRAGMENT) & 0x1fff : 0;
}

function withHeader(frame: Buffer, fragment: number, payload: Buffer): Buffer {
  const { l4 } = fields(frame);
  const header = Buffer.from(frame.subarray(0, l4));
  header.writeUInt16BE(l4 - ETHERNET + payload.length, TOTAL_LENGTH);
  header.writeUInt16BE(fragment, FRAGMENT);
  header.writeUInt16BE(0, 24);
  header.writeUInt16BE(checksum(header.subarray(ETHERNET)), 24);
  return Buffer.concat([header, payload]);
}
