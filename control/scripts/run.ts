// Runs one program as keepalived does: as its user, in a process group of its own, ended as a whole when it takes too long.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Script } from '../config/model.js';
import { FILE_TEST } from '../config/programs.js';
import { logOutput } from './output.js';

export type ScriptEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'timeout' }
  /** It could not be started. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface ScriptOptions {
  /** Infinity: as long as it likes. */
  readonly timeoutMs: number;
  /** After those of the script. */
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly log: (text: string) => void;
}

export interface RunningScript {
  readonly ended: Promise<ScriptEnd>;
  /** Ends it and all that it started in its process group; does nothing once it has ended. */
  stop(): void;
}

/** Between TERM and KILL, as keepalived gives its checks. */
const MERCY_MS = 2000;
/** setTimeout cannot wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Never throws and never waits: what goes wrong is how it ended. */
export function runScript(script: Script, options: ScriptOptions): RunningScript {
  if (script.disabled !== undefined) return failed(script.disabled);
  try {
    return watch(start(script, options), script, options);
  } catch (problem) {
    // What the system refuses before there is a process: arguments that are too long, or no text.
    return failed(reasonOf(problem as Error));
  }
}

function failed(reason: string): RunningScript {
  return { ended: Promise.resolve({ kind: 'failed', reason }), stop: () => {} };
}

function start({ argv, user }: Script, { arguments: more = [], environment = {} }: ScriptOptions): ChildProcess {
  const asRoot = process.geteuid?.() === 0;
  const words = FILE_TEST.test(argv[0] ?? '') ? fileTest(argv) : argv;
  const [file = '', ...args] = asRoot && user?.allGroups ? withAllGroups(words, user) : words;
  // Given even when they are our own: only then it loses the supplementary groups.
  const identity = asRoot && !user?.allGroups ? { uid: user?.uid ?? 0, gid: user?.gid ?? process.getegid?.() ?? 0 } : {};
  const options: SpawnOptions = {
    ...identity,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited(), ...environment },
  };
  return spawn(file, [...args, ...more], options);
}

/** A process can take on all groups of a user only by asking for them itself. */
function withAllGroups(argv: readonly string[], { uid, gid }: NonNullable<Script['user']>): readonly string[] {
  return ['setpriv', '--reuid', `${uid}`, '--regid', `${gid}`, '--init-groups', '--', ...argv];
}

/** `</file`: whether it can be opened, which the shell tells. */
function fileTest(argv: readonly string[]): readonly string[] {
  const [redirection = '', ...others] = argv;
  return ['/bin/sh', '-c', [redirection, ...others.map((word) => `'${word.replaceAll("'", "'\\''")}'`)].join(' ')];
}

/** Of ours, and of what changes how programs are loaded and split into words: keepalived leaves the same out. */
const PRIVATE = ['IFS', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC', 'LISTEN_FDS', 'LISTEN_PID'];

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !PRIVATE.includes(name)));
}

function watch(child: ChildProcess, script: Script, { timeoutMs, log }: ScriptOptions): RunningScript {
  const { pid } = child;
  let ending: 'timeout' | 'stop' | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const end = (why: 'timeout' | 'stop'): void => {
    if (pid === undefined || ending !== undefined || child.exitCode !== null || child.signalCode !== null) return;
    ending = why;
    signalGroup(pid, 'SIGTERM');
    clearTimeout(deadline);
    deadline = setTimeout(() => signalGroup(pid, 'SIGKILL'), MERCY_MS);
  };
  if (pid !== undefined && Number.isFinite(timeoutMs)) deadline = setTimeout(() => end('timeout'), Math.min(timeoutMs, LONGEST_TIMER_MS));
  logOutput(script, child, log);
  const ended = new Promise<ScriptEnd>((resolve) => {
    child.once('error', (problem) => resolve({ kind: 'failed', reason: reasonOf(problem) }));
    child.once('exit', (code, signal) => {
      clearTimeout(deadline);
      // Its children may have outlived the TERM.
      if (ending !== undefined && pid !== undefined) signalGroup(pid, 'SIGKILL');
      if (ending === 'timeout') resolve({ kind: 'timeout' });
      else resolve(signal === null ? { kind: 'exit', code: code ?? 0 } : { kind: 'signal', signal });
    });
  });
  return { ended, stop: () => end('stop') };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it.
  }
}

/** `spawn /x/y ENOENT` → what an operator understands. */
function reasonOf(problem: NodeJS.ErrnoException): string {
  return REASONS[problem.code ?? ''] ?? problem.message;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there, or what it wants to be run by is not',
  EACCES: 'it may not be executed by its user',
  EPERM: 'its user cannot be taken on',
  E2BIG: 'its arguments are too long',
  EAGAIN: 'there are too many processes',
  ENOMEM: 'there is no memory',
  EMFILE: 'too many files are open',
};
