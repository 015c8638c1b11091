// The monotonic clock, with timers of any length.

import type { Clock } from './rota.js';

/** setTimeout cannot wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  at: (time, callback) => {
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const leftMs = Math.ceil(time - performance.now());
      if (leftMs <= 0) callback();
      else timer = setTimeout(wait, Math.min(leftMs, LONGEST_TIMER_MS));
    };
    timer = setTimeout(wait, Math.min(Math.max(Math.ceil(time - performance.now()), 0), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
