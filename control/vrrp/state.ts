// The states of a VRRP instance, what happens to it, what it makes happen, and how long it waits. Times in milliseconds.

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
      /** An owner of the addresses that gave way to another one, which has this address. */
      readonly yieldedTo?: string;
    }
  /** A backup whose master is dead: it becomes master as soon as all its sync group is ready. */
  | { readonly kind: 'ready'; readonly intervalMs: number; readonly preemptAt: number | undefined; readonly yieldedTo?: string }
  | {
      readonly kind: 'master';
      readonly advertAt: number;
      /** The second round of announcements, after a transition or a lesser master. */
      readonly announceAt: number;
      readonly announceRepeat: number;
      readonly refreshAt: number;
      /** Announcements on interfaces that adverts do not leave by. */
      readonly elsewhereAt: number;
      /** Another router that says it owns the addresses too, and has the lower address. */
      readonly rogue?: Rogue;
    }
  | { readonly kind: 'fault'; readonly reasons: readonly string[] };

export interface Rogue {
  readonly intervalMs: number;
  /** Adverts of ours it may still miss. */
  readonly adverts: number;
  /** When it should have been silent for long enough; Infinity: it has not heard enough of us. */
  readonly silentAt: number;
}

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
  /** Somebody took away what a master holds. */
  | { readonly kind: 'lost'; readonly what: string }
  /** What tracking has made of the priority: 1 to 254. */
  | { readonly kind: 'priority'; readonly priority: number }
  /** The sync group's word, sent by group.ts: all are ready, or one member lost. */
  | { readonly kind: 'promote' }
  /** Another member has met a lesser master, which will have drawn our frames to itself too. */
  | { readonly kind: 'reannounce' }
  | { readonly kind: 'demote' };

export type Effect =
  | { readonly kind: 'send'; readonly priority: number }
  | { readonly kind: 'claim' }
  /** Gratuitous ARP or unsolicited neighbour advertisements, `repeat` for each address. */
  | { readonly kind: 'announce'; readonly repeat: number }
  /** One announcement on each other interface that holds an address. */
  | { readonly kind: 'announce-elsewhere' }
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

export type Backup = Extract<State, { kind: 'backup' | 'ready' }>;
export type Master = Extract<State, { kind: 'master' }>;
export type Fault = Extract<State, { kind: 'fault' }>;

export const INITIAL: State = { kind: 'init' };
export const OWNER_PRIORITY = 255;
/** Of an owner of the addresses that gave way to another one. */
export const YIELDED_PRIORITY = 254;
export const ROGUE_ADVERTS = 2;
export const ROGUE_PATIENCE = 1.2;
export const NEVER = Number.POSITIVE_INFINITY;

/** When the instance next wants a `timer` event; Infinity: not by itself. */
export function wakesAt(state: State): number {
  switch (state.kind) {
    case 'backup':
      return state.downAt;
    case 'master':
      return Math.min(state.advertAt, state.announceAt, state.refreshAt, state.elsewhereAt, state.rogue?.silentAt ?? NEVER);
    default:
      return NEVER;
  }
}

export function skewMs({ version, priority }: Pick<VrrpInstance, 'version' | 'priority'>, masterIntervalMs: number): number {
  return ((256 - priority) * (version === 2 ? 1000 : masterIntervalMs)) / 256;
}

export function masterDownMs(instance: VrrpInstance, masterIntervalMs: number): number {
  return instance.downTimerAdverts * masterIntervalMs + skewMs(instance, masterIntervalMs);
}

export function unchanged(state: State): Outcome {
  return { state, effects: [] };
}

export const RELEASE: Effect = { kind: 'release' };

export function sendOwn(instance: VrrpInstance): Effect {
  return { kind: 'send', priority: instance.priority };
}

export function announce(repeat: number): Effect {
  return { kind: 'announce', repeat };
}

export function logFault(instance: VrrpInstance, reason: string): Effect {
  return log(instance, `entering FAULT state (${reason})`);
}

export function log(instance: VrrpInstance, text: string): Effect {
  return { kind: 'log', text: `(${instance.name}) ${text}` };
}
