// Two simulated ends of a BFD session: the real machine and codec, clocks that drift, and a path between them in each direction.

import { decode, encode, type Packet } from '../../control/bfd/packet.js';
import { type BfdEvent, INITIAL, type Session, step, wakesAt } from '../../control/bfd/session.js';
import type { BfdInstance } from '../../control/config/tracking.js';
import { bfdInstance } from '../bfd/instance.js';
import { Random } from '../oracle/random.js';
import { Clock } from './clock.js';
import { Violation } from './world.js';

export interface EndSpec {
  readonly name: string;
  readonly rate: number;
  readonly config: Pick<BfdInstance, 'minRxMs' | 'minTxMs' | 'idleTxMs' | 'multiplier' | 'passive'>;
}

export type PairHappening = { readonly at: number } & (
  | { readonly kind: 'start' | 'kill' | 'stop'; readonly end: number }
  /** What this end sends no longer arrives, or does again. */
  | { readonly kind: 'path'; readonly end: number; readonly open: boolean }
);

export interface Pair {
  readonly seed: number;
  readonly ends: readonly [EndSpec, EndSpec];
  readonly loss: number;
  /** Packets lost in a row in one direction, at most. */
  readonly lossRun: number;
  readonly mostDelayMs: number;
  readonly happenings: readonly PairHappening[];
  readonly endsAt: number;
}

const LATE_MS = 1;

class End {
  readonly spec: EndSpec;
  readonly config: BfdInstance;
  session: Session = INITIAL;
  running = false;
  /** Of what it sends. */
  open = true;
  lost = 0;
  timerAt = Number.POSITIVE_INFINITY;
  life = 0;

  constructor(spec: EndSpec) {
    this.spec = spec;
    this.config = bfdInstance({ name: spec.name, ...spec.config });
  }
}

/** Plays it to its end, or throws a violation. Returns how many times both ends agreed that the session works, and stayed so. */
export function playPair(pair: Pair, tell: (line: string) => void = () => {}): number {
  return new Play(pair, tell).run();
}

class Play {
  readonly #pair: Pair;
  readonly #clock = new Clock();
  readonly #random: Random;
  readonly #ends: readonly [End, End];
  readonly #tell: (line: string) => void;
  #epoch = 0;
  #disturbing = false;
  /** An end was stopped by its administrator, which is no failure (RFC 5882 3.2). */
  #excused = false;
  /** Nothing may change now. */
  #peace = false;
  #peaces = 0;

  constructor(pair: Pair, tell: (line: string) => void) {
    this.#pair = pair;
    this.#random = new Random(pair.seed, 2);
    this.#ends = [new End(pair.ends[0]), new End(pair.ends[1])];
    this.#tell = (text) => tell(`${this.#clock.now.toFixed(3).padStart(12)}  ${text}`);
  }

  run(): number {
    for (const happening of this.#pair.happenings) this.#clock.at(happening.at, () => this.#disturb(happening));
    this.#clock.run(this.#pair.endsAt);
    return this.#peaces;
  }

  #disturb(happening: PairHappening): void {
    this.#tell(`* ${JSON.stringify(happening)}`);
    const wasUp = this.#peace && this.#ends.every(({ session }) => session.state === 'up');
    this.#peace = false;
    this.#excused ||= happening.kind === 'stop';
    this.#disturbing = true;
    this.#happen(this.#ends[happening.end]!, happening);
    this.#disturbing = false;
    const epoch = ++this.#epoch;
    if (wasUp && happening.kind === 'path' && !happening.open) this.#expectDetection(happening.end, epoch);
    this.#clock.after(boundMs(this.#pair), () => {
      if (epoch === this.#epoch) this.#settle();
    });
  }

  /** At the speed both have agreed upon, not at the slow one of an idle session. */
  #expectDetection(from: number, epoch: number): void {
    const sender = this.#ends[from]!;
    const receiver = this.#ends[1 - from]!;
    const { multiplier, minTxMs } = sender.spec.config;
    const withinMs =
      (multiplier * Math.max(receiver.spec.config.minRxMs, minTxMs)) / receiver.spec.rate + this.#pair.mostDelayMs + 2 * LATE_MS;
    this.#clock.after(withinMs, () => {
      if (epoch === this.#epoch && receiver.session.state === 'up')
        throw new Violation('silence is noticed in the detection time', `${receiver.spec.name} is up after ${withinMs} ms of it`);
    });
  }

  #happen(end: End, happening: PairHappening): void {
    if (happening.kind === 'path') end.open = happening.open;
    else if (happening.kind === 'start') this.#start(end);
    else if (end.running) {
      if (happening.kind === 'stop') this.#step(end, { kind: 'stop' });
      end.running = false;
      end.life++;
    }
  }

  #start(end: End): void {
    if (end.running) return;
    Object.assign(end, { running: true, session: INITIAL, timerAt: Number.POSITIVE_INFINITY, life: end.life + 1 });
    this.#step(end, { kind: 'start', discriminator: 1 + this.#random.below(2 ** 31), random: this.#part() });
  }

  /** Long after the last thing that happened: up if they can hear each other, down if one cannot hear the other. */
  #settle(): void {
    const [one, other] = this.#ends;
    const hear = one.running && other.running && one.open && other.open;
    for (const end of this.#ends) {
      const { state, works } = end.session;
      if (end.running && hear !== (state === 'up'))
        throw new Violation('up means that both hear each other', `${end.spec.name} is ${state}`);
      if (end.running && !hear && works && !this.#excused)
        throw new Violation('a session that is down does not work', `${end.spec.name} believes it does`);
      if (hear && !works) throw new Violation('a session that is up works', `${end.spec.name} does not believe it`);
    }
    this.#peace = true;
    if (!hear) return;
    this.#excused = false;
    this.#peaces++;
  }

  #step(end: End, event: BfdEvent): void {
    const before = end.session;
    const { session, effects } = step(end.config, before, event, this.#local(end));
    end.session = session;
    const byItself = event.kind === 'start' || event.kind === 'stop';
    const told = effects.filter(({ kind }) => kind === 'changed').length;
    if (!byItself && told !== (before.works === session.works ? 0 : 1))
      throw new Violation('a change is told once', `${end.spec.name} told ${told} times`);
    if (before.state !== session.state) this.#tell(`${end.spec.name} ${before.state} → ${session.state}`);
    if (this.#peace && !this.#disturbing && before.state !== session.state)
      throw new Violation('peace lasts', `${end.spec.name} went from ${before.state} to ${session.state} though nothing happened`);
    if (event.kind === 'timer' && before.state === 'up' && session.state === 'down') this.#wasPatient(end, before);
    for (const effect of effects) if (effect.kind === 'send') this.#send(end, effect.packet);
    this.#arm(end);
  }

  #wasPatient(end: End, { expiresAt }: Session): void {
    const late = this.#local(end) - expiresAt;
    if (late < 0 || late > 2 * LATE_MS) throw new Violation('a neighbour is given up when it is due', `${end.spec.name} ${late} ms late`);
  }

  #send(from: End, packet: Packet): void {
    this.#tell(`${from.spec.name} sends ${packet.state}${packet.poll ? ' poll' : ''}${packet.final ? ' final' : ''}`);
    const to = this.#ends[this.#ends[0] === from ? 1 : 0];
    const lost = from.lost < this.#pair.lossRun && this.#random.chance(this.#pair.loss);
    from.lost = lost ? from.lost + 1 : 0;
    if (!from.open || lost) return;
    const bytes = encode(packet);
    this.#clock.after(this.#part() * this.#pair.mostDelayMs, () => this.#arrive(to, bytes));
  }

  #arrive(to: End, bytes: Uint8Array): void {
    const decoded = decode(bytes);
    if (!('packet' in decoded)) throw new Violation('what is sent can be read', decoded.discard);
    const { packet } = decoded;
    if (!to.running || (packet.yourDiscriminator !== 0 && packet.yourDiscriminator !== to.session.discriminator)) return;
    this.#step(to, { kind: 'packet', packet, random: this.#part() });
  }

  #arm(end: End): void {
    const wake = wakesAt(end.session);
    if (wake === Number.POSITIVE_INFINITY || !end.running) return;
    const due = wake / end.spec.rate;
    if (end.timerAt <= due) return;
    end.timerAt = due;
    const { life } = end;
    this.#clock.at(Math.max(due, this.#clock.now) + 0.001 + this.#part() * LATE_MS, () => {
      if (end.life !== life || end.timerAt !== due) return;
      end.timerAt = Number.POSITIVE_INFINITY;
      if (wakesAt(end.session) <= this.#local(end)) this.#step(end, { kind: 'timer', random: this.#part() });
      else this.#arm(end);
    });
  }

  #local({ spec }: End): number {
    return this.#clock.now * spec.rate;
  }

  #part(): number {
    return this.#random.word() / 2 ** 32;
  }
}

/**
 * Until an end that hears nothing has given up, the other has heard of it, and both have shaken hands anew: two detection times of the slow
 * kind, and four packets at the slow interval, each after as many lost ones as the network loses in a row.
 */
function boundMs({ ends, lossRun, mostDelayMs }: Pair): number {
  const configs = ends.map(({ config }) => config);
  const slowMs = Math.max(1000, ...configs.flatMap(({ idleTxMs, minTxMs, minRxMs }) => [idleTxMs, minTxMs, minRxMs]));
  const detectionMs = Math.max(...configs.map(({ multiplier }) => multiplier)) * slowMs;
  return 1.05 * (2 * detectionMs + 4 * (lossRun + 1) * (slowMs + LATE_MS)) + 8 * mostDelayMs;
}
