// PING_CHECK: the real server is well if it answers an ICMP echo. By the kernel's echo sockets: a raw one would hear every ICMP message of
// the machine, once for each check.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { CheckerOf } from '../config/checker.js';
import { exchange } from './datagrams.js';
import { encodeEcho, isEchoReply } from './echo.js';
import { failed } from './failed.js';
import { rangeWith } from './ping-range.js';
import type { Cancel, Done } from './watch.js';

const PAYLOAD_BYTES = 56;
/** Which groups may open such a socket; in a new network namespace none. */
const PING_RANGE = '/proc/sys/net/ipv4/ping_group_range';

let allowed = false;
let lastSequence = 0;

export function probePing(checker: CheckerOf<'ping'>, done: Done): Cancel {
  if (!allowed) allow();
  const family = isIPv6(checker.connect.address) ? 6 : 4;
  lastSequence = (lastSequence + 1) % 0x1_0000;
  const [sequence, payload] = [lastSequence, randomBytes(PAYLOAD_BYTES)];
  const terms = {
    kind: 'echo',
    message: encodeEcho(family, sequence, payload),
    silence: failed('silence', `no echo within ${checker.connectTimeoutMs / 1000} s`),
    answer: (message: Uint8Array) => (isEchoReply(message, family, sequence, payload) ? ({ kind: 'passed' } as const) : undefined),
  } as const;
  return exchange(checker, terms, done);
}

/** keepalived does so too. What cannot be allowed is told when the socket cannot be opened. */
function allow(): void {
  allowed = true;
  try {
    const wanted = rangeWith(readFileSync(PING_RANGE, 'utf8'), process.getegid?.() ?? 0);
    if (wanted !== undefined) writeFileSync(PING_RANGE, wanted);
  } catch {
    // Not root, or no such file.
  }
}
