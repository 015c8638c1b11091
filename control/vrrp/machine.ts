// The VRRP state machine of one instance: step(instance, state, event, now) → {state, effects}. Times in milliseconds.
// Read first: RFC 9568 section 6.4. Where keepalived differs from it, keepalived's behaviour is what stands here.

import type { VrrpInstance } from '../config/model.js';

export type State =
  | { readonly kind: 'init' }
  | {
      readonly kind: 'backup';
      /** The master's advert interval, ours until one was heard. */
      readonly intervalMs: number;
      /** When the master counts as dead. */
      readonly downAt: number;
      /** End of a running preempt delay; undefined while no master of lower priority was heard. */
      readonly preemptAt: number | undefined;
    }
  /** A backup whose master is dead: it becomes master as soon as all its sync group is ready. */
  | { readonly kind: 'ready'; readonly intervalMs: number; readonly preemptAt: number | undefined }
  | { readonly kind: 'master'; readonly advertAt: number; readonly announceAt: number; readonly refreshAt: number }
  | { readonly kind: 'fault'; readonly reasons: readonly string[] };

export interface HeardAdvert {
  readonly priority: number;
  readonly intervalMs: number;
  readonly source: string;
  /** The sender's address is greater than ours, which decides between equal priorities. */
  readonly fromHigherAddress: boolean;
}

export type Event =
  | { readonly kind: 'start'; readonly faults: readonly string[] }
  | { readonly kind: 'stop' }
  | ({ readonly kind: 'advert' } & HeardAdvert)
  | { readonly kind: 'timer' }
  | { readonly kind: 'fault'; readonly reason: string }
  | { readonly kind: 'recovered'; readonly reason: string }
  /** What tracking has made of the priority: 1 to 254. */
  | { readonly kind: 'priority'; readonly priority: number }
  /** The sync group's word, sent by group.ts: all are ready, or one member lost. */
  | { readonly kind: 'promote' }
  | { readonly kind: 'demote' };

export type Effect =
  | { readonly kind: 'send'; readonly priority: number }
  | { readonly kind: 'claim' }
  /** Gratuitous ARP or unsolicited neighbour advertisements, `repeat` for each address. */
  | { readonly kind: 'announce'; readonly repeat: number }
  | { readonly kind: 'release' }
  | { readonly kind: 'log'; readonly text: string }
  /** What keepalived tells its notify FIFO beside the state itself. */
  | { readonly kind: 'tell'; readonly happening: Happening };

export type Happening = 'MASTER_RX_LOWER_PRI' | 'MASTER_PRIORITY' | 'BACKUP_PRIORITY';

export interface Outcome {
  readonly state: State;
  readonly effects: readonly Effect[];
  /** The instance's effective priority from now on; absent: what it was. */
  readonly priority?: number;
}

type Backup = Extract<State, { kind: 'backup' | 'ready' }>;
type Master = Extract<State, { kind: 'master' }>;
type Fault = Extract<State, { kind: 'fault' }>;

export const INITIAL: State = { kind: 'init' };
export const OWNER_PRIORITY = 255;
const NEVER = Number.POSITIVE_INFINITY;

/** `instance.priority` is the effective priority: see `Outcome.priority`. */
export function step(instance: VrrpInstance, state: State, event: Event, now: number): Outcome {
  switch (event.kind) {
    case 'priority':
      return changePriority(instance, state, event.priority);
    case 'stop':
      return stop(instance, state);
    case 'fault':
      return fail(instance, state, event.reason);
    default:
      break;
  }
  switch (state.kind) {
    case 'init':
      return event.kind === 'start' ? start(instance, event.faults, now) : unchanged(state);
    case 'backup':
    case 'ready':
      return stepBackup(instance, state, event, now);
    case 'master':
      return stepMaster(instance, state, event, now);
    case 'fault':
      return event.kind === 'recovered' ? recover(instance, state, event.reason, now) : unchanged(state);
  }
}

/** When the instance next wants a `timer` event; Infinity: not by itself. */
export function wakesAt(state: State): number {
  switch (state.kind) {
    case 'backup':
      return state.downAt;
    case 'master':
      return Math.min(state.advertAt, state.announceAt, state.refreshAt);
    default:
      return NEVER;
  }
}

export function skewMs({ version, priority }: Pick<VrrpInstance, 'version' | 'priority'>, masterIntervalMs: number): number {
  return ((256 - priority) * (version === 2 ? 1000 : masterIntervalMs)) / 256;
}

function masterDownMs(instance: VrrpInstance, masterIntervalMs: number): number {
  return instance.downTimerAdverts * masterIntervalMs + skewMs(instance, masterIntervalMs);
}

function unchanged(state: State): Outcome {
  return { state, effects: [] };
}

/** Addresses are released even though none was claimed: a process that was killed may have left them behind. */
function start(instance: VrrpInstance, faults: readonly string[], now: number): Outcome {
  if (faults.length > 0) {
    const reasons = faults.map((reason) => logFault(instance, reason));
    return { state: { kind: 'fault', reasons: faults }, effects: [...reasons, log(instance, 'Entering FAULT STATE (init)'), RELEASE] };
  }
  return { state: listening(instance, now), effects: [log(instance, 'Entering BACKUP STATE (init)'), RELEASE] };
}

/** The owner of the addresses waits for nobody but its group; everyone else starts as a backup, also with `state MASTER`. */
function listening(instance: VrrpInstance, now: number): State {
  const intervalMs = instance.advertIntervalMs;
  if (instance.priority === OWNER_PRIORITY) return { kind: 'ready', intervalMs, preemptAt: undefined };
  return { kind: 'backup', intervalMs, downAt: now + masterDownMs(instance, intervalMs), preemptAt: undefined };
}

function stop(instance: VrrpInstance, state: State): Outcome {
  return { state: INITIAL, effects: state.kind === 'master' ? resignation(instance) : [] };
}

function fail(instance: VrrpInstance, state: State, reason: string): Outcome {
  if (state.kind === 'init') return unchanged(state);
  if (state.kind === 'fault') return state.reasons.includes(reason) ? unchanged(state) : addReason(instance, state, reason);
  const leaving = state.kind === 'master' ? resignation(instance) : [];
  return {
    state: { kind: 'fault', reasons: [reason] },
    effects: [...leaving, logFault(instance, reason), log(instance, 'Entering FAULT STATE')],
  };
}

function addReason(instance: VrrpInstance, state: Fault, reason: string): Outcome {
  return { state: { kind: 'fault', reasons: [...state.reasons, reason] }, effects: [logFault(instance, reason)] };
}

/** Priority 0 first: every moment counts for the router that takes over. */
function resignation(instance: VrrpInstance): Effect[] {
  return [{ kind: 'send', priority: 0 }, log(instance, 'sent 0 priority'), RELEASE];
}

/** The owner of the addresses never gives up its priority. A master's next advert carries the new one, as keepalived does it. */
function changePriority(instance: VrrpInstance, state: State, priority: number): Outcome {
  if (instance.priority === OWNER_PRIORITY || priority === instance.priority) return unchanged(state);
  const happening = state.kind === 'master' ? 'MASTER_PRIORITY' : 'BACKUP_PRIORITY';
  const text = `Changing effective priority from ${instance.priority} to ${priority}`;
  return { state: reskew(instance, state, priority), effects: [log(instance, text), { kind: 'tell', happening }], priority };
}

/** A backup that has waited a part of its time waits the rest with the skew of its new priority. */
function reskew(instance: VrrpInstance, state: State, priority: number): State {
  if (state.kind !== 'backup') return state;
  const { intervalMs, downAt } = state;
  return { ...state, downAt: downAt + skewMs({ ...instance, priority }, intervalMs) - skewMs(instance, intervalMs) };
}

function recover(instance: VrrpInstance, state: Fault, reason: string, now: number): Outcome {
  if (!state.reasons.includes(reason)) return unchanged(state);
  const reasons = state.reasons.filter((other) => other !== reason);
  if (reasons.length > 0) return unchanged({ kind: 'fault', reasons });
  return { state: listening(instance, now), effects: [log(instance, 'Entering BACKUP STATE')] };
}

function stepBackup(instance: VrrpInstance, state: Backup, event: Event, now: number): Outcome {
  switch (event.kind) {
    case 'advert':
      return hearAsBackup(instance, state, event, now);
    case 'timer':
      return state.kind === 'backup' && now >= state.downAt ? giveUpOnMaster(instance, state) : unchanged(state);
    case 'promote':
      return becomeMaster(instance, now);
    default:
      return unchanged(state);
  }
}

function giveUpOnMaster(instance: VrrpInstance, { intervalMs, preemptAt }: Backup): Outcome {
  return { state: { kind: 'ready', intervalMs, preemptAt }, effects: [log(instance, 'Receive advertisement timeout')] };
}

function hearAsBackup(instance: VrrpInstance, state: Backup, advert: HeardAdvert, now: number): Outcome {
  if (advert.priority === 0) return hearResignation(instance, state, now);
  if (advert.priority >= instance.priority) return follow(instance, advert, undefined, now);
  if (!instance.preempt) return follow(instance, advert, undefined, now);
  if (instance.preemptDelayMs === 0) return unchanged(state);
  const preemptAt = state.preemptAt ?? now + instance.preemptDelayMs;
  const outcome = now < preemptAt ? follow(instance, advert, preemptAt, now) : unchanged({ ...state, preemptAt });
  if (state.preemptAt !== undefined) return outcome;
  return { ...outcome, effects: [log(instance, `start preempt delay (${(instance.preemptDelayMs / 1000).toFixed(6)})`)] };
}

function hearResignation(instance: VrrpInstance, state: Backup, now: number): Outcome {
  const downAt = now + skewMs(instance, state.intervalMs);
  const text = 'Backup received priority 0 advertisement';
  // One that is ready waits for its group, not for the master: the skew time would only set it back.
  if (state.kind === 'ready') return { state, effects: [log(instance, text)] };
  return { state: { ...state, downAt: Math.min(downAt, state.downAt) }, effects: [log(instance, text)] };
}

function follow(instance: VrrpInstance, { intervalMs }: HeardAdvert, preemptAt: number | undefined, now: number): Outcome {
  return unchanged({ kind: 'backup', intervalMs, downAt: now + masterDownMs(instance, intervalMs), preemptAt });
}

/** Advert first, then addresses, then announcements: the other router has to step back before frames are drawn here. */
function becomeMaster(instance: VrrpInstance, now: number): Outcome {
  const state: State = {
    kind: 'master',
    advertAt: now + instance.advertIntervalMs,
    announceAt: instance.garpMasterDelayMs > 0 ? now + instance.garpMasterDelayMs : NEVER,
    refreshAt: instance.garpMasterRefreshMs > 0 ? now + instance.garpMasterRefreshMs : NEVER,
  };
  const claim: readonly Effect[] = [sendOwn(instance), { kind: 'claim' }, announce(instance.garpMasterRepeat)];
  return { state, effects: [log(instance, 'Entering MASTER STATE'), ...claim] };
}

function stepMaster(instance: VrrpInstance, state: Master, event: Event, now: number): Outcome {
  switch (event.kind) {
    case 'advert':
      return hearAsMaster(instance, state, event, now);
    case 'timer':
      return wakeAsMaster(instance, state, now);
    case 'demote':
      return becomeBackup(instance, instance.advertIntervalMs, [], now);
    default:
      return unchanged(state);
  }
}

function hearAsMaster(instance: VrrpInstance, state: Master, advert: HeardAdvert, now: number): Outcome {
  const { priority, source } = advert;
  const readvertise = { ...state, advertAt: now + instance.advertIntervalMs };
  if (priority === 0) return { state: readvertise, effects: [log(instance, 'Master received priority 0 message'), sendOwn(instance)] };
  if (priority > instance.priority) {
    const text = `Master received advert from ${source} with higher priority ${priority}, ours ${instance.priority}`;
    return becomeBackup(instance, advert.intervalMs, [log(instance, text)], now);
  }
  if (priority === instance.priority && advert.fromHigherAddress) {
    const text = `Master received advert from ${source} with same priority ${priority} but higher IP address than ours`;
    return becomeBackup(instance, advert.intervalMs, [log(instance, text)], now);
  }
  return contradict(instance, readvertise, advert, now);
}

/** Answers a lesser master, and draws back the frames it may have drawn to itself. */
function contradict(instance: VrrpInstance, state: Master, { source, priority }: HeardAdvert, now: number): Outcome {
  const text = `Received advert from ${source} with lower priority ${priority}, ours ${instance.priority}, forcing new election`;
  const again = instance.garpMasterDelayMs > 0 ? Math.min(state.announceAt, now + instance.garpMasterDelayMs) : NEVER;
  const answer: readonly Effect[] = [sendOwn(instance), announce(instance.garpMasterRepeat)];
  const rival: Effect = { kind: 'tell', happening: 'MASTER_RX_LOWER_PRI' };
  return { state: { ...state, announceAt: again }, effects: [log(instance, text), ...answer, rival] };
}

function becomeBackup(instance: VrrpInstance, intervalMs: number, why: readonly Effect[], now: number): Outcome {
  const downAt = now + masterDownMs(instance, intervalMs);
  const state: State = { kind: 'backup', intervalMs, downAt, preemptAt: undefined };
  return { state, effects: [...why, log(instance, 'Entering BACKUP STATE'), RELEASE] };
}

function wakeAsMaster(instance: VrrpInstance, state: Master, now: number): Outcome {
  if (now < wakesAt(state)) return unchanged(state);
  const effects: Effect[] = [];
  const { advertIntervalMs, garpMasterRefreshMs, garpMasterRepeat, garpMasterRefreshRepeat } = instance;
  if (now >= state.advertAt) effects.push(sendOwn(instance));
  if (now >= state.announceAt) effects.push(announce(garpMasterRepeat));
  if (now >= state.refreshAt) effects.push(announce(garpMasterRefreshRepeat));
  const next: State = {
    kind: 'master',
    advertAt: now >= state.advertAt ? after(state.advertAt, advertIntervalMs, now) : state.advertAt,
    announceAt: now >= state.announceAt ? NEVER : state.announceAt,
    refreshAt: now >= state.refreshAt ? after(state.refreshAt, garpMasterRefreshMs, now) : state.refreshAt,
  };
  return { state: next, effects };
}

/** Counted from when it was due, so that lateness does not add up; but one missed altogether is not made up for. */
function after(dueAt: number, intervalMs: number, now: number): number {
  return dueAt + intervalMs > now ? dueAt + intervalMs : now + intervalMs;
}

const RELEASE: Effect = { kind: 'release' };

function sendOwn(instance: VrrpInstance): Effect {
  return { kind: 'send', priority: instance.priority };
}

function announce(repeat: number): Effect {
  return { kind: 'announce', repeat };
}

function logFault(instance: VrrpInstance, reason: string): Effect {
  return log(instance, `entering FAULT state (${reason})`);
}

function log(instance: VrrpInstance, text: string): Effect {
  return { kind: 'log', text: `(${instance.name}) ${text}` };
}
