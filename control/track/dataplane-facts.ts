// What looks at the data plane, one after the other, say about each tracked fact. Times in milliseconds.

import type { DataplaneFact } from '../config/tracking.js';

/** One look. Counters go on from anywhere when the data plane is started anew: only whether they move counts. */
export interface Look {
  /** Of the worker's loop. */
  readonly rounds: number;
  readonly flows: { readonly entries: number; readonly capacity: number };
  readonly interfaces: ReadonlyMap<string, InterfaceLook>;
}

export interface InterfaceLook {
  /** By the data plane and by the kernel: an advert of another router is a sign of life, too. */
  readonly received: number;
  readonly transmitted: number;
  /** Frames that could not be sent. */
  readonly unsent: number;
}

/** What has been made of the looks until now. */
export interface Standing {
  readonly well: boolean;
  /** What moves while all is well, as it was when it last moved, and when that was. */
  readonly moved: number;
  readonly movedAt: number;
  /** What should not move without the other, as it was then; when it last moved. */
  readonly strained: number;
  readonly strainedNow: number;
  readonly strainedAt: number;
}

/** A look a second: the second in vain is enough, as for who watches over the whole process. */
const STILL_MS = 2000;
/** So long nothing is received although so many frames were sent. */
const DEAF_MS = 10_000;
const DEAF_FRAMES = 10;
/** When nobody tries to send any more nobody knows; then it is given another chance. */
const PARDON_MS = 60_000;
/** A table that was too full has to be so much emptier. */
const HYSTERESIS_PERCENT = 5;

/** An undefined look: it did not answer. */
export function observe(fact: DataplaneFact, before: Standing | undefined, look: Look | undefined, now: number): Standing {
  switch (fact.kind) {
    case 'worker':
      return still(before, look?.rounds, now);
    case 'flow_table':
      return fullness(fact.percent, before, look, now);
    case 'receive':
      return deaf(before, look?.interfaces.get(fact.interface), now);
    case 'transmit':
      return mute(before, look?.interfaces.get(fact.interface), now);
  }
}

function fresh(moved: number, strained: number, now: number): Standing {
  return { well: true, moved, movedAt: now, strained, strainedNow: strained, strainedAt: now };
}

function still(before: Standing | undefined, rounds: number | undefined, now: number): Standing {
  if (before === undefined || (rounds !== undefined && rounds !== before.moved)) return fresh(rounds ?? -1, 0, now);
  return { ...before, well: now - before.movedAt < STILL_MS };
}

function fullness(percent: number, before: Standing | undefined, look: Look | undefined, now: number): Standing {
  const standing = before ?? fresh(0, 0, now);
  if (look === undefined || look.flows.capacity === 0) return standing;
  const used = (100 * look.flows.entries) / look.flows.capacity;
  const limit = standing.well ? percent : percent - HYSTERESIS_PERCENT;
  return { ...standing, well: used <= limit };
}

function deaf(before: Standing | undefined, look: InterfaceLook | undefined, now: number): Standing {
  if (look === undefined) return before ?? fresh(0, 0, now);
  if (before === undefined || look.received !== before.moved) return fresh(look.received, look.transmitted, now);
  const silent = now - before.movedAt >= DEAF_MS && look.transmitted - before.strained >= DEAF_FRAMES;
  return silent ? { ...before, well: false } : before;
}

function mute(before: Standing | undefined, look: InterfaceLook | undefined, now: number): Standing {
  if (look === undefined) return before ?? fresh(0, 0, now);
  if (before === undefined || look.transmitted !== before.moved) return fresh(look.transmitted, look.unsent, now);
  const trying = look.unsent !== before.strainedNow;
  const standing = trying ? { ...before, strainedNow: look.unsent, strainedAt: now } : before;
  if (standing.strainedNow === standing.strained) return standing;
  if (now - standing.strainedAt >= PARDON_MS) return fresh(look.transmitted, look.unsent, now);
  return { ...standing, well: standing.well && now - standing.movedAt < STILL_MS };
}
