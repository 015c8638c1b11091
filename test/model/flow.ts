// One flow of the model: whose packet it is, what a packet makes of it, how it says farewell.

import type { Destination } from '../../dataplane/protocol.js';
import { type Endpoint, type Packet, same, sequence } from './packet.js';
import { nextState, type Side } from './states.js';

export interface Flow {
  readonly protocol: 'tcp' | 'udp';
  readonly client: Endpoint;
  readonly virtual: Endpoint;
  readonly service: string;
  /** Which destination of the service, and where its packets go. */
  readonly home: Home;
  readonly server: Endpoint;
  readonly template?: Template;
  state: string;
  expiresAt: number;
  /** The server has been heard. */
  replied: boolean;
  /** The next sequence number of the other side that each expects, as far as it has said so. */
  clientExpects?: number;
  serverExpects?: number;
}

export interface Template {
  readonly service: string;
  readonly network: string;
  home: Home;
  expiresAt: number;
}

/** A destination of a service as long as anything remembers it. */
export interface Home {
  readonly service: string;
  readonly id: string;
  /** As configured last. */
  destination: Destination;
  configured: boolean;
  overloaded: boolean;
}

export function sideOf(flow: Flow, { protocol, from, to }: Packet): Side | undefined {
  if (flow.protocol !== protocol) return undefined;
  if (same(flow.client, from) && same(flow.virtual, to)) return 'client';
  return same(flow.server, from) && same(flow.client, to) ? 'server' : undefined;
}

export function isOver({ state }: Flow): boolean {
  return state === 'TIME_WAIT' || state === 'CLOSE';
}

export function isHalfOpen({ protocol, replied, state }: Flow): boolean {
  return protocol === 'tcp' && (!replied || ['NONE', 'SYN_SENT', 'SYN_RECV', 'SYNACK'].includes(state));
}

/** The state that a packet of this side leads to. What each side expects next is remembered. */
export function heard(flow: Flow, side: Side, { protocol, flags, seq, ack }: Packet): string {
  if (protocol === 'udp') return 'UDP';
  if (!flags.includes('R')) {
    if (flags.includes('A')) {
      if (side === 'client') flow.clientExpects = ack;
      else flow.serverExpects = ack;
    } else if (flags.includes('S') && side === 'client' && isHalfOpen(flow)) flow.serverExpects = sequence(seq + 1);
  }
  return nextState(flow.state, side, flags);
}

/**
 * A RST far from what its receiver expects tells nothing: who made it up does not know the connection (RFC 5961). A server that knows
 * nothing of the connection answers with sequence number 0.
 */
export function isBelievable({ clientExpects, serverExpects }: Flow, side: Side, { protocol, flags, seq }: Packet): boolean {
  if (protocol === 'udp' || (side === 'server' && seq === 0 && flags.includes('A'))) return true;
  const expected = side === 'client' ? serverExpects : clientExpects;
  return !flags.includes('R') || expected === undefined || sequence(seq - expected + 65_536) < 65_536 + 1_048_576;
}

/** RST to both sides, so that neither waits for a connection that is gone. Not of handshakes that never were completed. */
export function farewell({ protocol, state, client, virtual, server, clientExpects, serverExpects }: Flow): Packet[] {
  const alive = ['ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT'].includes(state);
  if (protocol !== 'tcp' || !alive || clientExpects === undefined || serverExpects === undefined) return [];
  return [
    { protocol, from: virtual, to: client, flags: 'RA', seq: clientExpects, ack: serverExpects },
    { protocol, from: client, to: server, flags: 'RA', seq: serverExpects, ack: clientExpects },
  ];
}
