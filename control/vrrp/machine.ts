// The VRRP state machine of one instance: step(instance, state, event, now) → {state, effects}. Times in milliseconds.
// Read first: RFC 9568 section 6.4. Where keepalived differs from it, keepalived's behaviour is what stands here.

import type { VrrpInstance } from '../config/model.js';
import { stepBackup } from './as-backup.js';
import { stepMaster } from './as-master.js';
import {
  type Event,
  type Fault,
  INITIAL,
  log,
  logFault,
  type Outcome,
  OWNER_PRIORITY,
  RELEASE,
  type State,
  skewMs,
  unchanged,
} from './state.js';
import { listening, resignation } from './transitions.js';

/** `instance.priority` is the effective priority: see `Outcome.priority`. */
export function step(instance: VrrpInstance, state: State, event: Event, now: number): Outcome {
  switch (event.kind) {
    case 'priority':
      return changePriority(instance, state, event.priority);
    case 'lost':
      return lose(instance, state, event.what, now);
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

/** Addresses are released even though none was claimed: a process that was killed may have left them behind. */
function start(instance: VrrpInstance, faults: readonly string[], now: number): Outcome {
  if (faults.length > 0) {
    const reasons = faults.map((reason) => logFault(instance, reason));
    return { state: { kind: 'fault', reasons: faults }, effects: [...reasons, log(instance, 'Entering FAULT STATE (init)'), RELEASE] };
  }
  return { state: listening(instance, now), effects: [log(instance, 'Entering BACKUP STATE (init)'), RELEASE] };
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
    ...('yieldedTo' in state && { priority: OWNER_PRIORITY }),
  };
}

function addReason(instance: VrrpInstance, state: Fault, reason: string): Outcome {
  return { state: { kind: 'fault', reasons: [...state.reasons, reason] }, effects: [logFault(instance, reason)] };
}

/** As keepalived: back to the election, for no longer than it takes another router to be the better one, and then everything is claimed anew. */
function lose(instance: VrrpInstance, state: State, what: string, now: number): Outcome {
  const downAt = now + skewMs(instance, instance.advertIntervalMs);
  if (state.kind === 'backup') return unchanged({ ...state, downAt: Math.min(state.downAt, downAt) });
  if (state.kind !== 'master') return unchanged(state);
  const why = [log(instance, `${what} was removed by somebody else`), ...resignation(instance), log(instance, 'Entering BACKUP STATE')];
  return { state: { kind: 'backup', intervalMs: instance.advertIntervalMs, downAt, preemptAt: undefined }, effects: why };
}

/** The owner of the addresses never gives up its priority. A master's next advert carries the new one, as keepalived does it. */
function changePriority(instance: VrrpInstance, state: State, priority: number): Outcome {
  const owns = instance.priority === OWNER_PRIORITY || 'yieldedTo' in state;
  if (owns || priority === instance.priority) return unchanged(state);
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
