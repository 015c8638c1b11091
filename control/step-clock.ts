// Where the time of a reload goes, step by step.

import { setImmediate as turn } from 'node:timers/promises';

/** Of the loop that keeps the VRRP timers, but for the last, which is the data plane's own. */
export interface ApplyTimes {
  readonly healthMs?: number;
  readonly vrrpMs?: number;
  readonly guardMs?: number;
  readonly snapshotMs?: number;
  readonly dataplaneMs?: number;
}

export class StepClock {
  readonly times: { -readonly [Step in keyof ApplyTimes]: number } = {};
  #startedMs = performance.now();

  /** What was done since the last step took so long; whatever waits for the loop comes now. */
  async step(name: keyof ApplyTimes): Promise<void> {
    this.times[name] = performance.now() - this.#startedMs;
    await turn();
    this.#startedMs = performance.now();
  }
}
