// Makes a world from a seed: two to five routers, their configurations, their network, and what happens to them.

import { Random } from '../oracle/random.js';
import { serverHappenings, servicesOf } from './services.js';
import type { Choice, Happening, RouterSpec, VirtualRouter, Weather, World } from './world.js';

const V2_INTERVALS_MS = [1000, 1000, 1000, 2000, 3000, 5000, 10_000, 10_000, 30_000];
const V3_INTERVALS_MS = [10, 20, 100, 250, 500, 1000, 1000, 1000, 2000, 5000, 10_000, 10_000, 40_000];
const NAMES = ['A', 'B', 'C', 'D', 'E'];
const CLEAR: Weather = { loss: 0, lossRun: 0, duplicates: 0, leastDelayMs: 0.05, mostDelayMs: 0.2, reorders: false };

export function worldOf(seed: number): World {
  return new Maker(seed).world();
}

class Maker {
  readonly #seed: number;
  readonly #random: Random;
  readonly #routers: number;
  readonly #virtualRouters: readonly VirtualRouter[];
  readonly #groups: readonly (readonly number[])[];
  /** Of all instances alike, unless the administrators do not agree. */
  readonly #intervalMs: number;
  readonly #agree: boolean;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed, 1);
    this.#routers = this.#random.one([2, 2, 2, 3, 3, 4, 5]);
    const version = this.#random.one([2, 3] as const);
    this.#virtualRouters = Array.from({ length: this.#random.one([1, 1, 2, 2, 3]) }, (_, i) => this.#virtualRouter(i, version));
    this.#groups = this.#grouping();
    this.#intervalMs = this.#random.one(
      version === 2 || this.#virtualRouters.some((each) => each.version === 2) ? V2_INTERVALS_MS : V3_INTERVALS_MS,
    );
    this.#agree = !this.#random.chance(0.1);
  }

  world(): World {
    const routers = this.#specs();
    const { happenings, endsAt } = this.#life();
    const weather = this.#random.chance(0.5) ? CLEAR : this.#weather();
    const virtualRouters = this.#virtualRouters;
    const services = endsAt > 60_000 && this.#random.chance(0.4) ? servicesOf(this.#random, this.#intervalMs) : [];
    const theirs = services.length > 0 ? serverHappenings(this.#random, services, this.#routers, endsAt) : [];
    const all = [...happenings, ...theirs].sort((one, other) => one.at - other.at);
    return { seed: this.#seed, virtualRouters, groups: this.#groups, routers, weather, services, happenings: all, endsAt };
  }

  #virtualRouter(index: number, version: 2 | 3): VirtualRouter {
    const family = this.#random.one([4, 4, 6] as const);
    return { id: this.#random.between(1, 255), segment: this.#random.one([index, index, 0]), family, version: family === 6 ? 3 : version };
  }

  /** One of three: all in one group, the last one alone, or everyone alone. */
  #grouping(): number[][] {
    const all = [...this.#virtualRouters.keys()];
    const together = this.#random.one([all.length, all.length, all.length - 1, 1]);
    return [all.slice(0, together), ...all.slice(together).map((index) => [index])].filter((group) => group.length > 0);
  }

  #specs(): RouterSpec[] {
    const hosts = shuffled(this.#random, [1, 2, 9, 10, 200]);
    const ranks = shuffled(
      this.#random,
      NAMES.slice(0, this.#routers).map((_, i) => i),
    );
    const drift = this.#random.one([0, 1e-4, 1e-2]);
    const lateMs = Math.min(this.#random.one([0, 0.5, 2]), this.#intervalMs / 20);
    const scale = this.#random.one(['equal', 'spread', 'close', 'extremes'] as const);
    return ranks.map((rank, i) => ({
      name: NAMES[i]!,
      host: hosts[i]!,
      rate: 1 + drift * (2 * this.#part() - 1),
      clockMs: this.#random.below(10_000_000),
      lateMs,
      choices: this.#choices(rank, scale),
    }));
  }

  #choices(rank: number, scale: 'equal' | 'spread' | 'close' | 'extremes'): Choice[] {
    const priority = { equal: 100, spread: 50 + 40 * rank, close: 100 + rank, extremes: [1, 254, 2, 253, 3][rank]! }[scale];
    const owner = (rank === this.#routers - 1 && this.#random.chance(0.1)) || this.#random.chance(0.02);
    const preempt = !this.#random.chance(0.25);
    const preemptDelayMs = preempt && this.#random.chance(0.2) ? this.#random.one([this.#intervalMs, 10 * this.#intervalMs, 60_000]) : 0;
    const common = { advertIntervalMs: this.#intervalMs, preempt, preemptDelayMs, downTimerAdverts: 3, ...this.#manners() };
    const agreed: Choice = owner ? { ...common, priority: 255, preempt: true, preemptDelayMs: 0 } : { ...common, priority };
    return this.#virtualRouters.map((virtualRouter) => (this.#agree ? agreed : this.#own(agreed, virtualRouter)));
  }

  /** Options of keepalived's that change who speaks when. */
  #manners(): Pick<Choice, 'lowerPriorityNoAdvert' | 'higherPrioritySendAdvert' | 'timerExpiredPriority'> {
    const manners = { lowerPriorityNoAdvert: this.#random.chance(0.1), higherPrioritySendAdvert: this.#random.chance(0.1) };
    return this.#random.chance(0.1) ? { ...manners, timerExpiredPriority: 200 } : manners;
  }

  /** What administrators write who do not look at the other router's file. */
  #own(agreed: Choice, { version }: VirtualRouter): Choice {
    return {
      ...agreed,
      priority: this.#random.one([agreed.priority, agreed.priority, this.#random.between(1, 255)]),
      advertIntervalMs: this.#random.one([
        agreed.advertIntervalMs,
        this.#random.one(this.#near(version === 2 ? V2_INTERVALS_MS : V3_INTERVALS_MS)),
      ]),
      downTimerAdverts: this.#random.one([3, 3, 1, 2, 5]),
    };
  }

  /** Ten milliseconds for hours, because somebody else has half a minute, would tell no more. */
  #near(intervalsMs: readonly number[]): number[] {
    return intervalsMs.filter((intervalMs) => intervalMs >= this.#intervalMs / 10);
  }

  #weather(): Weather {
    const lossRun = this.#random.one([0, 1, 1, 2, 5]);
    const leastDelayMs = this.#random.one([0.02, 0.2, 1]);
    return {
      loss: lossRun === 0 ? 0 : this.#random.one([0.01, 0.1, 0.5]),
      lossRun,
      duplicates: this.#random.one([0, 0, 0.01, 0.3]),
      leastDelayMs,
      mostDelayMs: leastDelayMs + this.#random.one([0, 0.2, 2, 30]),
      reorders: this.#random.chance(0.5),
    };
  }

  /** Everybody starts some time near the beginning; then things happen, sometimes close together, sometimes after a long peace. */
  #life(): { happenings: Happening[]; endsAt: number } {
    const starts = NAMES.slice(0, this.#routers).map(
      (_, router): Happening => ({ kind: 'start', router, at: this.#gapMs() * this.#part() }),
    );
    const happenings = starts.sort((one, other) => one.at - other.at);
    let at = happenings.at(-1)?.at ?? 0;
    const many = this.#random.between(3, 30);
    for (let i = 0; i < many; i++) {
      at += this.#gapMs();
      happenings.push(...this.#happening(at));
    }
    return { happenings: happenings.sort((one, other) => one.at - other.at), endsAt: at + 40 * this.#intervalMs };
  }

  #gapMs(): number {
    return this.#intervalMs * this.#random.one([0.01, 0.5, 2, 5, 20, 20, 50, 200]) * (0.5 + this.#part());
  }

  /** Most are undone some time. */
  #happening(at: number): Happening[] {
    const router = this.#random.below(this.#routers);
    const { segment } = this.#random.one(this.#virtualRouters);
    const later = at + this.#gapMs();
    switch (this.#random.weighted({ stop: 4, kill: 4, link: 4, dataplane: 2, pause: 2, path: 3, partition: 3, weather: 2, priority: 3 })) {
      case 'stop':
        return [
          { at, kind: 'stop', router },
          { at: later, kind: 'start', router },
        ];
      case 'kill':
        return [
          { at, kind: 'kill', router },
          { at: later, kind: 'start', router },
        ];
      case 'link':
        return [
          { at, kind: 'link', router, segment, up: false },
          { at: later, kind: 'link', router, segment, up: true },
        ];
      case 'dataplane':
        return [
          { at, kind: 'dataplane', router, alive: false },
          { at: later, kind: 'dataplane', router, alive: true },
        ];
      case 'priority':
        return [
          { at, kind: 'priority', router, change: this.#random.between(-100, 100) },
          { at: later, kind: 'priority', router, change: 0 },
        ];
      case 'pause':
        return [{ at, kind: 'pause', router, forMs: Math.round(this.#gapMs() / 4) }];
      case 'path':
        return [...this.#shut(at, [router], [segment], this.#random.chance(0.5)), { at: later, kind: 'heal' }];
      case 'partition': {
        const segments = [...new Set(this.#virtualRouters.map((each) => each.segment))];
        const side = [...Array(this.#routers).keys()].filter((each) => each === router || this.#random.chance(0.3));
        return [...this.#shut(at, side, segments, true), { at: later, kind: 'heal' }];
      }
      case 'weather':
        return [
          { at, kind: 'weather', weather: this.#weather() },
          { at: later, kind: 'weather', weather: CLEAR },
        ];
    }
  }

  #shut(at: number, side: readonly number[], segments: readonly number[], bothWays: boolean): Happening[] {
    const others = [...Array(this.#routers).keys()].filter((each) => !side.includes(each));
    return segments.flatMap((segment) =>
      side.flatMap((from) =>
        others.flatMap((to): Happening[] => [
          { at, kind: 'path', from, to, segment, open: false },
          ...(bothWays ? [{ at, kind: 'path' as const, from: to, to: from, segment, open: false }] : []),
        ]),
      ),
    );
  }

  #part(): number {
    return this.#random.word() / 2 ** 32;
  }
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const left = [...list];
  return list.map(() => left.splice(random.below(left.length), 1)[0]!);
}
