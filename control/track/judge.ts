// What the watched things make of an instance: its effective priority, and the reasons why it may not be master at all.
// Read first: keepalived.conf(5), VRRP tracking; the numbers are keepalived's.

import type { InstanceTracking, Subject, Tracked } from '../config/tracking.js';

/**
 * A file says a number; everything else is well or not. Absent: nobody knows yet, and an instance that depends on it waits; `awaited`: nobody
 * knows yet, and an instance that is at work goes on.
 */
export type Fact =
  | { readonly kind: 'state'; readonly well: boolean }
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'awaited' };

export type Facts = ReadonlyMap<string, Fact>;

/** What a fact is known by. */
export function keyOf(kind: Subject['kind'], name: string): string {
  return `${kind} ${name}`;
}

export interface Judgement {
  readonly priority: number;
  readonly faults: readonly string[];
}

const OWNER_PRIORITY = 255;
/** A file that comes to this or less is a fault; none adds more than HIGHEST. */
const FAULT = -254;
const HIGHEST = 253;

export function judge({ priority, tracked }: InstanceTracking, facts: Facts): Judgement {
  const counted = tracked.map((each) => count(each, facts.get(each.key)));
  const sum = counted.reduce<number>((total, each) => total + (typeof each === 'number' ? each : 0), priority);
  return {
    priority: priority === OWNER_PRIORITY ? priority : Math.min(Math.max(sum, 1), OWNER_PRIORITY - 1),
    faults: counted.filter((each) => typeof each === 'string'),
  };
}

/** What one of them adds, or the fault that it is. */
function count(tracked: Tracked, fact: Fact | undefined): number | string {
  const sign = tracked.reverse ? -1 : 1;
  const { weight } = tracked;
  if (tracked.kind === 'file') return countFile(tracked, sign, fact?.kind === 'value' ? fact.value : 0);
  const well = fact?.kind === 'state' ? fact.well : undefined;
  if (well === undefined) return weight === 0 && fact === undefined ? `${nameOf(tracked)} is not known yet` : 0;
  if (weight === 0) return well === tracked.reverse ? faultText(tracked, well) : 0;
  return well === weight > 0 ? weight * sign : 0;
}

function countFile(tracked: Tracked, sign: number, value: number): number | string {
  const { weight, reverse } = tracked;
  if (weight === 0) return (value !== 0) === reverse ? 0 : faultText(tracked, reverse);
  const worth = value * weight * sign;
  return worth <= FAULT ? `${nameOf(tracked)} is ${value < 0 ? 'too low' : 'too high'}` : Math.min(worth, HIGHEST);
}

interface Words {
  readonly name: string;
  readonly well: string;
  readonly unwell: string;
}

const WORDS: ReadonlyMap<Tracked['kind'], Words> = new Map([
  ['interface', { name: 'tracked interface', well: 'is up', unwell: 'is down' }],
  ['script', { name: 'tracked script', well: 'succeeds', unwell: 'fails' }],
  ['file', { name: 'tracked file', well: 'holds 0', unwell: 'does not hold 0' }],
  ['process', { name: 'tracked process', well: 'has its quorum', unwell: 'has no quorum' }],
  ['bfd', { name: 'tracked BFD session', well: 'is up', unwell: 'is not up' }],
  ['virtual_server', { name: 'virtual server', well: 'has its quorum', unwell: 'has no quorum' }],
  ['dataplane', { name: 'data plane:', well: 'is well', unwell: 'is not well' }],
]);

function nameOf({ kind, name }: Subject): string {
  return `${WORDS.get(kind)?.name} ${name}`;
}

/** The same words every time: a fault is ended by its name. */
function faultText(tracked: Tracked, well: boolean): string {
  return describe(tracked, { kind: 'state', well });
}

/** `tracked interface eth1 is down` */
export function describe(subject: Subject, fact: Fact): string {
  const words = WORDS.get(subject.kind);
  if (fact.kind === 'value') return `${nameOf(subject)} holds ${fact.value}`;
  return `${nameOf(subject)} ${fact.kind === 'state' && fact.well ? words?.well : words?.unwell}`;
}
