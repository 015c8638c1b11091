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
  #whenIdle: (() => void) | undefined;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  run(job: Job): void {
    if (this.#waiting.length < WAITING) this.#waiting.push(job);
    else this.#omitted += 1;
    this.#next();
  }

  /** Only programs of the end are still run, and whatever runs after this time is ended. */
  async close(withinMs: number): Promise<void> {
    const last = this.#waiting.filter(({ timeoutMs }) => timeoutMs !== undefined);
    this.#omitted += this.#waiting.splice(0, this.#waiting.length, ...last).length - last.length;
    for (const shift of this.#shifts) if (shift.job.timeoutMs === undefined) this.#end(shift);
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
    this.#next();
    await Promise.race([idle, after(withinMs)]);
    clearTimeout(this.#relief);
    this.#omitted += this.#waiting.splice(0).length;
    this.#sayOmitted('natlb ends');
    for (const shift of this.#shifts) this.#end(shift);
  }

  #end(shift: Shift): void {
    this.#shifts.delete(shift);
    shift.running.stop();
  }

  #next(): void {
    const { limit } = this.#options;
    while (this.#shifts.size < limit) {
      const job = this.#waiting.shift();
      if (job === undefined) break;
      this.#start(job);
    }
    clearTimeout(this.#relief);
    if (this.#waiting.length > 0) this.#relieve();
    else if (this.#shifts.size === 0) this.#whenIdle?.();
    if (this.#waiting.length === 0 && this.#whenIdle === undefined) this.#sayOmitted('too many were waiting');
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
    if (dueMs > 0) {
      this.#relief = setTimeout(() => this.#next(), Math.ceil(dueMs));
      return;
    }
    log(`${oldest.job.script.argv[0]} is ended: it hangs, and others wait`);
    this.#end(oldest);
    this.#next();
  }

  #sayOmitted(reason: string): void {
    if (this.#omitted > 0) this.#options.log(`${this.#omitted} programs were not run: ${reason}`);
    this.#omitted = 0;
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
