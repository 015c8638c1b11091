// `natlb diff`: what a reload would do to what runs. Exit status as diff(1) has it: 0 nothing, 1 something, 2 trouble.

import { resolve } from 'node:path';
import { type Io, RUN_DIR_OPTION, readWords, reportErrors, UsageError } from './args.js';
import { ask, DEFAULT_RUN_DIR } from './client.js';
import { diffText } from './diff-text.js';

const OPTIONS = { ...RUN_DIR_OPTION, json: { type: 'boolean' } } as const;
/** Reading a large configuration takes a while. */
const ANSWER_LIMIT_MS = 60_000;

export async function diff(args: readonly string[], io: Io, asking: typeof ask = ask): Promise<number> {
  let status = 0;
  const failed = await reportErrors('diff', io, async () => {
    const { values, words } = readWords(args, OPTIONS);
    if (words.length > 1) throw new UsageError('expected diff [FILE] [--json] [--run-dir DIR]');
    const [file] = words;
    const request = { what: 'diff' as const, ...(file === undefined ? {} : { file: resolve(file) }) };
    const answer = await asking(values['run-dir'] ?? DEFAULT_RUN_DIR, request, ANSWER_LIMIT_MS);
    io.out(values.json ? `${JSON.stringify(answer, undefined, 2)}\n` : diffText(answer));
    status = !answer.loadable ? 2 : answer.differences.length > 0 ? 1 : 0;
  });
  return failed === 0 ? status : 2;
}
