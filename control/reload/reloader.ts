// Reloads, one after the other: reads the file, refuses it whole or has it carried out, and goes back when a trial is not confirmed.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Host } from '../config/host-check.js';
import type { Config, Finding } from '../config/model.js';
import type { ConfigStatus } from '../status.js';
import type { ApplyTimes } from '../step-clock.js';
import { type ReadOptions, readApart } from './loader.js';
import type { Known, LoadTimes, Read } from './messages.js';
import { step, type TrialEvent, type TrialState } from './trial.js';

export interface ReloadOutcome {
  readonly applied: boolean;
  /** For the operator: what was applied, or why nothing was. */
  readonly message: string;
  readonly times?: ReloadTimes;
}

/** Where the time went: that of LoadTimes beside the loop that keeps the VRRP timers. */
export interface ReloadTimes extends LoadTimes, ApplyTimes {
  /** From the beginning until all was taken over from the thread that reads. */
  readonly readMs: number;
  /** How long the loop was busy, from beginning to end. */
  readonly loopMs: number;
  /** How late it was at most. */
  readonly latestMs: number;
}

export interface ReloaderOptions {
  readonly started: Known;
  readonly configId?: string;
  readonly host: Host;
  readonly log: (text: string) => void;
  readonly apply: (config: Config) => Promise<ApplyTimes>;
  readonly read?: (options: ReadOptions) => Promise<Read>;
  /** Before the file is read, and when it has been. */
  readonly onReading?: (config: Config) => () => void;
  readonly delays?: () => Delays;
}

/** Measures how late the loop is while it is enabled. */
interface Delays {
  enable(): unknown;
  disable(): unknown;
  readonly max: number;
}

type Counts = Omit<ConfigStatus, 'file' | 'trialEndsMs'>;

/** setTimeout cannot wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const LATENESS_RESOLUTION_MS = 5;

export class Reloader {
  readonly #options: ReloaderOptions;
  #running: Known;
  #trial: TrialState<Known>;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();
  /** One that has not begun: whoever asks for the same gets its outcome. */
  #waiting: Promise<ReloadOutcome> | undefined;
  #closed = false;
  #counts: Counts = { lastReloadSuccessful: true, lastReloadSuccessMs: Date.now(), reloads: 0, failedReloads: 0 };

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#running = options.started;
  }

  /** A file with errors changes nothing. With `trialMs` the configuration before it comes back unless confirm() is called in time. */
  reload(trialMs?: number): Promise<ReloadOutcome> {
    if (trialMs !== undefined) return this.#inTurn(() => this.#reload(trialMs));
    this.#waiting ??= this.#inTurn(() => {
      this.#waiting = undefined;
      return this.#reload();
    });
    return this.#waiting;
  }

  /** What is wrong with a file, and what it would be if nothing is; nothing happens to what runs. */
  read(file = this.#running.config.file): Promise<Read> {
    return this.#inTurn(() => this.#read(file));
  }

  confirm(): ReloadOutcome {
    if (this.#trial === undefined) return { applied: false, message: 'no configuration is on trial' };
    this.#step({ kind: 'confirm' });
    return { applied: true, message: `${this.#running.config.file} is confirmed` };
  }

  status(): ConfigStatus {
    const trial = this.#trial;
    const trialEndsMs = trial && Math.round(Date.now() + trial.endsAt - performance.now());
    return { file: this.#running.config.file, ...this.#counts, ...(trialEndsMs === undefined ? {} : { trialEndsMs }) };
  }

  /** What is under way comes to its end; nothing new begins. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    // After it: what was under way may have begun a trial.
    clearTimeout(this.#timer);
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#work.then(() => {
      if (this.#closed) throw new Error('natlb ends');
      return work();
    });
    this.#work = done.catch(() => {});
    return done;
  }

  async #reload(trialMs?: number): Promise<ReloadOutcome> {
    const delays = (this.#options.delays ?? systemDelays)();
    this.#counts = { ...this.#counts, reloads: this.#counts.reloads + 1 };
    delays.enable();
    try {
      return await this.#replace(trialMs, busyFromNow(delays));
    } catch (problem) {
      this.#countFailure();
      throw problem;
    } finally {
      delays.disable();
    }
  }

  async #replace(trialMs: number | undefined, busy: () => Busy): Promise<ReloadOutcome> {
    const { file } = this.#running.config;
    const startedMs = performance.now();
    const read = await this.#read(file).catch((problem: Error) => problem);
    if (read instanceof Error) return this.#refuse(`${file} cannot be read: ${read.message}`);
    if (read.known === undefined) return this.#refuse(errorsIn(read.findings));
    const readMs = performance.now();
    const applied = await this.#apply(read.known, trialMs);
    const { rolledBack: _, ...counts } = this.#counts;
    this.#counts = { ...counts, lastReloadSuccessful: true, lastReloadSuccessMs: Date.now() };
    this.#options.log(`Reloaded ${file}`);
    const times = { ...read.times, readMs: readMs - startedMs, ...applied, ...busy() };
    return { applied: true, message: `reloaded ${file}`, times };
  }

  async #read(file: string): Promise<Read> {
    const { read = readApart, configId, host, onReading } = this.#options;
    const finished = onReading?.(this.#running.config);
    try {
      return await read({ file, ...(configId === undefined ? {} : { configId }), host, before: this.#running });
    } finally {
      finished?.();
    }
  }

  async #apply(known: Known, trialMs?: number): Promise<ApplyTimes> {
    const before = this.#running;
    this.#running = known;
    const times = await this.#options.apply(known.config);
    this.#step({ kind: 'applied', before, ...(trialMs === undefined ? {} : { trialMs }) });
    return times;
  }

  #refuse(why: string): ReloadOutcome {
    const message = `reload refused, the running configuration stays: ${why}`;
    this.#countFailure();
    this.#options.log(message);
    return { applied: false, message };
  }

  #countFailure(): void {
    this.#counts = { ...this.#counts, lastReloadSuccessful: false, failedReloads: this.#counts.failedReloads + 1 };
  }

  #step(event: TrialEvent<Known>): void {
    const { state, effects } = step(this.#trial, event, performance.now());
    this.#trial = state;
    for (const effect of effects) {
      if (effect.kind === 'log') this.#options.log(effect.text);
      else if (effect.kind === 'wake') this.#wake(effect.at);
      else
        void this.#goBack(effect.to).catch((problem: Error) =>
          this.#options.log(`Going back to ${effect.to.config.file} failed: ${problem.message}`),
        );
    }
  }

  #wake(at: number): void {
    clearTimeout(this.#timer);
    const waitMs = Math.min(Math.max(0, Math.ceil(at - performance.now())), LONGEST_TIMER_MS);
    // In its turn: a reload under way may prolong the trial.
    this.#timer = setTimeout(() => void this.#inTurn(async () => this.#step({ kind: 'timer' })).catch(() => {}), waitMs);
  }

  #goBack(known: Known): Promise<void> {
    return this.#inTurn(async () => {
      this.#running = known;
      await this.#options.apply(known.config);
      this.#counts = { ...this.#counts, lastReloadSuccessful: false, rolledBack: true };
      this.#options.log(`Went back to what ${known.config.file} said before`);
    });
  }
}

export function errorsIn(findings: readonly Finding[]): string {
  const [first, ...others] = findings.filter(({ severity }) => severity === 'error');
  if (first === undefined) return 'cannot be read';
  const { file, line, column } = first.place;
  return `${file}:${line}:${column}: ${first.message}${others.length > 0 ? ` (and ${others.length} more)` : ''}`;
}

function systemDelays(): Delays {
  return monitorEventLoopDelay({ resolution: LATENESS_RESOLUTION_MS });
}

type Busy = Pick<ReloadTimes, 'loopMs' | 'latestMs'>;

/** What the loop does from now until the answer is asked for. */
function busyFromNow(delays: Delays): () => Busy {
  const before = performance.eventLoopUtilization();
  return () => {
    // The histogram holds nanoseconds between its own ticks, so its resolution is part of every value.
    const latestMs = Math.max(0, delays.max / 1e6 - LATENESS_RESOLUTION_MS);
    return { loopMs: performance.eventLoopUtilization(before).active, latestMs };
  };
}
