// What a reload may change of an instance without another election: nearly everything. As in keepalived, an instance is another one when its
// interface, its virtual_router_id, its family or where its adverts go is another.

import type { VrrpInstance } from '../config/model.js';
import type { Group } from './group.js';
import type { UnitPlan } from './plan.js';
import { OWNER_PRIORITY, type State } from './state.js';

/** The same routers meet in the same election. */
export function sameElection(left: UnitPlan, right: UnitPlan): boolean {
  return left.name === right.name && essence(left) === essence(right);
}

function essence({ instances }: UnitPlan): string {
  return JSON.stringify(
    instances.map((instance) => {
      const { name, interface: device, virtualRouterId, family, version, virtualMac, target, sourceAddress } = instance;
      const owner = instance.priority === OWNER_PRIORITY;
      const group = target.kind === 'multicast' ? target.group : 'unicast';
      return [name, device, virtualRouterId, family, version, virtualMac, group, sourceAddress, owner];
    }),
  );
}

export interface Reconfiguration {
  readonly before: readonly VrrpInstance[];
  readonly after: readonly VrrpInstance[];
}

/** A priority that tracking has changed stays until tracking says another, unless the configured one changes. */
export function reconfigured(group: Group, { before, after }: Reconfiguration, now: number): Group {
  const members = group.members.map(({ instance, state }, i) => {
    const [old, next] = [before[i], after[i]];
    if (old === undefined || next === undefined) return { instance, state };
    const priority = old.priority === next.priority ? instance.priority : next.priority;
    return { instance: { ...next, priority }, state: retimed(state, { old, next }, now) };
  });
  return { ...group, members };
}

export function sameAddresses(left: VrrpInstance, right: VrrpInstance): boolean {
  return addressesOf(left) === addressesOf(right);
}

function addressesOf({ addresses, excludedAddresses }: VrrpInstance): string {
  return JSON.stringify([...addresses, ...excludedAddresses].map(({ address, device }) => [address, device]));
}

const NEVER = Number.POSITIVE_INFINITY;

/** A master's next advert may come earlier now; what else is timed starts anew when it is timed otherwise. A backup hears of it with the next advert. */
function retimed(state: State, { old, next }: { readonly old: VrrpInstance; readonly next: VrrpInstance }, now: number): State {
  if (state.kind !== 'master') return state;
  const elsewhere = next.garpExtraInterfaces.intervalMs;
  const { garpMasterDelayMs: delayMs, garpMasterRepeat: announceRepeat } = next;
  const announces = !sameAddresses(old, next) && delayMs > 0;
  return {
    ...state,
    advertAt: Math.min(state.advertAt, now + next.advertIntervalMs),
    refreshAt: next.garpMasterRefreshMs === old.garpMasterRefreshMs ? state.refreshAt : after(next.garpMasterRefreshMs, now),
    elsewhereAt: elsewhere === old.garpExtraInterfaces.intervalMs ? state.elsewhereAt : after(elsewhere, now),
    ...(announces && { announceAt: Math.min(state.announceAt, now + delayMs), announceRepeat }),
  };
}

function after(intervalMs: number, now: number): number {
  return intervalMs > 0 ? now + intervalMs : NEVER;
}
