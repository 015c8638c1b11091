// Everything that is tracked, and what follows for VRRP: step(state, event, now) → {state, effects}. Times in milliseconds.

import type { Subject, Tracking, TrackProcess, TrackScript } from '../config/tracking.js';
import { describe, type Fact, type Facts, type Judgement, judge, keyOf } from './judge.js';
import { enough } from './process.js';
import { type Ending, endScript, type ScriptState, type ScriptStep, startScript, wakeScript } from './script.js';
import { type Settling, see, settle, settled } from './settle.js';

export interface TrackState {
  readonly tracking: Tracking;
  readonly scripts: ReadonlyMap<string, ScriptState>;
  readonly processes: ReadonlyMap<string, Settling>;
  /** By the key of the subject. */
  readonly facts: Facts;
  /** By the name of the instance. */
  readonly judged: ReadonlyMap<string, Judgement>;
}

export type TrackEvent =
  /** The start, and every reload; with the configured priority of every instance, and what can be seen at once. */
  | {
      readonly kind: 'configured';
      readonly tracking: Tracking;
      readonly priorities: ReadonlyMap<string, number>;
      readonly facts: Facts;
    }
  | { readonly kind: 'timer' }
  | { readonly kind: 'ended'; readonly name: string; readonly ending: Ending }
  /** So many processes were found for a tracked one. */
  | { readonly kind: 'counted'; readonly name: string; readonly count: number }
  /** Of an interface, a file, a BFD session, a service or the data plane. */
  | { readonly kind: 'learned'; readonly key: string; readonly fact: Fact };

export type TrackEffect =
  | { readonly kind: 'run'; readonly script: TrackScript }
  /** It is of no interest any more. */
  | { readonly kind: 'stop'; readonly name: string }
  | { readonly kind: 'priority'; readonly instance: string; readonly priority: number }
  | { readonly kind: 'fault' | 'recovered'; readonly instance: string; readonly reason: string }
  | { readonly kind: 'log'; readonly text: string };

export interface Outcome {
  readonly state: TrackState;
  readonly effects: readonly TrackEffect[];
}

const NOTHING: Tracking = { scripts: [], files: [], processes: [], bfd: [], linkDelays: [], instances: [] };

export const INITIAL: TrackState = { tracking: NOTHING, scripts: new Map(), processes: new Map(), facts: new Map(), judged: new Map() };

export function step(state: TrackState, event: TrackEvent, now: number): Outcome {
  switch (event.kind) {
    case 'configured':
      return configure(state, event, now);
    case 'timer':
      return wake(state, now);
    case 'ended':
      return end(state, event.name, event.ending);
    case 'counted':
      return count(state, event.name, event.count, now);
    case 'learned':
      return learn(state, event.key, event.fact);
  }
}

/** When it next wants a `timer` event; Infinity: not by itself. */
export function wakesAt({ scripts, processes }: TrackState): number {
  const due = [...scripts.values()].map(({ dueAt }) => dueAt);
  const settling = [...processes.values()].map(({ changesAt }) => changesAt ?? Number.POSITIVE_INFINITY);
  return Math.min(...due, ...settling);
}

type Configured = Extract<TrackEvent, { kind: 'configured' }>;

/** What is tracked as before keeps what is known of it. VRRP is told everything anew: its instances may have started anew, too. */
function configure(state: TrackState, { tracking, priorities, facts: seen }: Configured, now: number): Outcome {
  const scripts = new Map(tracking.scripts.map((script) => [script.name, keptScript(state, script) ?? startScript(script, now)]));
  const running = [...state.scripts].filter(([, script]) => script.running).map(([name]) => name);
  const stops = running.filter((name) => scripts.get(name)?.running !== true).map((name): TrackEffect => ({ kind: 'stop', name }));
  const keys = new Set(tracking.instances.flatMap(({ tracked }) => tracked.map(({ key }) => key)));
  const facts = new Map([...state.facts, ...seen].filter(([key]) => keys.has(key)));
  for (const [name, { well }] of scripts) {
    const awaited: Fact | undefined = state === INITIAL ? undefined : { kind: 'awaited' };
    setFact(facts, keyOf('script', name), well === undefined ? awaited : { kind: 'state', well });
  }
  const processes = new Map(tracking.processes.flatMap(({ name }) => settlingOf(name, state.processes, seen)));
  for (const [name, { well }] of processes) setFact(facts, keyOf('process', name), { kind: 'state', well });
  const released = release(state, tracking, priorities);
  const next = rejudge({ tracking, scripts, processes, facts, judged: new Map() }, state.judged);
  const woken = wake(next.state, now);
  return { state: woken.state, effects: [...stops, ...released, ...next.effects, ...woken.effects] };
}

function settlingOf(name: string, before: TrackState['processes'], seen: Facts): [string, Settling][] {
  const fact = seen.get(keyOf('process', name));
  const kept = before.get(name) ?? (fact?.kind === 'state' ? settled(fact.well) : undefined);
  return kept === undefined ? [] : [[name, kept]];
}

/** One that runs the same program goes on with what it has found out. */
function keptScript({ tracking, scripts }: TrackState, script: TrackScript): ScriptState | undefined {
  const before = tracking.scripts.find(({ name }) => name === script.name);
  return before !== undefined && program(before) === program(script) ? scripts.get(script.name) : undefined;
}

function program({ script: { argv, user } }: TrackScript): string {
  return JSON.stringify([argv, user?.uid, user?.gid]);
}

/** Instances that nothing is tracked for any more. */
function release({ judged }: TrackState, { instances }: Tracking, priorities: ReadonlyMap<string, number>): TrackEffect[] {
  const left = [...judged].filter(([name]) => priorities.has(name) && !instances.some((instance) => instance.name === name));
  return left.flatMap(([instance, { faults }]): TrackEffect[] => [
    { kind: 'priority', instance, priority: priorities.get(instance) ?? 0 },
    ...faults.map((reason) => ({ kind: 'recovered' as const, instance, reason })),
  ]);
}

function wake(state: TrackState, now: number): Outcome {
  let outcome: Outcome = { state, effects: [] };
  for (const script of state.tracking.scripts) {
    const before = outcome.state.scripts.get(script.name);
    if (before !== undefined) outcome = follow(outcome, stepScript(outcome.state, script, wakeScript(script, before, now)));
  }
  for (const tracked of state.tracking.processes) {
    const before = outcome.state.processes.get(tracked.name);
    if (before !== undefined) outcome = follow(outcome, stepProcess(outcome.state, tracked, settle(before, now)));
  }
  return outcome;
}

function follow(first: Outcome, second: Outcome): Outcome {
  return { state: second.state, effects: [...first.effects, ...second.effects] };
}

function end(state: TrackState, name: string, ending: Ending): Outcome {
  const script = state.tracking.scripts.find((each) => each.name === name);
  const before = state.scripts.get(name);
  // One of an earlier configuration, which was stopped.
  if (script === undefined || before?.running !== true) return { state, effects: [] };
  return stepScript(state, script, endScript(script, before, ending));
}

function stepScript(state: TrackState, script: TrackScript, { state: after, logs, run }: ScriptStep): Outcome {
  const scripts = new Map(state.scripts).set(script.name, after);
  const told = logs.map((text): TrackEffect => ({ kind: 'log', text }));
  const first: Outcome = { state: { ...state, scripts }, effects: run ? [...told, { kind: 'run', script }] : told };
  if (after.well === undefined || after.well === state.scripts.get(script.name)?.well) return first;
  return follow(first, rejudge(withFact(first.state, keyOf('script', script.name), after.well)));
}

function count(state: TrackState, name: string, found: number, now: number): Outcome {
  const tracked = state.tracking.processes.find((each) => each.name === name);
  if (tracked === undefined) return { state, effects: [] };
  const before = state.processes.get(name);
  const well = enough(tracked, found);
  const delays = { toWellMs: tracked.forkDelayMs, toUnwellMs: tracked.terminateDelayMs };
  return stepProcess(state, tracked, before === undefined ? settled(well) : see(delays, before, well, now));
}

function stepProcess(state: TrackState, { name }: TrackProcess, after: Settling): Outcome {
  const before = state.processes.get(name);
  if (after === before) return { state, effects: [] };
  const next = { ...state, processes: new Map(state.processes).set(name, after) };
  if (before?.well === after.well) return { state: next, effects: [] };
  const text = ['Quorum', after.well ? 'gained' : 'lost', 'for tracked process', name].join(' ');
  const logs: TrackEffect[] = before === undefined && after.well ? [] : [{ kind: 'log', text }];
  return follow({ state: next, effects: logs }, rejudge(withFact(next, keyOf('process', name), after.well)));
}

function learn(state: TrackState, key: string, fact: Fact): Outcome {
  const before = state.facts.get(key);
  const subjects = state.tracking.instances.flatMap(({ name, tracked }) =>
    tracked.filter((each) => each.key === key).map((subject) => ({ instance: name, subject })),
  );
  const [first] = subjects;
  if (first === undefined || same(before, fact)) return { state, effects: [] };
  const texts = first.subject.kind === 'bfd' ? subjects.map(bfdText(fact)) : [newsText(first.subject, before, fact)];
  const logs = texts.flatMap((text): TrackEffect[] => (text === undefined ? [] : [{ kind: 'log', text }]));
  return follow({ state, effects: logs }, rejudge({ ...state, facts: new Map(state.facts).set(key, fact) }));
}

function same(before: Fact | undefined, after: Fact): boolean {
  if (before?.kind === 'state') return after.kind === 'state' && before.well === after.well;
  return before?.kind === 'value' && after.kind === 'value' && before.value === after.value;
}

/** That something is well from the start is no news. */
function newsText(subject: Subject, before: Fact | undefined, fact: Fact): string | undefined {
  const usual = fact.kind === 'value' ? fact.value === 0 : fact.kind === 'state' && fact.well;
  if (before === undefined && usual) return undefined;
  const text = describe(subject, fact);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function bfdText(fact: Fact): (tracked: { instance: string; subject: Subject }) => string {
  const state = fact.kind === 'state' && fact.well ? 'UP' : 'DOWN';
  return ({ instance, subject }) => `VRRP_Instance(${instance}) Tracked BFD instance ${subject.name} is ${state}`;
}

function withFact(state: TrackState, key: string, well: boolean): TrackState {
  return { ...state, facts: new Map(state.facts).set(key, { kind: 'state', well }) };
}

function setFact(facts: Map<string, Fact>, key: string, fact: Fact | undefined): void {
  if (fact === undefined) facts.delete(key);
  else facts.set(key, fact);
}

/** Tells VRRP what is different from what it was told. */
function rejudge(state: TrackState, told: TrackState['judged'] = state.judged): Outcome {
  const anew = told !== state.judged;
  const judged = new Map(state.tracking.instances.map((instance) => [instance.name, judge(instance, state.facts)]));
  const effects = [...judged].flatMap(([instance, judgement]): TrackEffect[] => {
    const before = told.get(instance);
    const ended = before?.faults.filter((reason) => !judgement.faults.includes(reason)) ?? [];
    const begun = judgement.faults.filter((reason) => anew || !before?.faults.includes(reason));
    const { priority } = judgement;
    return [
      ...(anew || before?.priority !== priority ? [{ kind: 'priority' as const, instance, priority }] : []),
      ...begun.map((reason) => ({ kind: 'fault' as const, instance, reason })),
      ...ended.map((reason) => ({ kind: 'recovered' as const, instance, reason })),
    ];
  });
  return { state: { ...state, judged }, effects };
}
