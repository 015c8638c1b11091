// When a checker checks: the same keywords in virtual_server, real_server and the checkers, each inheriting from the one around it.

import type { TimingDraft } from '../draft.js';
import type { Keyword } from '../keyword.js';

/** As many seconds as the timers of Node hold; keepalived's hold more. */
const LONGEST = 2_147_483;
const LONGEST_CONNECT = 4294.967295;
const SHORTEST = 0.000001;

export const timingKeywords: readonly Keyword<TimingDraft>[] = [
  { name: 'delay_loop', takes: 'SECONDS', set: (arg) => ({ delayLoopMs: arg.seconds(SHORTEST, LONGEST) }) },
  { name: 'connect_timeout', takes: 'SECONDS', set: (arg) => ({ connectTimeoutMs: arg.seconds(SHORTEST, LONGEST_CONNECT) }) },
  { name: 'retry', takes: 'COUNT', set: (arg) => ({ retry: arg.integer(0, 2 ** 32 - 1) }) },
  { name: 'delay_before_retry', takes: 'SECONDS', set: (arg) => ({ delayBeforeRetryMs: arg.seconds(0, LONGEST) }) },
  { name: 'warmup', takes: 'SECONDS', set: (arg) => ({ warmupMs: arg.seconds(0, LONGEST) }) },
  { name: 'alpha', takes: '[BOOL]', set: (arg) => ({ alpha: arg.flag() }) },
];
