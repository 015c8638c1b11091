// Looks at the counters every two seconds, for the rates. Here and not in control: with thousands of services their way there would keep the
// loop busy that keeps the VRRP timers.

import type { Rates, Stats } from './protocol.js';
import { type Estimates, estimate, ROUND_MS, ratesOf } from './rates.js';

export interface RateMeter {
  /** Of what `stats` lists. */
  rates(stats: Stats): Rates | undefined;
  close(): void;
}

export function startRateMeter(read: () => Stats): RateMeter {
  let estimates: Estimates | undefined;
  const look = () => {
    estimates = estimate(estimates, read(), performance.now());
  };
  const timer = setInterval(look, ROUND_MS);
  return { rates: (stats) => ratesOf(estimates, stats), close: () => clearInterval(timer) };
}
