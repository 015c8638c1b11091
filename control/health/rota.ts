// Starts what is due: one timer for everything, and never more probes at once than fit.

import { Agenda } from './agenda.js';

export interface Clock {
  now(): number;
  /** Calls back once, no earlier than then; returns how to stop it. */
  at(time: number, callback: () => void): () => void;
}

/** What can be due. It must call `ended` of the rota once its probe is over. */
export interface Duty {
  due(): void;
  start(): void;
}

/** How well the rota keeps time, since it was made. */
export interface Timekeeping {
  readonly started: number;
  /** Probes that started more than LATE_MS after they were due. */
  readonly late: number;
  readonly worstMs: number;
  readonly underWay: number;
  readonly waiting: number;
}

const LATE_MS = 100;

export class Rota {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #agenda = new Agenda<Duty>();
  /** Those that are due and have no room yet, the longest waiting first. */
  readonly #queue = new Map<Duty, number>();
  readonly #underWay = new Set<Duty>();
  #stopTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #ringing = false;
  #filling = false;
  #started = 0;
  #late = 0;
  #worstMs = 0;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  now(): number {
    return this.#clock.now();
  }

  wake(duty: Duty, at: number): void {
    this.#agenda.set(duty, at);
    this.#arm();
  }

  /** Starts it now, or as soon as there is room. */
  probe(duty: Duty): void {
    const due = this.#clock.now();
    if (this.#underWay.size < this.#limit) this.#start(duty, due);
    else this.#queue.set(duty, due);
  }

  ended(duty: Duty): void {
    if (this.#underWay.delete(duty)) this.#fill();
  }

  forget(duty: Duty): void {
    this.#agenda.delete(duty);
    this.#queue.delete(duty);
    this.ended(duty);
    if (this.#agenda.size === 0) this.#disarm();
  }

  timekeeping(): Timekeeping {
    const { size: underWay } = this.#underWay;
    return { started: this.#started, late: this.#late, worstMs: this.#worstMs, underWay, waiting: this.#queue.size };
  }

  /** A probe that ends as it starts makes room at once, which is seen here and not once more inside. */
  #fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    for (const [duty, due] of this.#queue) {
      if (this.#underWay.size >= this.#limit) break;
      this.#queue.delete(duty);
      this.#start(duty, due);
    }
    this.#filling = false;
  }

  #start(duty: Duty, due: number): void {
    this.#underWay.add(duty);
    this.#started += 1;
    this.#note(this.#clock.now() - due);
    duty.start();
  }

  #note(lateMs: number): void {
    if (lateMs > LATE_MS) this.#late += 1;
    this.#worstMs = Math.max(this.#worstMs, lateMs);
  }

  #arm(): void {
    const next = this.#agenda.next ?? Number.POSITIVE_INFINITY;
    if (this.#ringing || next >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = next;
    this.#stopTimer = this.#clock.at(next, () => this.#ring());
  }

  #disarm(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #ring(): void {
    this.#disarm();
    this.#ringing = true;
    const now = this.#clock.now();
    for (let taken = this.#agenda.take(now); taken !== undefined; taken = this.#agenda.take(now)) {
      this.#note(now - taken.at);
      taken.item.due();
    }
    this.#ringing = false;
    this.#arm();
  }
}
