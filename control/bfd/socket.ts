// BFD packets in and out. What comes needs its TTL, which Node does not tell; what goes is ordinary UDP.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { BfdInstance } from '../config/tracking.js';
import { addon } from '../host/addon.js';

export interface Received {
  readonly bytes: Uint8Array;
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
}

export interface Receiver {
  close(): void;
}

export interface Sender {
  send(bytes: Uint8Array): void;
  close(): void;
}

/** RFC 5881 4, RFC 5883 5. */
const PORTS = { singleHop: 3784, multihop: 4784 } as const;
/** A flood is taken in portions, so that it does not hold up VRRP. */
const AT_ONCE = 64;

export function openReceiver(options: {
  readonly family: 4 | 6;
  readonly multihop: boolean;
  readonly received: (packet: Received) => void;
}): Receiver {
  const socket = new addon.HopSocket(options.family, options.multihop ? PORTS.multihop : PORTS.singleHop, drain);

  function drain(): void {
    for (let count = 0; count < AT_ONCE; count += 1) {
      const packet = socket.receive();
      if (packet === undefined) return;
      options.received(packet);
    }
  }

  return { close: () => socket.close() };
}

/** The source port is one of 49152 to 65535 and stays the session's (RFC 5881 4). */
const FIRST_PORT = 49_152;
const PORT_COUNT = 16_384;
const TRIES = 32;

export function openSender(instance: BfdInstance, failed: (text: string) => void): Sender {
  const { family, neighbor, source, ttl, multihop } = instance;
  const port = multihop ? PORTS.multihop : PORTS.singleHop;
  const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6' });
  const waiting: Uint8Array[] = [];
  let state: 'opening' | 'open' | 'closed' = 'opening';
  let tries = 0;

  const bind = (): void => {
    tries += 1;
    socket.bind({ port: FIRST_PORT + randomInt(PORT_COUNT), exclusive: true, ...(source && { address: source }) });
  };
  const transmit = (bytes: Uint8Array): void =>
    socket.send(bytes, port, neighbor, (problem) => {
      if (problem !== null) failed(problem.message);
    });
  const finish = (): void => {
    if (state === 'closed') return;
    state = 'closed';
    socket.close();
  };
  socket.on('error', (problem: NodeJS.ErrnoException) => {
    if (state === 'closed') return;
    failed(problem.message);
    if (problem.code === 'EADDRINUSE' && tries < TRIES) bind();
    // The address may come later.
    else if (state === 'opening') setTimeout(() => state === 'opening' && bind(), 1000).unref();
  });
  socket.on('listening', () => {
    socket.setTTL(ttl);
    for (const bytes of waiting.splice(0)) transmit(bytes);
    state = 'open';
  });
  bind();
  return {
    send: (bytes) => {
      if (state === 'open') transmit(bytes);
      // Only the newest counts.
      else if (state === 'opening') waiting.splice(0, waiting.length, bytes);
    },
    close: () => {
      if (state === 'open') setImmediate(finish);
      else finish();
    },
  };
}
