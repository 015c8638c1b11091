// MISC_CHECK: the real server is well if a script says so.

import type { CheckerOf } from '../config/checker.js';
import { runScript } from '../scripts/run.js';
import { miscResult } from './misc-result.js';
import type { Cancel, Done } from './watch.js';

export function probeMisc(checker: CheckerOf<'misc'>, log: (text: string) => void, done: Done): Cancel {
  const { script, timeoutMs } = checker;
  const running = runScript(script, { timeoutMs, log });
  let cancelled = false;
  void running.ended.then((end) => {
    if (!cancelled) done(miscResult(checker, end));
  });
  return () => {
    cancelled = true;
    running.stop();
  };
}
