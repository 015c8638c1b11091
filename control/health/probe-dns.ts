// DNS_CHECK: the real server is well if it answers one question without an error.

import { randomInt } from 'node:crypto';
import type { CheckerOf } from '../config/checker.js';
import { exchange } from './datagrams.js';
import { encodeQuery, readAnswer } from './dns.js';
import { failed } from './failed.js';
import type { Cancel, Done } from './watch.js';

export function probeDns(checker: CheckerOf<'dns'>, done: Done): Cancel {
  const id = randomInt(0x1_0000);
  const terms = {
    kind: 'datagram',
    message: encodeQuery(checker, id),
    silence: failed('silence', 'read timeout from socket'),
    answer: (message: Uint8Array) => {
      const answer = readAnswer(message, id);
      if (answer.kind === 'other') return undefined;
      return answer.rcode === 0 ? ({ kind: 'passed' } as const) : failed('refused', `read error occurred. (rcode = ${answer.rcode})`);
    },
  } as const;
  return exchange(checker, terms, done);
}
