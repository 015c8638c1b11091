// Runs programs, in a network namespace or outside: to their end (`run`), or on and on with their output in a log file (`Program`).

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

export interface Where {
  /** Absent: the machine's own network. */
  readonly namespace?: string;
}

export interface Ending {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end and gives its standard output; a command that fails is an error that shows what it said. */
export async function run(command: readonly string[], options: Where & { input?: string; limitMs?: number } = {}): Promise<string> {
  const ending = await attempt(command, options);
  if (ending.status === 0) return ending.stdout;
  throw new Error(`${command.join(' ')}: exit status ${ending.status}: ${(ending.stderr || ending.stdout).trim()}`);
}

/** The same for commands whose failing is an answer. A command that outlives its limit is killed (status 137). */
export function attempt(command: readonly string[], options: Where & { input?: string; limitMs?: number } = {}): Promise<Ending> {
  const child = launch(command, options, ['pipe', 'pipe', 'pipe']);
  const limit = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? 60_000);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command that ends without reading its input is not our failure.
  child.stdin?.on('error', () => undefined).end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ status: code ?? 137, stdout, stderr }));
  }).finally(() => clearTimeout(limit)) as Promise<Ending>;
}

/** A program that goes on until it is told to stop. What it prints is in its log file, or on `stdout` where that is asked for. */
export class Program {
  readonly #child: ChildProcess;
  readonly exited: Promise<number>;
  readonly name: string;
  readonly logFile: string;

  constructor(name: string, command: readonly string[], options: Where & { logFile: string; readStdout?: boolean }) {
    this.name = name;
    this.logFile = options.logFile;
    const log = openSync(options.logFile, 'a');
    this.#child = launch(command, options, ['ignore', options.readStdout ? 'pipe' : log, log]);
    closeSync(log);
    this.exited = new Promise((resolve) => {
      this.#child.on('error', () => resolve(127));
      this.#child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.pid > 0 && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  onLine(listener: (line: string) => void): void {
    let rest = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(listener);
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** Asks it to end and waits; one that does not is killed, which is reported as false. */
  async stop(limitMs = 10_000): Promise<boolean> {
    this.kill('SIGTERM');
    const graceful = await Promise.race([this.exited.then(() => true), delay(limitMs, false, { ref: false })]);
    if (!graceful) this.kill('SIGKILL');
    await this.exited;
    return graceful;
  }

  tail(lines: number): string {
    return tail(this.logFile, lines);
  }
}

export function tail(file: string, lines: number): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Asks again and again until the answer is neither `undefined` nor `false`. Every wait of the lab is one of these: bounded, and it says what for. */
export async function until<T>(
  what: string,
  limitMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  let lastError = '';
  while (Date.now() < deadline) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      lastError = '';
    } catch (error) {
      lastError = `; the last attempt: ${(error as Error).message}`;
    }
    await delay(100);
  }
  throw new Error(`waited ${limitMs / 1000} s in vain until ${what}${lastError}`);
}

// Detached: Ctrl-C at the terminal is for the lab, which then stops its programs in order.
function launch(command: readonly string[], where: Where, stdio: ('pipe' | 'ignore' | number)[]): ChildProcess {
  const [file = '', ...args] = where.namespace ? ['ip', 'netns', 'exec', where.namespace, ...command] : command;
  return spawn(file, args, { stdio, detached: true });
}
