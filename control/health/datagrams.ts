// Datagrams to one address for a check: what comes back within connect_timeout, and ICMP errors, decide.

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { CheckerTiming } from '../config/checker.js';
import { addon, type ProbeSocket } from '../host/addon.js';
import type { ProbeResult } from './checker.js';
import { LONGEST_TIMER_MS } from './connection.js';
import { failed } from './failed.js';
import type { Cancel, Done } from './watch.js';

export interface Exchange {
  readonly kind: 'datagram' | 'echo';
  readonly message: Uint8Array;
  /** Nothing: it was not for us, and more is waited for. */
  readonly answer: (message: Uint8Array) => ProbeResult | undefined;
  readonly silence: ProbeResult;
}

const ERROR_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'port unreachable',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  EMSGSIZE: 'the message is too long for the way',
};

/** Sends the message once. Faults of this machine say nothing about the server. */
export function exchange(checker: CheckerTiming, { kind, message, answer, silence }: Exchange, done: Done): Cancel {
  let socket: Socket | undefined;
  let over = false;
  const stop = (): void => {
    over = true;
    clearTimeout(timer);
    socket?.close();
    socket = undefined;
  };
  const finish = (result: ProbeResult): void => {
    if (over) return;
    stop();
    done(result);
  };
  const broken = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null) finish(failed('connect', ERROR_TEXTS[error.code ?? ''] ?? error.code ?? error.message));
  };
  const timer = setTimeout(() => finish(silence), Math.min(checker.connectTimeoutMs, LONGEST_TIMER_MS));
  try {
    socket = open(checker, kind, {
      ready: () => over || socket?.send(message, broken),
      hear: (bytes) => {
        const result = answer(bytes);
        if (result !== undefined) finish(result);
      },
      broken,
    });
  } catch (problem) {
    finish({ kind: 'unable', reason: (problem as Error).message });
  }
  return stop;
}

interface Ears {
  readonly ready: () => void;
  readonly hear: (message: Uint8Array) => void;
  readonly broken: (error: NodeJS.ErrnoException) => void;
}

/** By a descriptor of our own: Node asks for no ICMP errors, and can neither mark packets nor choose an interface. */
function open(checker: CheckerTiming, kind: ProbeSocket['kind'], { ready, hear, broken }: Ears): Socket {
  const { address, port } = checker.connect;
  const fd = addon.probeSocket(wanted(checker, kind));
  const socket = createSocket({
    type: isIPv6(address) ? 'udp6' : 'udp4',
    lookup: (name, _, callback) => callback(null, name, isIPv6(address) ? 6 : 4),
  });
  socket.on('error', broken);
  socket.on('message', hear);
  // An echo socket has no ports, and Node knows no address without one.
  socket.bind({ fd }, () => socket.connect(port === 0 ? 1 : port, scoped(checker), ready));
  return socket;
}

function wanted(
  { connect: { address }, bindAddress, bindPort, bindInterface, mark }: CheckerTiming,
  kind: ProbeSocket['kind'],
): ProbeSocket {
  return {
    kind,
    family: isIPv6(address) ? 6 : 4,
    ...(bindAddress !== undefined && { address: bindAddress }),
    ...(bindPort !== undefined && kind === 'datagram' && { port: bindPort }),
    ...(bindInterface !== undefined && { interface: bindInterface }),
    ...(mark !== undefined && { mark }),
  };
}

function scoped({ connect: { address }, bindInterface }: CheckerTiming): string {
  return /^fe[89ab]/i.test(address) && bindInterface !== undefined ? `${address}%${bindInterface}` : address;
}
