// UDP_CHECK: the real server is well if no ICMP error says otherwise within connect_timeout, or if it replies as required.

import { randomBytes } from 'node:crypto';
import type { CheckerOf } from '../config/checker.js';
import type { ProbeResult } from './checker.js';
import { exchange } from './datagrams.js';
import { failed } from './failed.js';
import { bytesOf, misfit } from './udp-reply.js';
import type { Cancel, Done } from './watch.js';

/** As much as keepalived sends. */
const MEANINGLESS_BYTES = 32;

export function probeUdp(checker: CheckerOf<'udp'>, done: Done): Cancel {
  const { payload, reply, connectTimeoutMs } = checker;
  const passed: ProbeResult = { kind: 'passed' };
  const terms = {
    kind: 'datagram',
    message: payload === undefined ? randomBytes(MEANINGLESS_BYTES) : bytesOf(payload),
    silence: reply === undefined ? passed : failed('silence', `no reply within ${connectTimeoutMs / 1000} s`),
    answer: (message: Uint8Array) => {
      const problem = reply === undefined ? undefined : misfit(message, reply);
      return problem === undefined ? passed : failed('refused', problem);
    },
  } as const;
  return exchange(checker, terms, done);
}
