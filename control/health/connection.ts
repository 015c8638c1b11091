// One TCP connection made for a check, with TLS or without: it always ends in exactly one result, and nothing of it is left then.

import { connect, isIPv6, Socket, type SocketConstructorOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { CheckerTiming } from '../config/checker.js';
import { addon } from '../host/addon.js';
import type { ProbeResult } from './checker.js';
import { failed } from './failed.js';
import type { Cancel, Done } from './watch.js';

/** What a conversation may do: end with a result, and start the wait for the server's next sign anew. */
export interface Conversation {
  readonly socket: Socket;
  finish(result: ProbeResult): void;
  refreshTimeout(): void;
}

export interface TlsTerms {
  readonly options: ConnectionOptions;
  /** Says goodbye as TLS wants it, instead of hanging up. */
  readonly compliant: boolean;
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

export const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** For a server to say goodbye too. */
const GOODBYE_MS = 1000;

type Stage = 'connecting' | 'greeting' | 'talking' | 'over';
type Talk = (conversation: Conversation) => void;

/**
 * Connects within connect_timeout, greets (TLS) within another, then lets `talk` go on; from then on connect_timeout is how long the server
 * may be silent.
 */
export function converse(checker: CheckerTiming, done: Done, talk: Talk, tls?: TlsTerms): Cancel {
  try {
    return start(checker, open(checker), { done, talk, tls });
  } catch (problem) {
    done({ kind: 'unable', reason: (problem as Error).message });
    return () => {};
  }
}

interface Terms {
  readonly done: Done;
  readonly talk: Talk;
  readonly tls: TlsTerms | undefined;
}

function start(checker: CheckerTiming, raw: Socket, { done, talk, tls }: Terms): Cancel {
  let stage: Stage = 'connecting';
  let socket = raw;
  const stop = (): void => {
    clearTimeout(timer);
    const last = stage;
    // First: a TLS socket tells within its destroy() that it is closed.
    stage = 'over';
    close({ socket, raw }, { checker, stage: last, goodbye: tls?.compliant === true });
  };
  const finish = (result: ProbeResult): void => {
    if (stage === 'over') return;
    stop();
    done(result);
  };
  const begin = (): void => {
    stage = 'talking';
    timer.refresh();
    talk({ socket, finish, refreshTimeout: () => (stage === 'over' ? undefined : timer.refresh()) });
  };
  const timer = setTimeout(() => finish(timedOut(checker, stage)), Math.min(checker.connectTimeoutMs, LONGEST_TIMER_MS));
  const complain = (error: NodeJS.ErrnoException): void => finish(broken(error, stage));
  raw.on('error', complain);
  raw.once('connect', () => {
    if (tls === undefined) return begin();
    stage = 'greeting';
    timer.refresh();
    socket = connectTls({ ...tls.options, socket: raw }, begin).on('error', complain);
    socket.once('close', () => finish(failed('refused', 'the connection was closed during the TLS handshake')));
  });
  return stop;
}

/** Without bindto the kernel chooses the local address: the router's own, because virtual addresses are /32 and no subnet is theirs. */
function open({ connect: { address, port }, bindAddress, bindPort, bindInterface, mark }: CheckerTiming): Socket {
  if (bindInterface !== undefined || mark !== undefined)
    return openBound({ connect: { address, port }, bindAddress, bindPort, bindInterface, mark });
  return connect({
    host: address,
    port,
    noDelay: true,
    ...(bindAddress !== undefined && { localAddress: bindAddress }),
    ...(bindPort !== undefined && { localPort: bindPort }),
  });
}

type Bound = Pick<CheckerTiming, 'connect'> & {
  readonly [Name in 'bindAddress' | 'bindPort' | 'bindInterface' | 'mark']: CheckerTiming[Name] | undefined;
};

/** Node can neither mark a socket nor bind it to an interface. `manualStart`: it must not be read before it is connected. */
function openBound({ connect: { address, port }, bindAddress, bindPort, bindInterface, mark }: Bound): Socket {
  const fd = addon.probeSocket({
    kind: 'stream',
    family: isIPv6(address) ? 6 : 4,
    ...(bindAddress !== undefined && { address: bindAddress }),
    ...(bindPort !== undefined && { port: bindPort }),
    ...(bindInterface !== undefined && { interface: bindInterface }),
    ...(mark !== undefined && { mark }),
  });
  const options: SocketConstructorOpts & { readonly manualStart: true } = { fd, manualStart: true };
  const host = /^fe[89ab]/i.test(address) && bindInterface !== undefined ? `${address}%${bindInterface}` : address;
  return new Socket(options).connect({ host, port, noDelay: true });
}

interface Ending {
  readonly checker: CheckerTiming;
  readonly stage: Stage;
  readonly goodbye: boolean;
}

/** A fixed local port must be free again for the next check: a reset leaves no TIME_WAIT behind. */
function close({ socket, raw }: { socket: Socket; raw: Socket }, { checker: { bindPort }, stage, goodbye }: Ending): void {
  if (bindPort !== undefined && stage === 'talking') raw.resetAndDestroy();
  else if (goodbye && stage === 'talking') sayGoodbye(socket, raw);
  else raw.destroy();
  if (socket !== raw && !(goodbye && stage === 'talking')) socket.destroy();
}

function sayGoodbye(socket: Socket, raw: Socket): void {
  const timer = setTimeout(() => raw.destroy(), GOODBYE_MS).unref();
  socket.removeAllListeners('data').resume();
  socket.once('close', () => clearTimeout(timer)).end();
}

function timedOut({ connectTimeoutMs }: CheckerTiming, stage: Stage): ProbeResult {
  const seconds = connectTimeoutMs / 1000;
  if (stage === 'connecting') return failed('connect timeout', `no connection within ${seconds} s`);
  if (stage === 'greeting') return failed('connect timeout', `no TLS handshake within ${seconds} s`);
  return failed('silence', `nothing received for ${seconds} s`);
}

function broken(error: NodeJS.ErrnoException, stage: Stage): ProbeResult {
  const code = error.code ?? error.message;
  const reason = ERROR_TEXTS[code] ?? code;
  if (stage === 'greeting') return failed('refused', `TLS: ${ERROR_TEXTS[code] ?? tlsReason(error)}`);
  if (stage !== 'connecting') return failed('broken', reason);
  return LOCAL_FAULTS.has(code) ? { kind: 'unable', reason: error.message } : failed('connect', reason);
}

/** OpenSSL's lines are for its programmers: `error:0A00010B:SSL routines::wrong version number`. */
function tlsReason(error: Error & { readonly reason?: string }): string {
  return (error.reason ?? error.message).split('\n')[0] ?? 'handshake failed';
}
