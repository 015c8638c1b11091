// What an instance does on becoming something else.

import type { VrrpInstance } from '../config/model.js';
import { announce, type Effect, log, masterDownMs, NEVER, type Outcome, OWNER_PRIORITY, RELEASE, type State, sendOwn } from './state.js';

/** The owner of the addresses waits for nobody but its group; everyone else starts as a backup, also with `state MASTER`. */
export function listening(instance: VrrpInstance, now: number): State {
  const intervalMs = instance.advertIntervalMs;
  if (instance.priority === OWNER_PRIORITY) return { kind: 'ready', intervalMs, preemptAt: undefined };
  return { kind: 'backup', intervalMs, downAt: now + masterDownMs(instance, intervalMs), preemptAt: undefined };
}

/** Advert first, then addresses, then announcements: the other router has to step back before frames are drawn here. */
export function becomeMaster(instance: VrrpInstance, now: number): Outcome {
  const { garpMasterDelayMs: delayMs, garpMasterRefreshMs, garpExtraInterfaces } = instance;
  const state: State = {
    kind: 'master',
    advertAt: now + instance.advertIntervalMs,
    announceAt: delayMs > 0 ? now + delayMs : NEVER,
    announceRepeat: instance.garpMasterRepeat,
    refreshAt: garpMasterRefreshMs > 0 ? now + delayMs + garpMasterRefreshMs : NEVER,
    elsewhereAt: garpExtraInterfaces.intervalMs > 0 ? now + delayMs + garpExtraInterfaces.intervalMs : NEVER,
  };
  const claim: readonly Effect[] = [sendOwn(instance), { kind: 'claim' }, announce(instance.garpMasterRepeat)];
  return { state, effects: [log(instance, 'Entering MASTER STATE'), ...claim] };
}

export function becomeBackup(instance: VrrpInstance, intervalMs: number, why: readonly Effect[], now: number): Outcome {
  const downAt = now + masterDownMs(instance, intervalMs);
  const state: State = { kind: 'backup', intervalMs, downAt, preemptAt: undefined };
  return { state, effects: [...why, log(instance, 'Entering BACKUP STATE'), RELEASE] };
}

/** Priority 0 first: every moment counts for the router that takes over. */
export function resignation(instance: VrrpInstance): Effect[] {
  return [{ kind: 'send', priority: 0 }, log(instance, 'sent 0 priority'), RELEASE];
}
