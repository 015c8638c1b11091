// `natlb signal NAME`: what keepalived's users do with kill, with an answer; and `natlb --signum=NAME`, the number to kill with.

import { DUMPS, SIGNAL_NUMBERS } from '../dumps/names.js';
import { type Io, RUN_DIR_OPTION, readWords, reportErrors, UsageError } from './args.js';
import { ask, DEFAULT_RUN_DIR } from './client.js';

const NAMES = Object.keys(SIGNAL_NUMBERS).join(', ');
const NO_THREADS = 'natlb has no scheduler threads to dump; natlb status --json shows what it holds, and /metrics how late its loop is';
const ANSWER_LIMIT_MS = 60_000;

/** keepalived exits with 1 for a name it does not know. */
export function signum(name: string, io: Io): number {
  const number = Object.hasOwn(SIGNAL_NUMBERS, name) ? (SIGNAL_NUMBERS as Readonly<Record<string, number>>)[name] : undefined;
  if (number === undefined) {
    io.error(`natlb: ${unknown(name)}\n`);
    return 1;
  }
  io.out(`${number}\n`);
  return 0;
}

export function signal(
  args: readonly string[],
  io: Io,
  asking: typeof ask = ask,
  kill: typeof process.kill = process.kill,
): Promise<number> {
  return reportErrors('signal', io, async () => {
    const { values, words } = readWords(args, RUN_DIR_OPTION);
    const [name, ...others] = words;
    if (name === undefined || others.length > 0) throw new UsageError(`expected signal NAME, one of ${NAMES}`);
    const runDir = values['run-dir'] ?? DEFAULT_RUN_DIR;
    const dump = DUMPS.find((one) => one === name);
    if (dump !== undefined) io.out(`${(await asking(runDir, { what: 'dump', name: dump }, ANSWER_LIMIT_MS)).join('\n')}\n`);
    else if (name === 'RELOAD') io.out(await reload(runDir, asking));
    else if (name === 'STOP') kill((await asking(runDir, { what: 'status' })).pid, 'SIGTERM');
    else throw new UsageError(unknown(name));
  });
}

async function reload(runDir: string, asking: typeof ask): Promise<string> {
  const { applied, message } = await asking(runDir, { what: 'reload' }, ANSWER_LIMIT_MS);
  if (!applied) throw new Error(message);
  return `${message}\n`;
}

function unknown(name: string): string {
  return name === 'TDATA' || name === 'TDUMP' ? `${name}: ${NO_THREADS}` : `${name} is none of ${NAMES}`;
}
