// Which units a configuration asks for, and which of them are the same as before.

import type { SyncGroup, VrrpInstance } from '../config/model.js';

export interface UnitPlan {
  /** Of the sync group; undefined for an instance on its own. */
  readonly name: string | undefined;
  readonly instances: readonly VrrpInstance[];
}

export function planUnits(instances: readonly VrrpInstance[], syncGroups: readonly SyncGroup[]): UnitPlan[] {
  const groups = syncGroups.map(({ name, members }) => ({
    name,
    instances: instances.filter((instance) => members.includes(instance.name)),
  }));
  const grouped = new Set(groups.flatMap((group) => group.instances.map(({ name }) => name)));
  const alone = instances.filter(({ name }) => !grouped.has(name)).map((instance) => ({ name: undefined, instances: [instance] }));
  return [...groups.filter((group) => group.instances.length > 0), ...alone];
}

/** Alike in everything but where it is written, and who is told of it. */
export function samePlan(left: UnitPlan, right: UnitPlan): boolean {
  return withoutPlaces(left) === withoutPlaces(right);
}

const LEFT_OUT = ['place', 'places', 'notices'];

function withoutPlaces(plan: UnitPlan): string {
  return JSON.stringify([plan.name, plan.instances], (key, value) => (LEFT_OUT.includes(key) ? undefined : value));
}
