// `natlb reload` and `natlb confirm`: have the running natlb read its file again, and say that it may stay.

import { LONGEST_TRIAL_MS } from '../requests.js';
import { type Io, RUN_DIR_OPTION, readOptions, reportErrors, UsageError } from './args.js';
import { ask, DEFAULT_RUN_DIR } from './client.js';

const OPTIONS = { ...RUN_DIR_OPTION, 'rollback-after': { type: 'string' }, json: { type: 'boolean' } } as const;
/** Reading a large configuration takes a while. */
const ANSWER_LIMIT_MS = 60_000;
const UNITS_MS: Readonly<Record<string, number>> = { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

export function reload(args: readonly string[], io: Io, asking: typeof ask = ask): Promise<number> {
  return reportErrors('reload', io, async () => {
    const values = readOptions(args, OPTIONS);
    const after = values['rollback-after'];
    const request = { what: 'reload' as const, ...(after === undefined ? {} : { rollbackAfterMs: duration(after) }) };
    const outcome = await asking(values['run-dir'] ?? DEFAULT_RUN_DIR, request, ANSWER_LIMIT_MS);
    if (values.json) io.out(`${JSON.stringify(outcome, undefined, 2)}\n`);
    if (!outcome.applied) throw new Error(outcome.message);
    if (values.json) return;
    const trial = after === undefined ? '' : `; it goes back in ${after.replace(/^\d+$/, '$& s')} unless you type natlb confirm`;
    io.out(`${outcome.message}${trial}\n`);
  });
}

export function confirm(args: readonly string[], io: Io, asking: typeof ask = ask): Promise<number> {
  return reportErrors('confirm', io, async () => {
    const values = readOptions(args, RUN_DIR_OPTION);
    const outcome = await asking(values['run-dir'] ?? DEFAULT_RUN_DIR, { what: 'confirm' });
    if (!outcome.applied) throw new Error(outcome.message);
    io.out(`${outcome.message}\n`);
  });
}

function duration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)(ms|s|m|h|)$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS_MS[unit] ?? Number.NaN);
  if (digits === '' || !(ms > 0 && ms <= LONGEST_TRIAL_MS))
    throw new UsageError(`--rollback-after ${text}: expected a time up to a day, such as 60s or 5m`);
  return ms;
}
