// A frame's fields as the generator and the differences ask for them.

import { addressText } from '../packets/bytes.js';
import type { Endpoint } from './world.js';

export const TCP = 6;
export const UDP = 17;
export const SCTP = 132;
const ICMP = 1;
const ICMP6 = 58;

/** Of the TCP flags. */
export const SYN = 2;

export interface Fields {
  readonly v4: boolean;
  readonly protocol: number;
  /** Port 0 where there are no ports. */
  readonly source: Endpoint;
  readonly target: Endpoint;
  /** Of TCP. */
  readonly flags: number;
  readonly payload: number;
  /** Of an ICMP message: type and code of IPv4, or those of IPv6 plus 1000. */
  readonly icmp?: { readonly type: number; readonly code: number };
  /** Where the L4 header starts. */
  readonly l4: number;
  readonly fragment: boolean;
}

export function fields(frame: Buffer): Fields {
  const v4 = frame.readUInt16BE(12) === 0x0800;
  const protocol = frame[v4 ? 23 : 20] ?? 0;
  const l4 = v4 ? 14 + ((frame[14] ?? 0) & 15) * 4 : 54;
  const fragment = v4 && (frame.readUInt16BE(20) & 0x3fff) !== 0;
  const ports = !fragment && [TCP, UDP, SCTP].includes(protocol) && frame.length >= l4 + 4;
  const address = (at: number) => addressText(frame.subarray(at, at + (v4 ? 4 : 16)));
  const isIcmp = !fragment && protocol === (v4 ? ICMP : ICMP6);
  const end = v4 ? 14 + frame.readUInt16BE(16) : 54 + frame.readUInt16BE(18);
  const header = protocol === TCP ? ((frame[l4 + 12] ?? 0) >> 4) * 4 : 8;
  return {
    v4,
    protocol,
    source: { address: address(v4 ? 26 : 22), port: ports ? frame.readUInt16BE(l4) : 0 },
    target: { address: address(v4 ? 30 : 38), port: ports ? frame.readUInt16BE(l4 + 2) : 0 },
    flags: protocol === TCP && ports ? (frame[l4 + 13] ?? 0) : 0,
    payload: Math.max(0, end - l4 - header),
    ...(isIcmp ? { icmp: { type: frame[l4] ?? 0, code: frame[l4 + 1] ?? 0 } } : {}),
    l4,
    fragment,
  };
}
