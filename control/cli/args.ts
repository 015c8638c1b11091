// Reads the options of a command and hands its texts out: what every command shares.

import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Where a command prints. */
export interface Io {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** When what was printed has been taken; whoever prints without end waits for it. */
  readonly drained?: () => Promise<void>;
}

/** What the operator typed is not a command line of ours: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

export const RUN_DIR_OPTION = { 'run-dir': { type: 'string' } } as const;

export function readOptions<O extends Options>(args: readonly string[], options: O): Values<O> {
  try {
    return parseArgs<{ args: string[]; options: O }>({ args: [...args], options }).values as Values<O>;
  } catch (error) {
    throw new UsageError(firstSentence(error));
  }
}

/** The same for a command that takes words too. */
export function readWords<O extends Options>(
  args: readonly string[],
  options: O,
): { readonly values: Values<O>; readonly words: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values as Values<O>, words: positionals };
  } catch (error) {
    throw new UsageError(firstSentence(error));
  }
}

/** Runs `command`; what goes wrong becomes one line for the operator and an exit status: 2 for the command line, 1 for the world. */
export async function reportErrors(name: string, io: Io, command: () => Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    io.error(`natlb ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

// Node appends advice about its own parser ("To specify a positional argument starting with a '-' …") that helps no operator.
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\. (?=[A-Z])/)[0] ?? message;
}
