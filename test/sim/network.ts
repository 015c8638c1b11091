// The segments between simulated routers: what becomes of each advert on its way to each of the others.

import type { Random } from '../oracle/random.js';
import type { Clock } from './clock.js';
import { segmentsOf, type Weather, type World } from './world.js';

/** From one router to another on one segment. */
interface Path {
  open: boolean;
  /** For each virtual router: how many adverts in a row were lost. */
  readonly lost: number[];
  /** When the last one arrives: where packets keep their order, none comes before. */
  lastArrival: number;
}

export class Network {
  #weather: Weather;
  /** Packets of the weather before may still be under way. */
  #before: { readonly mostDelayMs: number; readonly until: number } = { mostDelayMs: 0, until: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #size: number;
  readonly #paths: Path[];

  constructor(world: World, clock: Clock, random: Random) {
    this.#weather = world.weather;
    this.#clock = clock;
    this.#random = random;
    this.#size = world.routers.length;
    const segments = Math.max(...segmentsOf(world)) + 1;
    const lost = () => world.virtualRouters.map(() => 0);
    this.#paths = Array.from({ length: segments * this.#size ** 2 }, () => ({ open: true, lost: lost(), lastArrival: 0 }));
  }

  set weather(weather: Weather) {
    const { mostDelayMs } = this.weather;
    this.#before = { mostDelayMs, until: this.#clock.now + mostDelayMs };
    this.#weather = weather;
  }

  /** What has to be reckoned with now. */
  get weather(): Weather {
    const { mostDelayMs, until } = this.#before;
    return this.#clock.now > until ? this.#weather : { ...this.#weather, mostDelayMs: Math.max(this.#weather.mostDelayMs, mostDelayMs) };
  }

  isOpen(from: number, to: number, segment: number): boolean {
    return this.#path(from, to, segment).open;
  }

  setOpen(from: number, to: number, segment: number, open: boolean): void {
    this.#path(from, to, segment).open = open;
  }

  heal(): void {
    for (const path of this.#paths) path.open = true;
  }

  /** Calls `deliver` once, twice or never, some time from now. */
  carry(from: number, to: number, segment: number, virtualRouter: number, deliver: () => void): void {
    const path = this.#path(from, to, segment);
    if (!path.open || this.#loses(path, virtualRouter)) return;
    this.#arrive(path, deliver);
    if (this.#weather.duplicates > 0 && this.#random.chance(this.#weather.duplicates)) this.#arrive(path, deliver);
  }

  #loses({ lost }: Path, virtualRouter: number): boolean {
    const { loss, lossRun } = this.#weather;
    const inRow = lost[virtualRouter] ?? 0;
    const loses = loss > 0 && inRow < lossRun && this.#random.chance(loss);
    lost[virtualRouter] = loses ? inRow + 1 : 0;
    return loses;
  }

  #arrive(path: Path, deliver: () => void): void {
    const { leastDelayMs, mostDelayMs, reorders } = this.#weather;
    const drawn = this.#clock.now + leastDelayMs + (this.#random.word() / 2 ** 32) * (mostDelayMs - leastDelayMs);
    const arrival = reorders ? drawn : Math.max(drawn, path.lastArrival);
    path.lastArrival = Math.max(arrival, path.lastArrival);
    this.#clock.at(arrival, deliver);
  }

  #path(from: number, to: number, segment: number): Path {
    return this.#paths[(segment * this.#size + from) * this.#size + to]!;
  }
}
