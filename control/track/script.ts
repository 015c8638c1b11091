// A tracked script: when it is run, and what its ends say after another. Times in milliseconds.

import type { TrackScript } from '../config/tracking.js';

/** How a run ended, as far as it matters here. */
export type Ending =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface ScriptState {
  /** Undefined: it has not ended yet, and the first end decides. */
  readonly well: boolean | undefined;
  /** Ends in a row that contradict `well`. */
  readonly contrary: number;
  readonly running: boolean;
  readonly dueAt: number;
  /** keepalived tells when it changes. */
  readonly lastCode: number;
}

export interface ScriptStep {
  readonly state: ScriptState;
  readonly logs: readonly string[];
  readonly run: boolean;
}

/** It runs at once. */
export function startScript({ initFail }: TrackScript, now: number): ScriptState {
  return { well: initFail ? false : undefined, contrary: 0, running: false, dueAt: now, lastCode: 0 };
}

/** Every interval from when it was due; one that still runs is not run again. */
export function wakeScript({ name, intervalMs }: TrackScript, state: ScriptState, now: number): ScriptStep {
  if (now < state.dueAt) return { state, logs: [], run: false };
  const dueAt = state.dueAt + intervalMs > now ? state.dueAt + intervalMs : now + intervalMs;
  if (!state.running) return { state: { ...state, dueAt, running: true }, logs: [], run: true };
  return { state: { ...state, dueAt }, logs: [`Track script ${name} is already running, expect idle - skipping run`], run: false };
}

export function endScript(script: TrackScript, state: ScriptState, ending: Ending): ScriptStep {
  const passed = ending.kind === 'exit' && ending.code === 0;
  const code = ending.kind === 'exit' ? ending.code : state.lastCode;
  const told = code === state.lastCode ? [] : [`Script \`${script.name}\` now returning ${code}`];
  const next = { ...state, ...decide(script, state, passed), running: false, lastCode: code };
  const changed = next.well === state.well ? [] : [`VRRP_Script(${script.name}) ${passed ? 'succeeded' : failureText(ending)}`];
  return { state: next, logs: [...told, ...changed], run: false };
}

function decide({ rise, fall }: TrackScript, { well, contrary }: ScriptState, passed: boolean): Pick<ScriptState, 'well' | 'contrary'> {
  if (well === undefined) return { well: passed, contrary: 0 };
  if (well === passed) return { well, contrary: 0 };
  const enough = contrary + 1 >= (passed ? rise : fall);
  return enough ? { well: passed, contrary: 0 } : { well, contrary: contrary + 1 };
}

function failureText(ending: Ending): string {
  switch (ending.kind) {
    case 'exit':
      return `failed (exited with status ${ending.code})`;
    case 'signal':
      return `failed (due to signal ${ending.signal})`;
    case 'timeout':
      return 'timed_out';
    case 'failed':
      return `failed (${ending.reason})`;
  }
}
