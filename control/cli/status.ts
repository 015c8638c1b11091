// `natlb status`: what a running natlb says of itself, as text for a screen or as JSON for a program.

import { type Io, RUN_DIR_OPTION, readOptions, reportErrors } from './args.js';
import { ask, DEFAULT_RUN_DIR } from './client.js';
import { statusText } from './status-text.js';

const OPTIONS = { ...RUN_DIR_OPTION, json: { type: 'boolean' } } as const;

export function status(args: readonly string[], io: Io): Promise<number> {
  return reportErrors('status', io, async () => {
    const values = readOptions(args, OPTIONS);
    const answer = await ask(values['run-dir'] ?? DEFAULT_RUN_DIR, { what: 'status' });
    io.out(values.json ? `${JSON.stringify(answer, undefined, 2)}\n` : statusText(answer, Date.now()));
  });
}
