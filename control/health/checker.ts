// One checker as a pure state machine: when it probes, and when its verdict changes.

import type { Checker, HttpUrl } from '../config/model.js';

/** How a probe failed, in the kinds that keepalived logs apart. */
export type Fault = 'connect timeout' | 'connect' | 'silence' | 'broken' | 'no response' | 'status' | 'digest';

/** `unable`: the probe could not be made at all, which says nothing about the real server. */
export type ProbeResult =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly fault: Fault; readonly reason: string }
  | { readonly kind: 'unable'; readonly reason: string };

export type Failure = Extract<ProbeResult, { kind: 'failed' }>;

interface Standing {
  readonly up: boolean;
  /** False until the first verdict: what `up` says is then only assumed. */
  readonly decided: boolean;
  /** Failures in a row while up. */
  readonly failures: number;
  /** Which url the next probe asks for; a TCP check has only number 0. */
  readonly url: number;
  readonly lastFailure?: { readonly reason: string; readonly at: number };
  /** Why the last probe could not be made; absent once one could. */
  readonly hindrance?: string;
}

export type CheckerState = Standing & ({ readonly doing: 'waiting'; readonly until: number } | { readonly doing: 'probing' });

/** `random` is in [0, 1). `retimed`: the same check goes on with other delays. */
export type CheckerEvent =
  | { readonly kind: 'start'; readonly random: number }
  | { readonly kind: 'due' }
  | ProbeResult
  | { readonly kind: 'retimed' };

export type CheckerEffect =
  | { readonly kind: 'wake'; readonly at: number }
  | { readonly kind: 'probe'; readonly url: number }
  /** A first verdict, or another one. `changed` is false where the first confirms what was assumed. */
  | { readonly kind: 'decided'; readonly up: true; readonly changed: boolean }
  | { readonly kind: 'decided'; readonly up: false; readonly changed: boolean; readonly failure: Failure; readonly retries: number }
  | { readonly kind: 'hindered'; readonly reason: string };

export interface Step {
  readonly state: CheckerState;
  readonly effects: readonly CheckerEffect[];
}

/** Delays count from the end of a check. What does not fit the state (a timer that fires early, a result nobody waits for) changes nothing. */
export function step(checker: Checker, state: CheckerState | undefined, event: CheckerEvent, now: number): Step {
  if (event.kind === 'start') return begin(checker, event.random, now);
  if (state === undefined) throw new Error(`a checker must start before "${event.kind}"`);
  if (event.kind === 'due') return due(state, now);
  if (event.kind === 'retimed') return retime(checker, state, now);
  return state.doing === 'probing' ? conclude(checker, state, event, now) : { state, effects: [] };
}

/** What is asked of whom, without the delays: two checkers with the same question have the same answer. */
export function question(checker: Checker): string {
  const { kind, connect, bindAddress, bindPort } = checker;
  const common = [kind, connect.address, connect.port, bindAddress, bindPort];
  return JSON.stringify(
    checker.kind === 'tcp' ? common : [...common, checker.protocol, checker.virtualHost, checker.urls.map(urlQuestion)],
  );
}

function urlQuestion({ path, statusCodes, digest, virtualHost }: HttpUrl): unknown[] {
  return [path, statusCodes.map(({ from, to }) => [from, to]), digest, virtualHost];
}

function begin(checker: Checker, random: number, now: number): Step {
  const standing: Standing = { up: !checker.alpha, decided: false, failures: 0, url: 0 };
  return wait(standing, now + random * (checker.warmupMs ?? checker.delayLoopMs));
}

function due(state: CheckerState, now: number): Step {
  if (state.doing === 'probing') return { state, effects: [] };
  return now < state.until ? wait(state, state.until) : probe(state);
}

/** A shorter delay counts at once; a longer one after the check that is already due. */
function retime(checker: Checker, state: CheckerState, now: number): Step {
  if (state.doing === 'probing') return { state, effects: [] };
  return wait(state, Math.min(state.until, now + checker.delayLoopMs));
}

function conclude(checker: Checker, state: CheckerState, result: ProbeResult, now: number): Step {
  switch (result.kind) {
    case 'passed':
      return state.url < lastUrl(checker) ? nextUrl(checker, state, now) : pass(checker, state, now);
    case 'failed':
      return fail(checker, state, result, now);
    case 'unable':
      return hinder(checker, state, result.reason, now);
  }
}

/** A server known to be up is asked for all its urls in a row; one that must first prove itself for one url each delay_loop, as keepalived has it. */
function nextUrl(checker: Checker, state: CheckerState, now: number): Step {
  const next: Standing = { ...unhindered(state), failures: 0, url: state.url + 1 };
  return next.up ? probe(next) : wait(next, now + checker.delayLoopMs);
}

function pass(checker: Checker, state: CheckerState, now: number): Step {
  const passed: Standing = { ...unhindered(state), up: true, decided: true, failures: 0, url: 0 };
  const effects: CheckerEffect[] = state.up && state.decided ? [] : [{ kind: 'decided', up: true, changed: !state.up }];
  return wait(passed, now + checker.delayLoopMs, effects);
}

function fail(checker: Checker, state: CheckerState, failure: Failure, now: number): Step {
  const failed: Standing = { ...unhindered(state), lastFailure: { reason: failure.reason, at: now } };
  if (!state.up) return stayDown(checker, failed, failure, now);
  const failures = state.failures + 1;
  if (failures <= checker.retry) return wait({ ...failed, failures }, now + checker.delayBeforeRetryMs);
  return goDown(checker, failed, failure, now);
}

function goDown(checker: Checker, failed: Standing, failure: Failure, now: number): Step {
  const effects: CheckerEffect[] = [{ kind: 'decided', up: false, changed: true, failure, retries: failed.failures }];
  return wait({ ...failed, up: false, decided: true, failures: 0, url: 0 }, now + checker.delayLoopMs, effects);
}

function stayDown(checker: Checker, failed: Standing, failure: Failure, now: number): Step {
  const effects: CheckerEffect[] = failed.decided ? [] : [{ kind: 'decided', up: false, changed: false, failure, retries: 0 }];
  return wait({ ...failed, decided: true, url: 0 }, now + checker.delayLoopMs, effects);
}

function hinder(checker: Checker, state: CheckerState, reason: string, now: number): Step {
  const effects: CheckerEffect[] = reason === state.hindrance ? [] : [{ kind: 'hindered', reason }];
  return wait({ ...state, hindrance: reason }, now + checker.delayLoopMs, effects);
}

function wait(standing: Standing, until: number, effects: readonly CheckerEffect[] = []): Step {
  return { state: { ...standing, doing: 'waiting', until }, effects: [{ kind: 'wake', at: until }, ...effects] };
}

function probe(standing: Standing): Step {
  return { state: { ...standing, doing: 'probing' }, effects: [{ kind: 'probe', url: standing.url }] };
}

function unhindered(state: CheckerState): Standing {
  const { up, decided, failures, url, lastFailure } = state;
  return { up, decided, failures, url, ...(lastFailure && { lastFailure }) };
}

function lastUrl(checker: Checker): number {
  return checker.kind === 'http' ? checker.urls.length - 1 : 0;
}
