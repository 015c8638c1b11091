// What a simulated world is made of: plain values, so that one can be printed, cut down, and played again.

import type { VirtualServer, VrrpInstance } from '../../control/config/model.js';

/** One VRID on one segment; every router has an instance of it. */
export interface VirtualRouter {
  readonly id: number;
  readonly segment: number;
  readonly family: 4 | 6;
  readonly version: 2 | 3;
}

/** What a router's administrator may choose for an instance. */
export type Choice = Pick<
  VrrpInstance,
  | 'priority'
  | 'advertIntervalMs'
  | 'preempt'
  | 'preemptDelayMs'
  | 'downTimerAdverts'
  | 'lowerPriorityNoAdvert'
  | 'higherPrioritySendAdvert'
  | 'timerExpiredPriority'
>;

export interface RouterSpec {
  readonly name: string;
  /** Last part of its addresses, the same on every segment: what decides between equal priorities. */
  readonly host: number;
  /** How fast its clock runs, and what it showed when the world began. */
  readonly rate: number;
  readonly clockMs: number;
  /** Its timers fire up to this much late. */
  readonly lateMs: number;
  /** One for each virtual router. */
  readonly choices: readonly Choice[];
}

export interface Weather {
  /** Of an advert to one receiver to be lost; but never more than `lossRun` in a row from one sender to one receiver. */
  readonly loss: number;
  readonly lossRun: number;
  readonly duplicates: number;
  readonly leastDelayMs: number;
  readonly mostDelayMs: number;
  /** A packet may overtake the one before. */
  readonly reorders: boolean;
}

export type Happening = { readonly at: number } & (
  | { readonly kind: 'start' | 'stop' | 'kill'; readonly router: number }
  | { readonly kind: 'link'; readonly router: number; readonly segment: number; readonly up: boolean }
  | { readonly kind: 'dataplane'; readonly router: number; readonly alive: boolean }
  /** What is tracked makes this of its priorities, from those configured. */
  | { readonly kind: 'priority'; readonly router: number; readonly change: number }
  /** The process stands still: what comes for it waits. */
  | { readonly kind: 'pause'; readonly router: number; readonly forMs: number }
  /** Packets from one router no longer, or again, reach another. */
  | { readonly kind: 'path'; readonly from: number; readonly to: number; readonly segment: number; readonly open: boolean }
  | { readonly kind: 'heal' }
  | { readonly kind: 'weather'; readonly weather: Weather }
  /** What all routers that reach it get from a real server. */
  | { readonly kind: 'server'; readonly address: string; readonly answer: Answer }
  /** One router alone no longer, or again, reaches a real server. */
  | { readonly kind: 'reach'; readonly router: number; readonly address: string; readonly open: boolean }
  /** One router has no ports left to probe from, or has again. */
  | { readonly kind: 'ports'; readonly router: number; readonly left: boolean }
);

/** What becomes of a probe; `unable`: it could not be made. */
export type Answer = 'answers' | 'refuses' | 'silent' | 'unable';

export interface World {
  /** Of what the network does to single packets. */
  readonly seed: number;
  readonly virtualRouters: readonly VirtualRouter[];
  /** Sync groups, as indices of virtual routers; one alone is in no group. */
  readonly groups: readonly (readonly number[])[];
  readonly routers: readonly RouterSpec[];
  readonly weather: Weather;
  /** Each router balances these, whoever is master. */
  readonly services: readonly VirtualServer[];
  readonly happenings: readonly Happening[];
  readonly endsAt: number;
}

/** A rule that was broken. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, text: string) {
    super(`${rule}: ${text}`);
    this.rule = rule;
  }
}

export function addressOf({ host }: RouterSpec, { segment, family }: VirtualRouter): string {
  return family === 4 ? `10.0.${segment}.${host}` : `fe80::${segment}:${host.toString(16)}`;
}

export function segmentsOf({ virtualRouters }: World): number[] {
  return [...new Set(virtualRouters.map(({ segment }) => segment))];
}
