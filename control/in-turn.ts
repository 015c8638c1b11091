// Takes things down: every step in turn, whatever becomes of the ones before, so that one that fails leaves nothing else behind.

import type { Log } from './log.js';

export type Step = () => void | Promise<void>;

export async function inTurn(steps: readonly Step[], log: Log): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch (problem) {
      log(problem instanceof Error ? problem.message : String(problem));
    }
  }
}
