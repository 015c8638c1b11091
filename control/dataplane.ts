// Starts the dataplane process, watches it, starts it again, and gives it what it must hold.

import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Question as Asked, FromDataplane, Questions, Readings, Snapshot, Start, ToDataplane } from '../dataplane/protocol.js';
import { changeFrom } from './reconcile/change.js';

export interface DataplaneOptions {
  readonly start: Start;
  readonly log: (text: string) => void;
  /** It holds the current snapshot and forwards. */
  readonly onRunning: () => void;
  /** It died, unasked. It is being started again. */
  readonly onDead: () => void;
  /** It ended by itself before it ever ran: what it was asked for cannot be had. It is not started again. */
  readonly onRefused: (reason: Error) => void;
}

type About<What extends keyof Readings> = Questions[What] extends undefined ? [] : [about: Questions[What]];

export interface Dataplane {
  configure(snapshot: Snapshot): void;
  /** When it holds what it was told last: how long it took over that. Nothing when it does not run. */
  settled(): Promise<number | undefined>;
  /** Rejects when the data plane is not running, dies meanwhile, or does not answer in time. */
  read<What extends keyof Readings>(what: What, ...about: About<What>): Promise<Readings[What]>;
  /** Ends it and starts it on these interfaces, with the flows it had. */
  restart(interfaces: readonly string[], why: string): void;
  about(): { readonly state: 'starting' | 'running' | 'dead'; readonly pid?: number; readonly restarts: number };
  close(): Promise<void>;
}

const ANSWER_WITHIN_MS = 5000;
const STOP_WITHIN_MS = 2000;
/** The first restart is at once; one that dies young waits before the next. */
const YOUNG_MS = 5000;
const PAUSE_MS = 1000;
/** How often it is looked at whether it still works; one that does not twice in a row is ended. */
const LOOK_AFTER_MS = 3000;

const MAIN = join(import.meta.dirname, '../dataplane/main.js');

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly livedMs: number;
}

/** What was seen when last looked at. */
interface Look {
  /** Of the worker's loop; undefined: no answer. */
  readonly rounds: number | undefined;
  readonly idle: boolean;
}

interface Question {
  readonly resolve: (value: Readings[keyof Readings]) => void;
  readonly reject: (reason: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export async function startDataplane(options: DataplaneOptions): Promise<Dataplane> {
  await endLeftover(options.start.runDir, options.log);
  return new Supervisor(options);
}

class Supervisor implements Dataplane {
  #options: DataplaneOptions;
  readonly #questions = new Map<number, Question>();
  #child: ChildProcess | undefined;
  #state: 'starting' | 'running' | 'dead' = 'starting';
  #ready = false;
  #everReady = false;
  /** Why it was told to end, to be started again. */
  #restarting: string | undefined;
  /** What it said before it ended. */
  #failure: string | undefined;
  #restarts = 0;
  #lastQuestion = 0;
  #closing = false;
  #pause: NodeJS.Timeout | undefined;
  #nextLook: NodeJS.Timeout | undefined;
  #wanted: Snapshot | undefined;
  /** What the child was told last: what is the same need not be told again. */
  #told: Snapshot | undefined;
  #toldWhole = false;
  #heldGeneration: number | undefined;
  #configureMs: number | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: DataplaneOptions) {
    this.#options = options;
    this.#start();
  }

  configure(snapshot: Snapshot): void {
    this.#wanted = snapshot;
    if (this.#ready) this.#tellSnapshot(snapshot);
  }

  read<What extends keyof Readings>(what: What, ...[about]: About<What>): Promise<Readings[What]> {
    return new Promise((resolve, reject) => {
      if (!this.#ready) return reject(new Error('the data plane is not running'));
      const id = ++this.#lastQuestion;
      const timer = setTimeout(
        () => this.#answer(id, new Error(`the data plane did not answer within ${ANSWER_WITHIN_MS} ms`)),
        ANSWER_WITHIN_MS,
      );
      this.#questions.set(id, { resolve: resolve as Question['resolve'], reject, timer });
      this.#tell({ kind: 'read', id, ...({ what, about } as Asked) });
    });
  }

  settled(): Promise<number | undefined> {
    if (!this.#ready || this.#wanted?.generation === this.#heldGeneration) return Promise.resolve(this.#configureMs);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(limit);
        this.#waiting.delete(done);
        resolve(this.#configureMs);
      };
      const limit = setTimeout(done, ANSWER_WITHIN_MS);
      this.#waiting.add(done);
    });
  }

  #settle(): void {
    for (const done of [...this.#waiting]) done();
  }

  about() {
    const pid = this.#child?.pid;
    return { state: this.#state, restarts: this.#restarts, ...(pid === undefined ? {} : { pid }) };
  }

  restart(interfaces: readonly string[], why: string): void {
    this.#options = { ...this.#options, start: { ...this.#options.start, interfaces } };
    if (this.#child === undefined) return; // It is about to be started anyway.
    this.#restarting = why;
    this.#options.log(`Starting the data plane again: ${why}`);
    const child = this.#child;
    this.#tell({ kind: 'stop' });
    setTimeout(() => this.#child === child && child.kill('SIGKILL'), STOP_WITHIN_MS).unref();
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#pause);
    clearTimeout(this.#nextLook);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#tell({ kind: 'stop' });
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  }

  #start(): void {
    this.#state = 'starting';
    this.#failure = undefined;
    const startedMs = performance.now();
    const child = fork(MAIN, [JSON.stringify(this.#options.start)], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.on('message', (message: FromDataplane) => this.#hear(message));
    child.on('error', (problem) => this.#options.log(`data plane: ${problem.message}`));
    child.once('exit', (code, signal) => this.#ended({ code, signal, livedMs: performance.now() - startedMs }));
  }

  #ended({ code, signal, livedMs }: Ending): void {
    this.#child = undefined;
    this.#ready = false;
    this.#told = undefined;
    this.#heldGeneration = undefined;
    this.#configureMs = undefined;
    this.#settle();
    this.#state = 'dead';
    for (const id of [...this.#questions.keys()]) this.#answer(id, new Error('the data plane died'));
    if (this.#closing) return;
    const how = this.#failure ?? signal ?? `exit status ${code}`;
    this.#options.onDead();
    if (this.#restarting !== undefined) {
      this.#restarting = undefined;
      this.#restarts += 1;
      this.#start();
      return;
    }
    if (!this.#everReady && signal === null) this.#options.onRefused(new Error(`the data plane cannot start: ${how}`));
    else this.#startAgain(this.#failure === undefined ? `died (${how})` : `cannot start (${how})`, livedMs < YOUNG_MS ? PAUSE_MS : 0);
  }

  #startAgain(why: string, pauseMs: number): void {
    this.#restarts += 1;
    this.#options.log(`Data plane ${why}, starting it again${pauseMs > 0 ? ` in ${pauseMs} ms` : ''}`);
    this.#pause = setTimeout(() => this.#start(), pauseMs);
  }

  /** One that hangs is no better than a dead one, but VRRP would go on drawing traffic to it. */
  #watch(last: Look): void {
    const child = this.#child;
    clearTimeout(this.#nextLook);
    this.#nextLook = setTimeout(async () => {
      const rounds = await this.read('rounds').catch(() => undefined);
      if (this.#closing || this.#child !== child) return;
      const idle = rounds === undefined || rounds === last.rounds;
      if (!(idle && last.idle)) return this.#watch({ rounds, idle });
      this.#options.log(`Data plane ${rounds === undefined ? 'does not answer' : 'carries no packets any more'}: ending it`);
      child?.kill('SIGKILL');
    }, LOOK_AFTER_MS);
  }

  #hear(message: FromDataplane): void {
    switch (message.kind) {
      case 'ready':
        this.#ready = true;
        this.#everReady = true;
        this.#watch({ rounds: undefined, idle: false });
        this.#options.log(`Data plane runs on ${message.backend} (${message.backendReason}), ${message.adoptedFlows} flows taken over`);
        if (this.#wanted !== undefined) this.#tellSnapshot(this.#wanted);
        break;
      case 'configured':
        this.#heldGeneration = message.generation;
        this.#configureMs = message.tookMs;
        if (message.generation !== this.#wanted?.generation) break;
        this.#settle();
        this.#holds();
        break;
      case 'answer':
        this.#answer(message.id, message.value);
        break;
      case 'refused':
        if (this.#answer(message.id, new Error(message.message))) break;
        this.#refused(message.message);
        break;
      case 'failed':
        this.#failure = message.message;
        break;
      case 'said':
        this.#options.log(`Data plane: ${message.message}`);
        break;
      default:
        message satisfies never;
    }
  }

  #tellSnapshot(snapshot: Snapshot): void {
    this.#toldWhole = this.#told === undefined;
    this.#tell({ kind: 'configure', snapshot: changeFrom(this.#told, snapshot) });
    this.#told = snapshot;
  }

  /** What it holds is not what it was thought to hold: it is told everything, once. */
  #refused(why: string): void {
    this.#options.log(`Data plane refused the configuration: ${why}`);
    this.#settle();
    this.#told = undefined;
    if (!this.#toldWhole && this.#wanted !== undefined) this.#tellSnapshot(this.#wanted);
  }

  #holds(): void {
    if (this.#state === 'running') return;
    this.#state = 'running';
    this.#options.onRunning();
  }

  #answer(id: number, value: Readings[keyof Readings] | Error): boolean {
    const question = this.#questions.get(id);
    if (question === undefined) return false;
    this.#questions.delete(id);
    clearTimeout(question.timer);
    if (value instanceof Error) question.reject(value);
    else question.resolve(value);
    return true;
  }

  #tell(message: ToDataplane): void {
    // A child that is just dying refuses; its exit tells us.
    this.#child?.send(message, () => undefined);
  }
}

/** A data plane whose control died is still in its grace: it must let go of the interfaces before another can have them. */
async function endLeftover(runDir: string, log: (text: string) => void): Promise<void> {
  const pid = leftover(runDir);
  if (pid === undefined) return;
  log(`Ending the data plane of an earlier natlb (pid ${pid})`);
  for (let waitedMs = 0; waitedMs < STOP_WITHIN_MS && leftover(runDir) === pid; waitedMs += 20) {
    if (waitedMs === 0) process.kill(pid, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (leftover(runDir) === pid) process.kill(pid, 'SIGKILL');
}

function leftover(runDir: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(runDir, 'dataplane.pid'), 'utf8'));
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return words.includes('dataplane/main.js') && words.includes(JSON.stringify(runDir)) ? pid : undefined;
  } catch {
    return undefined;
  }
}
