// What a backup makes of what happens to it (RFC 9568 6.4.2).

import type { VrrpInstance } from '../config/model.js';
import {
  type Backup,
  type Event,
  type HeardAdvert,
  log,
  masterDownMs,
  type Outcome,
  OWNER_PRIORITY,
  type State,
  skewMs,
  unchanged,
} from './state.js';
import { becomeMaster } from './transitions.js';

export function stepBackup(instance: VrrpInstance, state: Backup, event: Event, now: number): Outcome {
  switch (event.kind) {
    case 'advert':
      return hearAfterYielding(instance, state, event, now);
    case 'timer':
      return state.kind === 'backup' && now >= state.downAt ? giveUpOnMaster(instance, state) : unchanged(state);
    case 'promote':
      return 'yieldedTo' in state ? reclaim(instance, now) : becomeMaster(instance, now);
    default:
      return unchanged(state);
  }
}

/** The other owner is gone: ours is the priority it was. */
function reclaim(instance: VrrpInstance, now: number): Outcome {
  const { state, effects } = becomeMaster({ ...instance, priority: OWNER_PRIORITY }, now);
  const text = `Restoring our priority to ${OWNER_PRIORITY} since other address owner has disappeared`;
  return { state, effects: [log(instance, text), ...effects], priority: OWNER_PRIORITY };
}

function hearAfterYielding(instance: VrrpInstance, state: Backup, advert: HeardAdvert, now: number): Outcome {
  if (state.yieldedTo === undefined) return hearAsBackup(instance, state, advert, now);
  if (advert.priority === OWNER_PRIORITY && advert.source === state.yieldedTo) {
    const { state: following, effects } = hearAsBackup(instance, state, advert, now);
    return { state: { ...following, yieldedTo: state.yieldedTo } as State, effects };
  }
  const { yieldedTo: _, ...owner } = state;
  const { state: next, effects } = hearAsBackup({ ...instance, priority: OWNER_PRIORITY }, owner, advert, now);
  const text = `Restoring our priority to ${OWNER_PRIORITY} since received advert with lower priority`;
  return { state: next, effects: [log(instance, text), ...effects], priority: OWNER_PRIORITY };
}

function giveUpOnMaster(instance: VrrpInstance, state: Backup): Outcome {
  const { intervalMs, preemptAt, yieldedTo } = state;
  const ready: State = { kind: 'ready', intervalMs, preemptAt, ...(yieldedTo === undefined ? {} : { yieldedTo }) };
  return { state: ready, effects: [log(instance, 'Receive advertisement timeout')] };
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
