// One BFD session in Asynchronous mode: step(config, session, event, now) → {session, effects}. Times in milliseconds.
// Read first: RFC 5880 6.2 (states), 6.8.1 (variables), 6.8.2-6.8.4 (timers), 6.8.6 (reception), 6.8.7 (transmission).

import type { BfdInstance } from '../config/tracking.js';
import type { BfdState, Packet } from './packet.js';

export interface Session {
  readonly state: BfdState;
  /** What who relies on it believes: a neighbour that is administratively down has not failed (RFC 5882 3.2). */
  readonly works: boolean;
  readonly diagnostic: number;
  readonly discriminator: number;
  /** What the neighbour has said last. */
  readonly remote: Remote;
  /** A Poll Sequence goes on. */
  readonly polling: boolean;
  /** When the next packet leaves; Infinity: none by itself. */
  readonly sendAt: number;
  /** When the neighbour counts as gone; Infinity: it is not there. */
  readonly expiresAt: number;
}

interface Remote {
  readonly state: BfdState;
  readonly diagnostic: number;
  /** 0: not known. */
  readonly discriminator: number;
  readonly minRxMs: number;
  readonly minTxMs: number;
  readonly multiplier: number;
  readonly demand: boolean;
}

/** `random` in [0, 1): packets leave at times that cannot fall into step with others' (6.8.7). */
export type BfdEvent =
  | { readonly kind: 'start'; readonly discriminator: number; readonly random: number }
  | { readonly kind: 'packet'; readonly packet: Packet; readonly random: number }
  | { readonly kind: 'timer'; readonly random: number }
  | { readonly kind: 'stop' };

export type BfdEffect =
  | { readonly kind: 'send'; readonly packet: Packet }
  | { readonly kind: 'changed'; readonly up: boolean }
  | { readonly kind: 'log'; readonly text: string };

export interface Outcome {
  readonly session: Session;
  readonly effects: readonly BfdEffect[];
}

const NEVER = Number.POSITIVE_INFINITY;
const SILENT: Remote = { state: 'down', diagnostic: 0, discriminator: 0, minRxMs: 0.001, minTxMs: 0, multiplier: 0, demand: false };
export const INITIAL: Session = {
  state: 'admin-down',
  works: false,
  diagnostic: 0,
  discriminator: 0,
  remote: SILENT,
  polling: false,
  sendAt: NEVER,
  expiresAt: NEVER,
};

const DIAGNOSTIC = { none: 0, expired: 1, neighborDown: 3, administrativelyDown: 7 } as const;
const DIAGNOSTIC_TEXTS: readonly string[] = [
  'No Diagnostic',
  'Control Detection Time Expired',
  'Echo Function Failed',
  'Neighbor Signaled Session Down',
  'Forwarding Plane Reset',
  'Path Down',
  'Concatenated Path Down',
  'Administratively Down',
  'Reverse Concatenated Path Down',
];

export function step(config: BfdInstance, session: Session, event: BfdEvent, now: number): Outcome {
  switch (event.kind) {
    case 'start':
      return { session: starting(config, event.discriminator, event.random, now), effects: [] };
    case 'packet':
      return receive(config, session, event, now);
    case 'timer':
      return wake(config, session, event.random, now);
    case 'stop':
      return stop(config, session);
  }
}

export function wakesAt({ sendAt, expiresAt }: Session): number {
  return Math.min(sendAt, expiresAt);
}

function starting(config: BfdInstance, discriminator: number, random: number, now: number): Session {
  const session: Session = { ...INITIAL, state: 'down', discriminator };
  return { ...session, sendAt: nextSend(config, session, random, now) };
}

/** The neighbour is told that it is no failure. */
function stop(config: BfdInstance, session: Session): Outcome {
  if (session.state === 'admin-down') return { session, effects: [] };
  const ended: Session = { ...INITIAL, diagnostic: DIAGNOSTIC.administrativelyDown, discriminator: session.discriminator };
  const farewell = packetOf(config, { ...ended, remote: session.remote }, false);
  const quiet = config.passive && session.remote.discriminator === 0;
  return { session: ended, effects: quiet ? [] : [{ kind: 'send', packet: farewell }] };
}

type Received = Extract<BfdEvent, { kind: 'packet' }>;

function receive(config: BfdInstance, session: Session, { packet, random }: Received, now: number): Outcome {
  if (session.state === 'admin-down') return { session, effects: [] };
  const heard: Session = { ...session, remote: remoteOf(packet), polling: session.polling && !packet.final };
  const next = transition(heard, packet.state);
  const moved = next === session.state ? heard : { ...heard, ...changed(config, session.state, next) };
  const alive = { ...moved, expiresAt: now + detectionMs(config, moved.remote) };
  // Answers to a poll leave at once, and so does the news of a change; what is due is due no later than it was.
  const atOnce = packet.poll || next !== session.state;
  const sendAt = nextSend(config, alive, random, now);
  const timed = { ...alive, sendAt: atOnce || sendAt === NEVER ? sendAt : Math.min(sendAt, session.sendAt) };
  const speaks = packet.poll || (next !== session.state && !(config.passive && next === 'down'));
  const reply: BfdEffect[] = speaks ? [{ kind: 'send', packet: packetOf(config, timed, packet.poll) }] : [];
  const told = { ...timed, works: believed(session, timed) };
  return { session: told, effects: [...news(config, session, told), ...reply] };
}

function remoteOf(packet: Packet): Remote {
  const {
    state,
    diagnostic,
    myDiscriminator: discriminator,
    requiredMinRxMs: minRxMs,
    desiredMinTxMs: minTxMs,
    multiplier,
    demand,
  } = packet;
  return { state, diagnostic, discriminator, minRxMs, minTxMs, multiplier, demand };
}

/** The table of 6.2. */
function transition({ state }: Session, heard: BfdState): BfdState {
  if (heard === 'admin-down') return 'down';
  switch (state) {
    case 'down':
      return heard === 'down' ? 'init' : heard === 'init' ? 'up' : 'down';
    case 'init':
      return heard === 'down' ? 'init' : 'up';
    case 'up':
      return heard === 'down' ? 'down' : 'up';
    default:
      return state;
  }
}

/** Up means another interval of sending, which a Poll Sequence tells (6.8.3). */
function changed(config: BfdInstance, before: BfdState, after: BfdState): Pick<Session, 'state' | 'diagnostic' | 'polling'> {
  const fell = after === 'down' && before !== 'down';
  return {
    state: after,
    diagnostic: fell ? DIAGNOSTIC.neighborDown : DIAGNOSTIC.none,
    polling: after === 'up' && config.idleTxMs !== config.minTxMs,
  };
}

function wake(config: BfdInstance, session: Session, random: number, now: number): Outcome {
  const lost = now >= session.expiresAt ? expire(session) : session;
  const due = now >= lost.sendAt || (lost.state !== session.state && !config.passive);
  const told = lost === session ? session : { ...lost, works: believed(session, lost) };
  const effects = news(config, session, told);
  if (!due && lost === session) return { session, effects };
  const timed = { ...told, sendAt: nextSend(config, told, random, now) };
  const send: BfdEffect[] = due ? [{ kind: 'send', packet: packetOf(config, lost, false) }] : [];
  return { session: timed, effects: [...effects, ...send] };
}

/** Nothing is known of the neighbour any more (6.8.1, bfd.RemoteDiscr). */
function expire(session: Session): Session {
  const failed = session.state === 'up' || session.state === 'init';
  const fallen = failed ? { state: 'down' as const, diagnostic: DIAGNOSTIC.expired } : {};
  return { ...session, ...fallen, remote: SILENT, polling: false, expiresAt: NEVER };
}

function believed(before: Session, after: Session): boolean {
  if (after.state === 'up') return true;
  return before.state === 'up' ? after.remote.state === 'admin-down' : before.works;
}

function news({ name }: BfdInstance, before: Session, after: Session): BfdEffect[] {
  const changed: BfdEffect[] = before.works === after.works ? [] : [{ kind: 'changed', up: after.works }];
  if ((before.state === 'up') === (after.state === 'up')) return changed;
  const up = after.state === 'up';
  const text = (diagnostic: number): string => DIAGNOSTIC_TEXTS[diagnostic] ?? `${diagnostic}`;
  const why = ` (Local diagnostic - ${text(after.diagnostic)}, Remote diagnostic - ${text(after.remote.diagnostic)})`;
  return [{ kind: 'log', text: `(${name}) Entering ${up ? 'Up' : 'Down'} state${up ? '' : why}` }, ...changed];
}

/** 6.8.4: by the neighbour's multiplier and the slower of what it wants to send and we to receive. */
function detectionMs({ minRxMs }: BfdInstance, { multiplier, minTxMs }: Remote): number {
  return multiplier * Math.max(minRxMs, minTxMs);
}

const LEAST_IDLE_MS = 1000;

function desiredMinTxMs({ minTxMs, idleTxMs }: BfdInstance, { state }: Session): number {
  return state === 'up' ? minTxMs : Math.max(idleTxMs, LEAST_IDLE_MS);
}

/** 75 to 100 per cent of the interval, with a multiplier of 1 to 90 (6.8.7). */
function nextSend(config: BfdInstance, session: Session, random: number, now: number): number {
  const { remote, state, polling } = session;
  if (state === 'admin-down' || remote.minRxMs === 0) return NEVER;
  if (config.passive && remote.discriminator === 0) return NEVER;
  if (remote.demand && state === 'up' && remote.state === 'up' && !polling) return NEVER;
  const interval = Math.max(desiredMinTxMs(config, session), remote.minRxMs);
  const width = config.multiplier === 1 ? 0.15 : 0.25;
  return now + interval * (0.75 + width * random);
}

function packetOf(config: BfdInstance, session: Session, final: boolean): Packet {
  return {
    state: session.state,
    diagnostic: session.diagnostic,
    poll: session.polling && !final,
    final,
    demand: false,
    multiplier: config.multiplier,
    myDiscriminator: session.discriminator,
    yourDiscriminator: session.remote.discriminator,
    desiredMinTxMs: desiredMinTxMs(config, session),
    requiredMinRxMs: config.minRxMs,
  };
}
