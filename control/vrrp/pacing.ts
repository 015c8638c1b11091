// How announcements wait for each other where a switch cannot take many at once (vrrp_garp_interval, vrrp_gna_interval, garp_group): a lane is a
// queue for one kind of them on one interface, or on several that stand on the same switch.

import type { GlobalDefs } from '../config/model.js';

const TIMER_MS = 2;

export interface Announcement {
  readonly interface: string;
  readonly index: number;
  readonly address: string;
  readonly frame: Uint8Array;
  /** How often it is to leave. */
  readonly repeat: number;
}

export interface Lane {
  readonly intervalMs: number;
  /** When the next one may leave. */
  readonly freeAt: number;
  readonly waiting: readonly Announcement[];
}

export function emptyLane(intervalMs: number): Lane {
  return { intervalMs, freeAt: 0, waiting: [] };
}

/** One that waits already is not made to leave more often than the most that was asked for. */
export function join(lane: Lane, arriving: readonly Announcement[], now: number): Lane {
  const freeAt = lane.waiting.length === 0 ? Math.max(lane.freeAt, now) : lane.freeAt;
  const waiting = [...lane.waiting];
  for (const one of arriving) {
    const at = waiting.findIndex((other) => isSame(one, other));
    const known = waiting[at];
    if (known === undefined) waiting.push(one);
    else waiting[at] = { ...one, repeat: Math.max(one.repeat, known.repeat) };
  }
  return { ...lane, freeAt, waiting: waiting.filter(({ repeat }) => repeat > 0) };
}

/** Every address has its turn before any has its second. */
export function take(lane: Lane, now: number): { readonly lane: Lane; readonly due: readonly Announcement[] } {
  const due: Announcement[] = [];
  const waiting = [...lane.waiting];
  let { freeAt } = lane;
  while (freeAt <= now) {
    const next = waiting.shift();
    if (next === undefined) break;
    due.push({ ...next, repeat: 1 });
    if (next.repeat > 1) waiting.push({ ...next, repeat: next.repeat - 1 });
    // Of less than a timer can do, several leave at once; otherwise a late one does not hurry the next.
    freeAt = Math.max(freeAt, lane.intervalMs < TIMER_MS ? 0 : now) + lane.intervalMs;
  }
  return { lane: { ...lane, freeAt, waiting }, due };
}

/** Addresses that are held no more. */
export function leave(lane: Lane, held: readonly Pick<Announcement, 'interface' | 'address'>[]): Lane {
  return { ...lane, waiting: lane.waiting.filter((one) => !held.some((other) => isSame(one, other))) };
}

export function wakesAt({ waiting, freeAt }: Lane): number {
  return waiting.length === 0 ? Number.POSITIVE_INFINITY : freeAt;
}

function isSame(one: Pick<Announcement, 'interface' | 'address'>, other: Pick<Announcement, 'interface' | 'address'>): boolean {
  return one.interface === other.interface && one.address === other.address;
}

/** Which lane an announcement takes, and how long that one makes it wait for the one before. */
export function laneOf(global: GlobalDefs, interfaceName: string, family: 4 | 6): { readonly name: string; readonly intervalMs: number } {
  const at = global.garpGroups.findIndex(({ interfaces }) => interfaces.includes(interfaceName));
  const { garpIntervalMs, gnaIntervalMs } = global.garpGroups[at] ?? global;
  return { name: `${at < 0 ? interfaceName : `group ${at}`} ${family}`, intervalMs: family === 4 ? garpIntervalMs : gnaIntervalMs };
}
