// `include PATTERN`, its variants, and `include_check`: which files must be there.

import { alternatives } from './glob.js';

export type Check = 'read' | 'match' | 'wildcard_match' | 'brace_match';

export type Inclusion = ReadonlySet<Check>;

export const CHECKS: readonly Check[] = ['read', 'match', 'wildcard_match', 'brace_match'];

const VARIANTS: ReadonlyMap<string, Inclusion> = new Map([
  ['', new Set<Check>()],
  ['r', new Set<Check>(['read'])],
  ['m', new Set<Check>(['read', 'match'])],
  ['w', new Set<Check>(['read', 'match', 'wildcard_match'])],
  ['b', new Set<Check>(['read', 'brace_match'])],
  ['a', new Set(CHECKS)],
]);

const INCLUDE = /^(\s*include([rmwba]?)\s+)(\S.*)$/;

export interface Include {
  readonly pattern: string;
  /** Of the pattern in the line. */
  readonly offset: number;
  readonly checks: Inclusion;
}

export function include(text: string): Include | undefined {
  const match = INCLUDE.exec(text);
  if (match === null) return undefined;
  const [, head = '', variant = '', written = ''] = match;
  const pattern = written.trim().replace(/^"(.*)"$/, '$1');
  return { pattern, offset: head.length, checks: VARIANTS.get(variant) ?? new Set() };
}

/** What must hold from here on to the end of the file. `current` is what held so far. */
export function includeCheck(text: string, current: Inclusion): Inclusion {
  const match = /^\s*include_check(?:\s+(.*))?$/.exec(text);
  if (match === null) return current;
  const words = (match[1] ?? '').split(/\s+/).filter(Boolean);
  if (words.length === 0) return new Set(CHECKS);
  const [first = ''] = words;
  const checks = new Set<Check>(/^[+-]/.test(first) ? current : ['read']);
  for (const word of words) {
    const check = checkOf(word);
    if (check === undefined) continue;
    if (word.startsWith('-')) checks.delete(check);
    else checks.add(check);
  }
  return checks;
}

export function checkOf(word: string): Check | undefined {
  const name = word.replace(/^[+-]/, '');
  return name === 'readable' ? 'read' : CHECKS.find((check) => check === name);
}

/** Those of a pattern's brace alternatives that match nothing. */
export function unmatched(pattern: string, glob: (pattern: string) => readonly string[]): readonly string[] {
  return alternatives(pattern).filter((alternative) => glob(alternative).length === 0);
}
