// Checks that nobody makes: a tracked file or a BFD session says by itself when something changes.

import type { Checker, FileCheck } from '../config/checker.js';
import type { ProbeResult } from './checker.js';
import { failed } from './failed.js';
import type { Cancel, Done } from './watch.js';

export interface Signals {
  /** The value in a track_file: at once if it is known, and whenever it changes. */
  file(name: string, tell: (value: number) => void): Cancel;
  /** Whether a bfd_instance's session is up: at once if it is known, and whenever it changes. */
  bfd(name: string, tell: (up: boolean) => void): Cancel;
}

/** Nothing is ever known. */
export const NO_SIGNALS: Signals = { file: () => () => {}, bfd: () => () => {} };

export function followSignals(signals: Signals, checker: Checker, tell: Done): Cancel {
  if (checker.kind === 'file') return signals.file(checker.name, (value) => tell(fileResult(checker, value)));
  if (checker.kind === 'bfd') return signals.bfd(checker.name, (up) => tell(bfdResult(checker.name, up)));
  return () => {};
}

/** keepalived's: less is not told apart. */
const FAULT = -(2 ** 31);

export function fileResult({ name, weight, reverse }: FileCheck, value: number): ProbeResult {
  const well = weight === 0 ? (value === 0) !== reverse : value * weight * (reverse ? -1 : 1) > FAULT;
  if (!well) return failed('status', `track_file ${name} holds ${value}`);
  return weight === 0 || value === 0 ? { kind: 'passed' } : { kind: 'passed', weight: { add: value * weight * (reverse ? -1 : 1) } };
}

function bfdResult(name: string, up: boolean): ProbeResult {
  return up ? { kind: 'passed' } : failed('status', `BFD session ${name} is down`);
}
