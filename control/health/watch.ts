// Runs one checker: its time, its probe, its state. At most one probe of it is under way.

import type { Checker } from '../config/checker.js';
import { type CheckerEffect, type CheckerEvent, type CheckerState, isTold, type ProbeResult, step } from './checker.js';
import type { CheckerHealth } from './pool.js';
import type { Duty, Rota } from './rota.js';

export type Cancel = () => void;
export type Done = (result: ProbeResult) => void;
export type Probe = (checker: Checker, url: number, done: Done) => Cancel;
/** Tells each result of a checker that nobody asks, the first as soon as it is known. */
export type Follow = (checker: Checker, tell: Done) => Cancel;

export type News = Exclude<CheckerEffect, { kind: 'wake' | 'probe' }>;

export interface Surroundings {
  readonly rota: Rota;
  readonly probe: Probe;
  readonly follow: Follow;
}

export class Watch implements Duty {
  readonly #around: Surroundings;
  readonly #tell: (news: News) => void;
  /** False: it is not the time to check. */
  readonly #wanted: () => boolean;
  #checker: Checker;
  #state: CheckerState | undefined;
  #cancel: Cancel | undefined;

  constructor(checker: Checker, around: Surroundings, { tell, wanted }: { tell: (news: News) => void; wanted: () => boolean }) {
    this.#checker = checker;
    this.#around = around;
    this.#tell = tell;
    this.#wanted = wanted;
  }

  get checker(): Checker {
    return this.#checker;
  }

  get health(): CheckerHealth {
    return this.#state ?? { up: !this.#checker.alpha };
  }

  begin(random: number): void {
    this.#handle({ kind: 'start', random });
    if (isTold(this.#checker)) this.#cancel = this.#around.follow(this.#checker, (result) => this.#handle(result));
  }

  /** The same question with other delays, or another place in the file. */
  adopt(checker: Checker): void {
    const retimed = checker.delayLoopMs !== this.#checker.delayLoopMs;
    this.#checker = checker;
    if (retimed) this.#handle({ kind: 'retimed' });
  }

  close(): void {
    this.#around.rota.forget(this);
    this.#cancel?.();
  }

  due(): void {
    this.#handle({ kind: 'due' });
  }

  start(): void {
    if (this.#state?.doing !== 'probing') this.#around.rota.ended(this);
    else this.#ask(this.#state.url);
  }

  #ask(url: number): void {
    this.#cancel = this.#around.probe(this.#checker, url, (result) => {
      this.#around.rota.ended(this);
      this.#handle(result);
    });
  }

  #handle(event: CheckerEvent): void {
    const { state, effects } = step(this.#checker, this.#state, event, this.#around.rota.now());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: CheckerEffect): void {
    if (effect.kind === 'wake') this.#around.rota.wake(this, effect.at);
    else if (effect.kind === 'probe') this.#probe();
    else this.#tell(effect);
  }

  #probe(): void {
    if (this.#wanted()) this.#around.rota.probe(this);
    else this.#handle({ kind: 'suspended' });
  }
}
