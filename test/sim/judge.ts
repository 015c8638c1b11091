// What must be true between routers: who is master, for how long nobody or two may be, and that peace lasts. A deadline is set when something is
// not as it should be; the rule is broken when it still is at the deadline. Whatever happens to the world lets deadlines begin again.

import type { Bounds } from './bounds.js';
import type { Clock } from './clock.js';
import type { Network } from './network.js';
import type { Seat, SimRouter } from './router.js';
import { Violation, type World } from './world.js';

/** Routers that can take over from each other, and nobody else has a say. */
interface Circle {
  readonly unit: number;
  readonly routers: readonly SimRouter[];
  /** Changes with each time that nobody is master. */
  vacancy: object | undefined;
  /** Who is master in peace: nothing may change now. */
  master: SimRouter | undefined;
}

/** Two masters of one virtual router that hear each other. */
interface Rivalry {
  readonly stronger: Seat;
  readonly weaker: Seat;
}

export class Judge {
  readonly #clock: Clock;
  readonly #network: Network;
  readonly #bounds: Bounds;
  readonly #routers: readonly SimRouter[];
  readonly #groups: readonly number[];
  /** Counts what happened to the world. */
  #epoch = 0;
  #disturbing = false;
  #circles: Circle[] = [];
  /** For each unit. */
  #rivals: Rivalry[][];
  /** How many times peace was reached: a simulation that never gets there proves little. */
  peaces = 0;

  constructor(world: World, parts: { clock: Clock; network: Network; bounds: Bounds; routers: readonly SimRouter[] }) {
    this.#clock = parts.clock;
    this.#network = parts.network;
    this.#bounds = parts.bounds;
    this.#routers = parts.routers;
    this.#groups = [...world.groups.keys()];
    this.#rivals = this.#groups.map(() => []);
  }

  /** Something happens to a router or to the network. */
  disturb(happening: () => void): void {
    this.#disturbing = true;
    happening();
    this.#disturbing = false;
    this.#epoch++;
    this.#rivals = this.#groups.map(() => []);
    this.#circles = this.#groups.flatMap((unit) => this.#circlesOf(unit));
    for (const circle of this.#circles) this.#expectPeace(circle);
    for (const unit of this.#groups) this.#look(unit);
  }

  /** An instance of this router is in another state than before. */
  changed(seat: Seat, from: string, to: string): void {
    if (this.#disturbing) return;
    const circle = this.#circles.find(({ unit, routers }) => unit === seat.unit.index && routers.includes(seat.router));
    if (circle?.master !== undefined)
      throw new Violation(
        'peace lasts',
        `(${seat.router.spec.name} ${seat.instance.name}) went from ${from} to ${to} though nothing happened`,
      );
    this.#look(seat.unit.index);
  }

  /** Just before this router resigns by itself, and all can hear it: who is left takes over at once. Within `disturb`. */
  resigns(router: SimRouter): void {
    const { lossRun, duplicates, reorders } = this.#network.weather;
    if (lossRun > 0 || duplicates > 0 || reorders) return;
    const epoch = this.#epoch + 1;
    for (const { unit, routers, master } of this.#circles) {
      const heirs = routers.filter((other) => other !== router);
      if (master !== router || heirs.length === 0) continue;
      const withinMs = this.#bounds.handoverMs(unit, heirs, router, this.#network.weather);
      this.#clock.after(withinMs, () => {
        if (epoch === this.#epoch && !heirs.some((heir) => isMaster(heir, unit)))
          throw new Violation(
            'priority 0 hands over within the skew time',
            `nobody follows ${router.spec.name} after ${withinMs.toFixed(1)} ms`,
          );
      });
    }
  }

  #look(unit: number): void {
    const masters = this.#routers.filter((router) => isMaster(router, unit));
    this.#lookForTwo(unit, masters);
    for (const circle of this.#circles) if (circle.unit === unit) this.#lookForNone(circle, masters);
  }

  #lookForTwo(unit: number, masters: readonly SimRouter[]): void {
    const before = this.#rivals[unit]!;
    const rivals = pairs(masters).flatMap(([one, other]) => this.#rivalries(unit, one, other));
    this.#rivals[unit] = rivals.map(
      (rivalry) => before.find((known) => known.weaker === rivalry.weaker && known.stronger === rivalry.stronger) ?? rivalry,
    );
    for (const rivalry of this.#rivals[unit]) if (!before.includes(rivalry)) this.#expectOne(unit, rivalry);
  }

  #rivalries(unit: number, one: SimRouter, other: SimRouter): Rivalry[] {
    return one.units[unit]!.seats.flatMap((seat, member) => {
      const rival = other.units[unit]!.seats[member]!;
      if (!this.#hear(seat, rival)) return [];
      return [isStronger(seat, rival) ? { stronger: seat, weaker: rival } : { stronger: rival, weaker: seat }];
    });
  }

  #expectOne(unit: number, rivalry: Rivalry): void {
    const withinMs = this.#bounds.twoMastersMs(rivalry.stronger, this.#network.weather);
    this.#clock.after(withinMs, () => {
      if (!this.#rivals[unit]!.includes(rivalry)) return;
      const names = `${rivalry.stronger.router.spec.name} and ${rivalry.weaker.router.spec.name}`;
      throw new Violation('two masters that hear each other do not last', `${names} after ${withinMs.toFixed(1)} ms`);
    });
  }

  #lookForNone(circle: Circle, masters: readonly SimRouter[]): void {
    if (circle.routers.some((router) => masters.includes(router))) {
      circle.vacancy = undefined;
      return;
    }
    if (circle.vacancy !== undefined) return;
    const vacancy = {};
    circle.vacancy = vacancy;
    const withinMs = this.#bounds.noMasterMs(circle.unit, circle.routers, this.#network.weather);
    this.#expect(circle, withinMs, () => {
      if (circle.vacancy === vacancy)
        throw new Violation('somebody becomes master', `nobody of ${namesOf(circle.routers)} after ${withinMs.toFixed(1)} ms`);
    });
  }

  #expectPeace(circle: Circle): void {
    const { unit, routers } = circle;
    const { weather } = this.#network;
    const quiet = routers.every((master) =>
      routers.every((backup) => seatPairs(unit, master, backup).every(([one, other]) => this.#bounds.keepsQuiet(one, other, weather))),
    );
    if (!quiet) return;
    const withinMs = this.#bounds.peaceMs(unit, routers, weather);
    this.#expect(circle, withinMs, () => {
      const masters = routers.filter((router) => isMaster(router, unit));
      const [master] = masters;
      if (master === undefined || masters.length > 1)
        throw new Violation(
          'in the end one is master',
          `of ${namesOf(routers)}: ${namesOf(masters) || 'nobody'} after ${withinMs.toFixed(1)} ms`,
        );
      const better = routers.find(
        (router) => router !== master && seatPairs(unit, router, master).every(([one, other]) => preempts(one, other)),
      );
      if (better !== undefined)
        throw new Violation('who has the greater priority and preempts is master', `${better.spec.name} is not, ${master.spec.name} is`);
      circle.master = master;
      this.peaces++;
    });
  }

  #expect(circle: Circle, withinMs: number, check: () => void): void {
    this.#clock.after(withinMs, () => {
      if (this.#circles.includes(circle)) check();
    });
  }

  /** Left out: routers that hear each other in one direction or on some segments only, and orders that are different on two segments. */
  #circlesOf(unit: number): Circle[] {
    const able = this.#routers.filter((router) => isAble(router, unit));
    const circles: Circle[] = [];
    for (let left = able; left[0] !== undefined; ) {
      const routers = this.#reachable(unit, left[0], left);
      left = left.filter((router) => !routers.includes(router));
      if (pairs(routers).every(([one, other]) => this.#areEqual(unit, one, other)))
        circles.push({ unit, routers, vacancy: undefined, master: undefined });
    }
    return circles;
  }

  #reachable(unit: number, first: SimRouter, among: readonly SimRouter[]): SimRouter[] {
    const found = [first];
    for (const router of found)
      found.push(...among.filter((other) => !found.includes(other) && seatPairs(unit, router, other).some(([a, b]) => this.#touch(a, b))));
    return found;
  }

  #areEqual(unit: number, one: SimRouter, other: SimRouter): boolean {
    const seats = seatPairs(unit, one, other);
    return seats.every(([a, b]) => this.#hear(a, b)) && new Set(seats.map(([a, b]) => isStronger(a, b))).size === 1;
  }

  /** Adverts of each reach the other, and are understood. */
  #hear(one: Seat, other: Seat): boolean {
    return understand(one, other) && isAwake(one) && isAwake(other) && this.#open(one, other) && this.#open(other, one);
  }

  #touch(one: Seat, other: Seat): boolean {
    return understand(one, other) && (this.#open(one, other) || this.#open(other, one));
  }

  #open(from: Seat, to: Seat): boolean {
    return this.#network.isOpen(from.router.index, to.router.index, from.segment);
  }
}

function isMaster(router: SimRouter, unit: number): boolean {
  return router.running && router.units[unit]!.group.members.every(({ state }) => state.kind === 'master');
}

/** Nothing keeps it from being master, whether it knows already or not. */
function isAble(router: SimRouter, unit: number): boolean {
  const { seats } = router.units[unit]!;
  return seats.every((seat) => isAwake(seat) && router.causes(seat).length === 0);
}

function isAwake({ router, segment }: Seat): boolean {
  return router.running && !router.paused && !router.downLinks.has(segment);
}

/** Version 2 drops adverts of another interval. */
function understand({ instance: one }: Seat, { instance: other }: Seat): boolean {
  return one.version === 3 || one.advertIntervalMs === other.advertIntervalMs;
}

function isStronger(one: Seat, other: Seat): boolean {
  return one.priority === other.priority ? one.router.spec.host > other.router.spec.host : one.priority > other.priority;
}

function preempts(one: Seat, other: Seat): boolean {
  return one.instance.preempt && one.priority > other.priority;
}

function seatPairs(unit: number, one: SimRouter, other: SimRouter): [Seat, Seat][] {
  return one.units[unit]!.seats.map((seat, member) => [seat, other.units[unit]!.seats[member]!]);
}

function pairs<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((one, i) => list.slice(i + 1).map((other): [T, T] => [one, other]));
}

function namesOf(routers: readonly SimRouter[]): string {
  return routers.map(({ spec }) => spec.name).join(', ');
}
