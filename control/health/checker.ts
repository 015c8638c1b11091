// One checker as a pure state machine: when it probes, and when its verdict changes.

import type { Checker } from '../config/checker.js';

/** How a probe failed, in the kinds that keepalived logs apart. */
export type Fault = 'connect timeout' | 'connect' | 'silence' | 'broken' | 'no response' | 'status' | 'digest' | 'regex' | 'refused';

/** What a check says of its server's weight, apart from that it is well. */
export type Weight = { readonly set: number } | { readonly add: number };

/** `unable`: the probe could not be made at all, which says nothing about the real server. */
export type ProbeResult =
  | { readonly kind: 'passed'; readonly weight?: Weight }
  | { readonly kind: 'failed'; readonly fault: Fault; readonly reason: string }
  | { readonly kind: 'unable'; readonly reason: string };

export type Failure = Extract<ProbeResult, { kind: 'failed' }>;

interface Standing {
  readonly up: boolean;
  /** False until the first verdict: what `up` says is then only assumed. */
  readonly decided: boolean;
  /** Failures in a row while up. */
  readonly failures: number;
  /** Which url the next probe asks for; other checks than HTTP have only number 0. */
  readonly url: number;
  readonly weight?: Weight;
  readonly lastFailure?: { readonly reason: string; readonly at: number };
  /** Why the last probe could not be made; absent once one could. */
  readonly hindrance?: string;
}

/** `told`: there is nothing to ask; others say when something changes. */
type Doing =
  | { readonly doing: 'waiting'; readonly until: number }
  | { readonly doing: 'probing'; readonly since: number }
  | { readonly doing: 'told' };

export type CheckerState = Standing & Doing;

/** `random` is in [0, 1). `suspended`: it is not the time to check. `retimed`: the same check goes on with other delays. */
export type CheckerEvent =
  | { readonly kind: 'start'; readonly random: number }
  | { readonly kind: 'due' }
  | { readonly kind: 'suspended' }
  | ProbeResult
  | { readonly kind: 'retimed' };

export type CheckerEffect =
  | { readonly kind: 'wake'; readonly at: number }
  | { readonly kind: 'probe'; readonly url: number }
  /** A first verdict, or another one. `changed` is false where the first confirms what was assumed. */
  | { readonly kind: 'decided'; readonly up: true; readonly changed: boolean }
  | { readonly kind: 'decided'; readonly up: false; readonly changed: boolean; readonly failure: Failure; readonly retries: number }
  /** A failure that decides nothing yet; `retries` have been made before. */
  | { readonly kind: 'forgiven'; readonly failure: Failure; readonly retries: number }
  | { readonly kind: 'weighed' }
  | { readonly kind: 'hindered'; readonly reason: string };

export interface Step {
  readonly state: CheckerState;
  readonly effects: readonly CheckerEffect[];
}

/** Delays count from the end of a check. What does not fit the state (a timer that fires early, a result nobody waits for) changes nothing. */
export function step(checker: Checker, state: CheckerState | undefined, event: CheckerEvent, now: number): Step {
  if (event.kind === 'start') return begin(checker, event.random, now);
  if (state === undefined) throw new Error(`a checker must start before "${event.kind}"`);
  switch (event.kind) {
    case 'due':
      return due(state, now);
    case 'suspended':
      return state.doing === 'probing' ? wait(unhindered(state), now + checker.delayLoopMs) : { state, effects: [] };
    case 'retimed':
      return retime(checker, state, now);
    default:
      return state.doing === 'waiting' ? { state, effects: [] } : conclude(checker, state, event, now);
  }
}

/** Nobody asks these: who knows says when it changes. */
export function isTold(checker: Checker): boolean {
  return checker.kind === 'file' || checker.kind === 'bfd';
}

function begin(checker: Checker, random: number, now: number): Step {
  const standing: Standing = { up: !checker.alpha, decided: false, failures: 0, url: 0 };
  if (isTold(checker)) return { state: { ...standing, doing: 'told' }, effects: [] };
  return wait(standing, now + random * (checker.warmupMs ?? checker.delayLoopMs));
}

function due(state: CheckerState, now: number): Step {
  if (state.doing !== 'waiting') return { state, effects: [] };
  return now < state.until ? wait(state, state.until) : probe(state, now);
}

/** A shorter delay counts at once; a longer one after the check that is already due. */
function retime(checker: Checker, state: CheckerState, now: number): Step {
  if (state.doing !== 'waiting') return { state, effects: [] };
  return wait(state, Math.min(state.until, now + checker.delayLoopMs));
}

function conclude(checker: Checker, state: CheckerState, result: ProbeResult, now: number): Step {
  switch (result.kind) {
    case 'passed':
      return state.url < lastUrl(checker) ? nextUrl(checker, state, now) : pass(checker, state, result.weight, now);
    case 'failed':
      return fail(checker, state, result, now);
    case 'unable':
      return hinder(checker, state, result.reason, now);
  }
}

/** One url each delay_loop, as keepalived has it, but for a server that shall come up fast. */
function nextUrl(checker: Checker, state: CheckerState, now: number): Step {
  const next: Standing = { ...unhindered(state), failures: 0, url: state.url + 1 };
  const unproved = !state.decided || !state.up;
  const fast = checker.kind === 'http' && checker.fastRecovery === true && unproved;
  return fast ? probe(next, now) : wait(next, now + checker.delayLoopMs);
}

function pass(checker: Checker, state: CheckerState, weight: Weight | undefined, now: number): Step {
  const passed: Standing = { ...unhindered(unweighted(state)), ...(weight && { weight }), up: true, decided: true, failures: 0, url: 0 };
  const decided: CheckerEffect[] = state.up && state.decided ? [] : [{ kind: 'decided', up: true, changed: !state.up }];
  const weighed: CheckerEffect[] = sameWeight(state.weight, weight) ? [] : [{ kind: 'weighed' }];
  return rest(checker, state, passed, now, [...weighed, ...decided]);
}

/** keepalived: before the first verdict one failure is enough. */
function fail(checker: Checker, state: CheckerState, failure: Failure, now: number): Step {
  const failed: Standing = { ...unhindered(state), lastFailure: { reason: failure.reason, at: now } };
  if (!state.up) return stayDown(checker, state, failed, failure, now);
  const retries = isTold(checker) || !state.decided ? 0 : checker.retry;
  if (state.failures < retries) return forgive(checker, failed, failure, now);
  return goDown(checker, state, failed, failure, now);
}

function forgive(checker: Checker, failed: Standing, failure: Failure, now: number): Step {
  const retries = failed.failures;
  return wait({ ...failed, failures: retries + 1 }, now + checker.delayBeforeRetryMs, [{ kind: 'forgiven', failure, retries }]);
}

function goDown(checker: Checker, state: CheckerState, failed: Standing, failure: Failure, now: number): Step {
  const effects: CheckerEffect[] = [{ kind: 'decided', up: false, changed: true, failure, retries: failed.failures }];
  return rest(checker, state, { ...unweighted(failed), up: false, decided: true, failures: 0, url: 0 }, now, effects);
}

function stayDown(checker: Checker, state: CheckerState, failed: Standing, failure: Failure, now: number): Step {
  const effects: CheckerEffect[] = failed.decided ? [] : [{ kind: 'decided', up: false, changed: false, failure, retries: 0 }];
  return rest(checker, state, { ...failed, decided: true, url: 0 }, now, effects);
}

function hinder(checker: Checker, state: CheckerState, reason: string, now: number): Step {
  const effects: CheckerEffect[] = reason === state.hindrance ? [] : [{ kind: 'hindered', reason }];
  return rest(checker, state, { ...unhindered(state), hindrance: reason }, now, effects);
}

/** Until the next check; that of a script is counted from its start, as keepalived does. */
function rest(checker: Checker, state: CheckerState, standing: Standing, now: number, effects: readonly CheckerEffect[]): Step {
  if (state.doing === 'told') return { state: { ...standing, doing: 'told' }, effects };
  const from = checker.kind === 'misc' && state.doing === 'probing' ? state.since : now;
  return wait(standing, Math.max(now, from + checker.delayLoopMs), effects);
}

function wait(standing: Standing, until: number, effects: readonly CheckerEffect[] = []): Step {
  return { state: { ...standing, doing: 'waiting', until }, effects: [{ kind: 'wake', at: until }, ...effects] };
}

function probe(standing: Standing, now: number): Step {
  return { state: { ...standing, doing: 'probing', since: now }, effects: [{ kind: 'probe', url: standing.url }] };
}

function unhindered({ up, decided, failures, url, weight, lastFailure }: Standing): Standing {
  return { up, decided, failures, url, ...(weight && { weight }), ...(lastFailure && { lastFailure }) };
}

function unweighted({ weight: _, ...standing }: Standing): Standing {
  return standing;
}

function sameWeight(one: Weight | undefined, other: Weight | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function lastUrl(checker: Checker): number {
  return checker.kind === 'http' ? checker.urls.length - 1 : 0;
}
