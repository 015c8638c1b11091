// How long things may take, from the RFC's formulas and what the simulated network and clocks may do; in milliseconds of the world's time.
//
//   interval     a router's advert_int; `slowest` is the greatest of a virtual router: version 3 adopts what it hears
//   skew         (256 - priority) / 256, of a second in version 2, of the master's interval in version 3
//   down         down_timer_adverts · slowest + skew
//   crossing     the longest an advert is under way, and the lateness of a timer at its end
//
// Two masters that hear each other:     (adverts lost in a row + 1) · (interval of the stronger + its lateness) + crossing
// No master among connected routers:    the shortest down of them + crossing
// After a resignation that all hear:    the shortest skew of them + crossing
// One master, and peace:                2 · (the longest down + two masters) + the longest preempt_delay + crossing

import type { Seat, SimRouter } from './router.js';
import type { Weather, World } from './world.js';

export class Bounds {
  readonly #world: World;
  readonly #slowest: readonly number[];

  constructor(world: World) {
    this.#world = world;
    const { routers, virtualRouters } = world;
    this.#slowest = virtualRouters.map((_, i) => Math.max(...routers.map(({ choices }) => choices[i]!.advertIntervalMs)));
  }

  skewMs(seat: Seat, masterIntervalMs: number): number {
    const second = seat.instance.version === 2 ? 1000 : masterIntervalMs;
    return ((256 - seat.priority) / 256) * second;
  }

  /** In the router's own time. */
  downMs(seat: Seat, masterIntervalMs: number): number {
    return seat.instance.downTimerAdverts * masterIntervalMs + this.skewMs(seat, masterIntervalMs);
  }

  twoMastersMs(stronger: Seat, weather: Weather): number {
    const { spec } = stronger.router;
    const intervalMs = stronger.instance.advertIntervalMs / spec.rate + spec.lateMs;
    return (weather.lossRun + 1) * intervalMs + this.#crossingMs(weather);
  }

  /** Of these routers the first one alone is enough. */
  noMasterMs(unit: number, routers: readonly SimRouter[], weather: Weather): number {
    return Math.min(...routers.map((router) => this.#longestDownMs(unit, router))) + this.#crossingMs(weather);
  }

  handoverMs(unit: number, routers: readonly SimRouter[], master: SimRouter, weather: Weather): number {
    const skewOf = (router: SimRouter) => {
      const skews = router.units[unit]!.seats.map((seat, i) => this.skewMs(seat, master.units[unit]!.seats[i]!.instance.advertIntervalMs));
      return Math.max(...skews) / router.spec.rate;
    };
    return Math.min(...routers.map(skewOf)) + this.#crossingMs(weather);
  }

  peaceMs(unit: number, routers: readonly SimRouter[], weather: Weather): number {
    const seats = routers.flatMap((router) => router.units[unit]!.seats);
    const down = Math.max(...routers.map((router) => this.#longestDownMs(unit, router)));
    const twoMasters = Math.max(...seats.map((seat) => this.twoMastersMs(seat, weather)));
    const delays = seats.map(({ instance, router }) => instance.preemptDelayMs / router.spec.rate);
    return 2 * (down + twoMasters) + Math.max(...delays) + this.#crossingMs(weather);
  }

  /** Whether a backup of this master can never believe it dead while no more adverts are lost in a row than `weather` says. */
  keepsQuiet(master: Seat, backup: Seat, weather: Weather): boolean {
    const { lossRun, leastDelayMs, mostDelayMs } = weather;
    const { advertIntervalMs } = master.instance;
    const longestSilence = (lossRun + 1) * (advertIntervalMs / master.router.spec.rate + master.router.spec.lateMs);
    const patience = this.downMs(backup, advertIntervalMs) / backup.router.spec.rate;
    return longestSilence + mostDelayMs - leastDelayMs + backup.router.spec.lateMs < patience;
  }

  #longestDownMs(unit: number, router: SimRouter): number {
    const downs = router.units[unit]!.seats.map((seat) => this.downMs(seat, this.#heardIntervalMs(seat)));
    return Math.max(...downs) / router.spec.rate;
  }

  /** Version 2 hears nobody with another interval than its own. */
  #heardIntervalMs({ instance, virtualRouter }: Seat): number {
    return instance.version === 2 ? instance.advertIntervalMs : this.#slowest[virtualRouter]!;
  }

  #crossingMs({ mostDelayMs }: Weather): number {
    const late = Math.max(...this.#world.routers.map(({ lateMs }) => lateMs));
    return mostDelayMs + 2 * late + 1;
  }
}
