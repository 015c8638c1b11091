// How a benchmark tells of its progress and hands over its result.

import { cpus, release } from 'node:os';

export interface Result {
  readonly name: string;
  /** For people. */
  readonly text: string;
  /** For machines. */
  readonly figures: unknown;
}

/** Progress goes to stderr, so that stdout holds the result alone. */
export function progress(text: string): void {
  console.error(`bench: ${text}`);
}

export function machine(): { readonly cpu: string; readonly cpus: number; readonly kernel: string; readonly node: string } {
  return { cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length, kernel: release(), node: process.version };
}
