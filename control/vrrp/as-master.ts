// What a master makes of what happens to it (RFC 9568 6.4.3).

import type { VrrpInstance } from '../config/model.js';
import {
  announce,
  type Effect,
  type Event,
  type HeardAdvert,
  log,
  type Master,
  NEVER,
  type Outcome,
  OWNER_PRIORITY,
  ROGUE_ADVERTS,
  ROGUE_PATIENCE,
  type Rogue,
  type State,
  sendOwn,
  skewMs,
  unchanged,
  wakesAt,
  YIELDED_PRIORITY,
} from './state.js';
import { becomeBackup } from './transitions.js';

export function stepMaster(instance: VrrpInstance, state: Master, event: Event, now: number): Outcome {
  switch (event.kind) {
    case 'advert':
      return hearAsMaster(instance, state, event, now);
    case 'timer':
      return isOverdue(instance, state, now) ? stepBackOverdue(instance, state, now) : wakeAsMaster(instance, state, now);
    case 'reannounce':
      return reannounce(instance, state, now);
    case 'demote':
      return becomeBackup(instance, instance.advertIntervalMs, [], now);
    default:
      return unchanged(state);
  }
}

function hearAsMaster(instance: VrrpInstance, state: Master, advert: HeardAdvert, now: number): Outcome {
  const { priority, source } = advert;
  const readvertise = { ...state, advertAt: now + instance.advertIntervalMs };
  const answer = instance.higherPrioritySendAdvert ? [sendOwn(instance)] : [];
  if (priority === OWNER_PRIORITY && instance.priority === OWNER_PRIORITY && !advert.fromHigherAddress)
    return meetRogue(instance, state, advert, now);
  if (priority === 0) return { state: readvertise, effects: [log(instance, 'Master received priority 0 message'), sendOwn(instance)] };
  if (priority > instance.priority) {
    const text = `Master received advert from ${source} with higher priority ${priority}, ours ${instance.priority}`;
    return becomeBackup(instance, advert.intervalMs, [...answer, log(instance, text)], now);
  }
  if (priority === instance.priority && advert.fromHigherAddress) {
    const text = `Master received advert from ${source} with same priority ${priority} but higher IP address than ours`;
    return becomeBackup(instance, advert.intervalMs, [...answer, ...ownerConflict(instance, advert), log(instance, text)], now);
  }
  return contradict(instance, state, advert, now);
}

/** Answers a lesser master, and draws back the frames it may have drawn to itself. */
function contradict(instance: VrrpInstance, state: Master, { source, priority }: HeardAdvert, now: number): Outcome {
  const silent = instance.lowerPriorityNoAdvert;
  const election = silent ? '' : ', forcing new election';
  const text = `Received advert from ${source} with lower priority ${priority}, ours ${instance.priority}${election}`;
  const { state: next, effects } = reannounce(instance, silent ? state : { ...state, advertAt: now + instance.advertIntervalMs }, now);
  const rival: Effect = { kind: 'tell', happening: 'MASTER_RX_LOWER_PRI' };
  return { state: next, effects: [log(instance, text), ...(silent ? [] : [sendOwn(instance)]), ...effects, rival] };
}

function reannounce(instance: VrrpInstance, state: Master, now: number): Outcome {
  const { garpLowerPriorityRepeat: repeat, garpLowerPriorityDelayMs: delayMs } = instance;
  if (repeat === 0) return unchanged(state);
  const again = delayMs > 0 && now + delayMs < state.announceAt ? { announceAt: now + delayMs, announceRepeat: repeat } : {};
  return { state: { ...state, ...again }, effects: [announce(repeat)] };
}

function ownerConflict(instance: VrrpInstance, { source }: HeardAdvert): Effect[] {
  if (instance.priority !== OWNER_PRIORITY) return [];
  return [log(instance, `CONFIGURATION ERROR: local instance and ${source} are both configured as address owner, please resolve`)];
}

/**
 * The other owner has the lower address and should step back when it hears us. It is given two adverts and a bit more than an interval; if it still
 * advertises then, it never will: we step back, or there would be two masters for good.
 */
function meetRogue(instance: VrrpInstance, state: Master, advert: HeardAdvert, now: number): Outcome {
  const { rogue } = state;
  if (rogue !== undefined && rogue.silentAt !== NEVER) {
    const text = `${advert.source} is still advertising as address owner, please resolve - reducing our priority`;
    const { state: next, effects } = becomeBackup(
      { ...instance, priority: YIELDED_PRIORITY },
      advert.intervalMs,
      [log(instance, text)],
      now,
    );
    return { state: { ...next, yieldedTo: advert.source } as State, effects, priority: YIELDED_PRIORITY };
  }
  const { state: met, effects } = contradict(instance, state, advert, now);
  const first = rogue === undefined ? ownerConflict(instance, advert) : [];
  const noted: Rogue = rogue ?? { intervalMs: advert.intervalMs, adverts: ROGUE_ADVERTS, silentAt: NEVER };
  return { state: { ...met, rogue: noted } as State, effects: [...first, ...effects] };
}

/** Of those that went out because it was time, not in answer. */
function afterAdvert({ advertIntervalMs }: VrrpInstance, rogue: Rogue, now: number): Rogue {
  if (rogue.adverts === 0) return rogue;
  const adverts = rogue.adverts - 1;
  if (adverts > 0) return { ...rogue, adverts };
  return { ...rogue, adverts, silentAt: now + Math.max(rogue.intervalMs, advertIntervalMs) * ROGUE_PATIENCE };
}

/** We were asleep for so long that another router must have taken over; who does not preempt must not be master again then. */
function isOverdue({ timerExpiredPriority, advertIntervalMs, version }: VrrpInstance, { advertAt }: Master, now: number): boolean {
  if (timerExpiredPriority === undefined) return false;
  return now >= advertAt + 2 * advertIntervalMs + skewMs({ version, priority: timerExpiredPriority }, advertIntervalMs);
}

function stepBackOverdue(instance: VrrpInstance, { advertAt }: Master, now: number): Outcome {
  const text = `VRRP thread timer expired ${((now - advertAt) / 1000).toFixed(6)} seconds ago`;
  return becomeBackup(instance, instance.advertIntervalMs, [log(instance, text)], now);
}

function wakeAsMaster(instance: VrrpInstance, state: Master, now: number): Outcome {
  if (now < wakesAt(state)) return unchanged(state);
  const { advertIntervalMs, garpMasterRefreshMs, garpMasterRefreshRepeat, garpExtraInterfaces } = instance;
  const due = (at: number, effect: Effect): Effect[] => (now >= at ? [effect] : []);
  const next = (at: number, intervalMs: number): number => (now >= at ? after(at, intervalMs, now) : at);
  const silent = now >= (state.rogue?.silentAt ?? NEVER);
  const { rogue: _, ...rest } = state;
  return {
    state: {
      ...rest,
      advertAt: next(state.advertAt, advertIntervalMs),
      announceAt: now >= state.announceAt ? NEVER : state.announceAt,
      refreshAt: next(state.refreshAt, garpMasterRefreshMs),
      elsewhereAt: next(state.elsewhereAt, garpExtraInterfaces.intervalMs),
      ...(state.rogue !== undefined && !silent && { rogue: now >= state.advertAt ? afterAdvert(instance, state.rogue, now) : state.rogue }),
    },
    effects: [
      ...due(state.advertAt, sendOwn(instance)),
      ...due(state.announceAt, announce(state.announceRepeat)),
      ...due(state.refreshAt, announce(garpMasterRefreshRepeat)),
      ...due(state.elsewhereAt, { kind: 'announce-elsewhere' }),
      ...(silent ? [log(instance, 'rogue address owner appears to have stopped advertising')] : []),
    ],
  };
}

/** Counted from when it was due, so that lateness does not add up; but one missed altogether is not made up for. */
function after(dueAt: number, intervalMs: number, now: number): number {
  return dueAt + intervalMs > now ? dueAt + intervalMs : now + intervalMs;
}
