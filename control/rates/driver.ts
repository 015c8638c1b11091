// Looks at the data plane's counters every two seconds, for the rates.

import type { Stats } from '../../dataplane/protocol.js';
import type { Rates } from '../status.js';
import { type Estimates, estimate, ROUND_MS, ratesOf } from './estimator.js';

export interface RateMeter {
  /** Of what `stats` lists. */
  rates(stats: Stats): Rates | undefined;
  close(): void;
}

/** `read` may fail: what then follows is measured over the longer time. */
export function startRateMeter(read: () => Promise<Stats>): RateMeter {
  let estimates: Estimates | undefined;
  let asking = false;
  const look = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      estimates = estimate(estimates, await read(), performance.now());
    } catch {
      // The data plane is down or silent, which others report.
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void look(), ROUND_MS);
  return { rates: (stats) => ratesOf(estimates, stats), close: () => clearInterval(timer) };
}
