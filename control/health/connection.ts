// One TCP connection made for a check: it always ends in exactly one result, and nothing of it is left then.

import { connect, type Socket } from 'node:net';
import type { CheckerTiming } from '../config/checker.js';
import type { ProbeResult } from './checker.js';
import { failed } from './failed.js';
import type { Cancel, Done } from './watch.js';

/** What a conversation may do: end with a result, and start the wait for the server's next sign anew. */
export interface Conversation {
  readonly socket: Socket;
  finish(result: ProbeResult): void;
  refreshTimeout(): void;
}

/** Faults of this machine (no address to bind, no ports, no descriptors): they say nothing about the real server. */
const LOCAL_FAULTS = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EPERM', 'EINVAL']);

const ERROR_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed while the request was sent',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
};

const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Stage = 'connecting' | 'talking' | 'over';

/** Connects within connect_timeout, then lets `talk` go on; from then on connect_timeout is how long the server may be silent. */
export function converse(checker: CheckerTiming, done: Done, talk: (conversation: Conversation) => void): Cancel {
  const socket = open(checker);
  let stage: Stage = 'connecting';
  const stop = (): void => {
    clearTimeout(timer);
    close(socket, checker, stage);
    stage = 'over';
  };
  const finish = (result: ProbeResult): void => {
    if (stage === 'over') return;
    stop();
    done(result);
  };
  const timer = setTimeout(() => finish(timedOut(checker, stage)), Math.min(checker.connectTimeoutMs, LONGEST_TIMER_MS));
  socket.on('error', (error: NodeJS.ErrnoException) => finish(broken(error, stage)));
  socket.once('connect', () => {
    stage = 'talking';
    timer.refresh();
    talk({ socket, finish, refreshTimeout: () => (stage === 'over' ? undefined : timer.refresh()) });
  });
  return stop;
}

/** Without bindto the kernel chooses the local address: the router's own, because virtual addresses are /32 and no subnet is theirs. */
function open({ connect: { address, port }, bindAddress, bindPort }: CheckerTiming): Socket {
  return connect({
    host: address,
    port,
    noDelay: true,
    ...(bindAddress !== undefined && { localAddress: bindAddress }),
    ...(bindPort !== undefined && { localPort: bindPort }),
  });
}

/** A fixed local port must be free again for the next check: a reset leaves no TIME_WAIT behind. */
function close(socket: Socket, { bindPort }: CheckerTiming, stage: Stage): void {
  if (bindPort !== undefined && stage === 'talking') socket.resetAndDestroy();
  else socket.destroy();
}

function timedOut({ connectTimeoutMs }: CheckerTiming, stage: Stage): ProbeResult {
  const seconds = connectTimeoutMs / 1000;
  if (stage === 'connecting') return failed('connect timeout', `no connection within ${seconds} s`);
  return failed('silence', `nothing received for ${seconds} s`);
}

function broken(error: NodeJS.ErrnoException, stage: Stage): ProbeResult {
  const code = error.code ?? error.message;
  const reason = ERROR_TEXTS[code] ?? code;
  if (stage !== 'connecting') return failed('broken', reason);
  return LOCAL_FAULTS.has(code) ? { kind: 'unable', reason: error.message } : failed('connect', reason);
}
