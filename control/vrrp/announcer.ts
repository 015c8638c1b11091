// Starts the announcing process, hands it frames, and starts another when it has ended (see announcer-process.ts for why it does).

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface AnnouncerMessage {
  readonly interface: string;
  readonly index: number;
  readonly frames: readonly Uint8Array[];
  /** How often the frames go out; 0 only opens the interface, ahead of its first frames. */
  readonly repeat: number;
}

export interface Announcer {
  announce(message: AnnouncerMessage): void;
  close(): void;
}

const PROGRAM = fileURLToPath(new URL('./announcer-process.js', import.meta.url));
const RESTART_MS = 1_000;
/** Longer than the pause between the two rounds of announcements that follow a transition. */
const IDLE_MS = 10_000;

export function startAnnouncer(log: (text: string) => void): Announcer {
  let child: ChildProcess | undefined = start(log, ended);
  let idle: NodeJS.Timeout | undefined;
  let restart: NodeJS.Timeout | undefined;
  let closed = false;
  return {
    announce: (message) => {
      if (closed) return;
      ready().send(message, ignoreLateFailure);
      clearTimeout(idle);
      idle = setTimeout(replace, IDLE_MS);
    },
    close: () => {
      closed = true;
      clearTimeout(idle);
      clearTimeout(restart);
      letGo();
    },
  };

  /** Frames written to the channel of a process that is still starting wait for it there. */
  function ready(): ChildProcess {
    clearTimeout(restart);
    child ??= start(log, ended);
    return child;
  }

  /** One that has opened interfaces gives way to one that has not: they should not stay promiscuous. */
  function replace(): void {
    letGo();
    ready();
  }

  function letGo(): void {
    const leaving = child;
    child = undefined;
    if (leaving?.connected) leaving.disconnect();
  }

  function ended(which: ChildProcess): void {
    if (which !== child) return;
    child = undefined;
    restart = setTimeout(ready, RESTART_MS);
  }
}

/** Its standard error is cap's own noise: warnings about interfaces without addresses, and the assertion it dies of. */
function start(log: (text: string) => void, ended: (child: ChildProcess) => void): ChildProcess {
  const child = fork(PROGRAM, { execArgv: [], env: {}, serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  child.on('error', (error) => log(`cannot start the announcer: ${error.message}`));
  child.on('message', (text) => log(String(text)));
  child.on('exit', () => ended(child));
  child.on('disconnect', () => ended(child));
  return child;
}

/** The process may end while a message is on its way; its end is dealt with by itself. */
function ignoreLateFailure(): void {}
