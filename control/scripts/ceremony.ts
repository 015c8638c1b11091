// `startup_script` and `shutdown_script`: natlb waits for them, as long as they may take.

import type { TimedScript } from '../config/model.js';
import type { Log } from '../log.js';
import { runScript } from './run.js';

/** Resolves when it has ended, whatever came of it; `hurry` ends it. */
export async function runCeremony(
  what: 'startup' | 'shutdown',
  timed: TimedScript | undefined,
  log: Log,
  hurry?: Promise<unknown>,
): Promise<void> {
  if (timed === undefined) return;
  const { script, timeoutMs } = timed;
  const name = `${what} script ${script.argv[0]}`;
  log(`Running ${name}`);
  const running = runScript(script, { timeoutMs, log });
  void hurry?.then(() => running.stop());
  const end = await running.ended;
  if (end.kind === 'failed') log(`Call of ${name} failed: ${end.reason}`);
  else if (end.kind === 'timeout') log(`${name} was ended: it took longer than ${timeoutMs / 1000} s`);
  else if (end.kind === 'signal') log(`${name} was ended by ${end.signal}`);
  else if (end.code !== 0) log(`${name} failed, status ${end.code}`);
}
