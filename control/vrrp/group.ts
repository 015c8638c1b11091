// Sync groups as keepalived has them: members become master together, resign together, fail together. An instance in no group is a group of one.

import type { VrrpInstance } from '../config/model.js';
import { step } from './machine.js';
import { type Effect, type Event, INITIAL, type State } from './state.js';

export interface Member {
  /** As configured, but for its priority: that is the effective one. */
  readonly instance: VrrpInstance;
  readonly state: State;
}

export interface Group {
  /** Undefined: an instance on its own. */
  readonly name: string | undefined;
  readonly members: readonly Member[];
}

export interface MemberEvent {
  /** Index of the member it happens to. */
  readonly member: number;
  readonly event: Event;
}

export interface MemberEffect {
  readonly member: number;
  readonly effect: Effect;
}

export interface GroupOutcome {
  readonly group: Group;
  readonly effects: readonly MemberEffect[];
}

export function createGroup(name: string | undefined, instances: readonly VrrpInstance[]): Group {
  return { name, members: instances.map((instance) => ({ instance, state: INITIAL })) };
}

/** What happens to one member, and then what that makes happen to the others, until all of them agree. */
export function stepGroup(group: Group, happening: MemberEvent, now: number): GroupOutcome {
  let outcome = stepMember(group, happening, now);
  if (outcome.effects.some(meetsLesser)) outcome = reannounceOthers(outcome, happening.member, now);
  for (let next = consequence(outcome.group); next !== undefined; next = consequence(outcome.group)) {
    const { group: agreed, effects } = stepMember(outcome.group, next, now);
    outcome = { group: agreed, effects: [...outcome.effects, ...syncing(outcome.group, agreed, next), ...effects] };
  }
  return outcome;
}

function meetsLesser({ effect }: MemberEffect): boolean {
  return effect.kind === 'tell' && effect.happening === 'MASTER_RX_LOWER_PRI';
}

function reannounceOthers(before: GroupOutcome, member: number, now: number): GroupOutcome {
  const others = [...before.group.members.keys()].filter((other) => other !== member);
  return others.reduce(({ group, effects }, other) => {
    const outcome = stepMember(group, { member: other, event: { kind: 'reannounce' } }, now);
    return { group: outcome.group, effects: [...effects, ...outcome.effects] };
  }, before);
}

function stepMember(group: Group, { member, event }: MemberEvent, now: number): GroupOutcome {
  const before = group.members[member];
  if (before === undefined) return { group, effects: [] };
  const { state, effects, priority } = step(before.instance, before.state, event, now);
  const instance = priority === undefined ? before.instance : { ...before.instance, priority };
  const members = group.members.with(member, { instance, state });
  return { group: { ...group, members }, effects: effects.map((effect) => ({ member, effect })) };
}

/** The first thing on which the members do not agree yet. Members not started yet, or stopped, have no say but in promotion. */
function consequence({ members }: Group): MemberEvent | undefined {
  return spreadingFault(members) ?? demotion(members) ?? promotion(members);
}

/** Each member is in FAULT for its own reasons and one for each other member that has reasons of its own. */
function spreadingFault(members: readonly Member[]): MemberEvent | undefined {
  const shared = new Set(members.map(reasonOf));
  for (const cause of members) {
    const failed = cause.state.kind === 'fault' && cause.state.reasons.some((reason) => !shared.has(reason));
    const reason = reasonOf(cause);
    const member = members.findIndex((other) => other !== cause && other.state.kind !== 'init' && suffers(other, reason) !== failed);
    if (member >= 0) return { member, event: { kind: failed ? 'fault' : 'recovered', reason } };
  }
  return undefined;
}

function reasonOf({ instance }: Member): string {
  return `sync group member ${instance.name} is in FAULT`;
}

function suffers({ state }: Member, reason: string): boolean {
  return state.kind === 'fault' && state.reasons.includes(reason);
}

function demotion(members: readonly Member[]): MemberEvent | undefined {
  if (!members.some(({ state }) => state.kind === 'backup' || state.kind === 'fault')) return undefined;
  const member = members.findIndex(({ state }) => state.kind === 'master');
  return member < 0 ? undefined : { member, event: { kind: 'demote' } };
}

function promotion(members: readonly Member[]): MemberEvent | undefined {
  if (!members.every(({ state }) => state.kind === 'ready' || state.kind === 'master')) return undefined;
  const member = members.findIndex(({ state }) => state.kind === 'ready');
  return member < 0 ? undefined : { member, event: { kind: 'promote' } };
}

/** Undefined: not all of them have started. */
export function stateOfGroup({ members }: Group): 'MASTER' | 'BACKUP' | 'FAULT' | undefined {
  if (members.some(({ state }) => state.kind === 'init')) return undefined;
  if (members.some(({ state }) => state.kind === 'fault')) return 'FAULT';
  return members.every(({ state }) => state.kind === 'master') ? 'MASTER' : 'BACKUP';
}

const SYNCED = { fault: 'FAULT', demote: 'BACKUP', promote: 'MASTER' } as const;

/** keepalived's line about a group whose first member has just been made to follow. */
function syncing(before: Group, after: Group, { member, event }: MemberEvent): MemberEffect[] {
  if (before.name === undefined || !(event.kind in SYNCED)) return [];
  const to = SYNCED[event.kind as keyof typeof SYNCED];
  const kind = after.members[member]?.state.kind;
  const arrived = after.members.filter(({ state }) => state.kind === kind).length;
  if (before.members[member]?.state.kind === kind || arrived !== (to === 'MASTER' ? 1 : 2)) return [];
  return [{ member, effect: { kind: 'log', text: `VRRP_Group(${before.name}) Syncing instances to ${to} state` } }];
}
