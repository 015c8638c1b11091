// An Io that remembers: what a command printed, as two texts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Io } from '../../control/cli/args.js';

export interface Recorder extends Io {
  readonly printed: () => string;
  readonly complained: () => string;
}

export function recorder(): Recorder {
  const out: string[] = [];
  const error: string[] = [];
  return {
    out: (text) => out.push(text),
    error: (text) => error.push(text),
    printed: () => out.join(''),
    complained: () => error.join(''),
  };
}

export function golden(name: string): string {
  return readFileSync(join(import.meta.dirname, '..', '..', '..', 'test', 'cli', 'golden', name), 'utf8');
}
