// Runs many programs without running too many: above a limit they wait their turn, and one that has had its time gives way to them.

import type { Script } from '../config/model.js';
import type { Log } from '../log.js';
import { type RunningScript, runScript } from '../scripts/run.js';

export interface Job {
  readonly script: Script;
  readonly arguments: readonly string[];
  /** It is ended then; keepalived lets notifications take as long as they like, but for those of its own end. */
  readonly timeoutMs?: number;
}

export interface CrewOptions {
  readonly log: Log;
  /** How many run at a time. */
  readonly limit: number;
  /** How long one may run while others wait. */
  readonly patienceMs: number;
}

/** A program that counts what it is told is told all of it, unless this many wait. */
const WAITING = 10_000;

interface Shift {
  readonly job: Job;
  readonly running: RunningScript;
  readonly startedMs: number;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #waiting: Job[] = [];
  /** The oldest first. */
  readonly #shifts = new Set<Shift>();
  #relief: NodeJS.Timeout | undefined;
  #omitted = 0;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  run(job: Job): void {
    if (this.#waiting.length < WAITING) this.#waiting.push(job);
    else this.#omitted += 1;
    this.#next();
  }

  /** Whatever still runs after this time is ended, and what waits is not started. */
  async close(withinMs: number): Promise<void> {
    clearTimeout(this.#relief);
    const left = this.#waiting.splice(0).length;
    if (left > 0) this.#options.log(`${left} programs were not run: natlb ends`);
    const stops = [...this.#shifts].filter(({ job }) => job.timeoutMs !== undefined);
    for (const shift of this.#shifts) if (!stops.includes(shift)) shift.running.stop();
    await Promise.race([Promise.all(stops.map(({ running }) => running.ended)), after(withinMs)]);
    for (const { running } of this.#shifts) running.stop();
  }

  #next(): void {
    const { limit } = this.#options;
    while (this.#shifts.size < limit) {
      const job = this.#waiting.shift();
      if (job === undefined) break;
      this.#start(job);
    }
    if (this.#waiting.length > 0) this.#relieve();
    else this.#sayOmitted();
  }

  #start(job: Job): void {
    const { log } = this.#options;
    const running = runScript(job.script, { timeoutMs: job.timeoutMs ?? Number.POSITIVE_INFINITY, arguments: job.arguments, log });
    const shift: Shift = { job, running, startedMs: performance.now() };
    this.#shifts.add(shift);
    void running.ended.then((end) => {
      const name = job.script.argv[0] ?? '';
      if (end.kind === 'failed') log(`Error exec-ing command '${name}': ${end.reason}`);
      if (end.kind === 'timeout') log(`${name} was ended: it took too long`);
      if (this.#shifts.delete(shift)) this.#next();
    });
  }

  #relieve(): void {
    const { patienceMs, log } = this.#options;
    const [oldest] = this.#shifts;
    if (oldest === undefined) return;
    const dueMs = oldest.startedMs + patienceMs - performance.now();
    clearTimeout(this.#relief);
    if (dueMs > 0) {
      this.#relief = setTimeout(() => this.#next(), Math.ceil(dueMs));
      return;
    }
    log(`${oldest.job.script.argv[0]} is ended: it hangs, and others wait`);
    this.#shifts.delete(oldest);
    oldest.running.stop();
    this.#next();
  }

  #sayOmitted(): void {
    if (this.#omitted > 0) this.#options.log(`${this.#omitted} programs were not run: too many were waiting`);
    this.#omitted = 0;
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
