// BFD at work: the sessions of a configuration on real sockets and the monotonic clock. Read first: RFC 5881 and, for multihop, RFC 5883.

import { randomInt } from 'node:crypto';
import type { BfdInstance } from '../config/tracking.js';
import { addressBytes, addressText } from '../vrrp/address-bytes.js';
import { decode, encode, type Packet } from './packet.js';
import { type BfdEffect, type BfdEvent, INITIAL, type Session, step, wakesAt } from './session.js';
import { openReceiver, openSender, type Received, type Receiver, type Sender } from './socket.js';

export interface BfdOptions {
  readonly instances: readonly BfdInstance[];
  readonly log: (text: string) => void;
  readonly changed: (name: string, up: boolean) => void;
}

export interface Bfd {
  isUp(name: string): boolean;
  /** Undefined: it has never been up. */
  known(name: string): boolean | undefined;
  status(): readonly BfdStatus[];
  /** Calls back with every session that goes up or down. Returns how to stop that. */
  onChange(callback: (name: string, up: boolean) => void): () => void;
  /** Sessions that are configured as before go on. */
  reload(instances: readonly BfdInstance[]): void;
  close(): void;
}

export interface BfdStatus {
  readonly name: string;
  readonly neighbor: string;
  readonly state: Session['state'];
  readonly remoteState: Session['state'];
}

export function startBfd(options: BfdOptions): Bfd {
  return new Driver(options);
}

const RANDOM = 2 ** 32;
const REOPEN_MS = 5000;

type SocketKind = Pick<BfdInstance, 'family' | 'multihop'>;

interface Running {
  readonly instance: BfdInstance;
  session: Session;
  sender: Sender | undefined;
  timer: NodeJS.Timeout | undefined;
}

class Driver implements Bfd {
  readonly #options: BfdOptions;
  readonly #receivers = new Map<string, Receiver>();
  readonly #listeners = new Set<(name: string, up: boolean) => void>();
  readonly #told = new Set<string>();
  /** What was said last of each. */
  readonly #last = new Map<string, boolean>();
  #running: readonly Running[] = [];
  #reopen: NodeJS.Timeout | undefined;

  constructor(options: BfdOptions) {
    this.#options = options;
    this.#listeners.add(options.changed);
    this.reload(options.instances);
  }

  isUp(name: string): boolean {
    return this.#running.find(({ instance }) => instance.name === name)?.session.works ?? false;
  }

  known(name: string): boolean | undefined {
    return this.#last.get(name);
  }

  status(): readonly BfdStatus[] {
    return this.#running.map(({ instance: { name, neighbor }, session }) => ({
      name,
      neighbor,
      state: session.state,
      remoteState: session.remote.state,
    }));
  }

  onChange(callback: (name: string, up: boolean) => void): () => void {
    const listener = (name: string, up: boolean): void => callback(name, up);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reload(instances: readonly BfdInstance[]): void {
    const before = this.#running;
    const kept = instances.map((instance) => before.find((running) => alike(running.instance, instance)));
    for (const running of before) if (!kept.includes(running)) this.#end(running);
    this.#running = instances.map((instance, i) => kept[i] ?? { instance, session: INITIAL, sender: undefined, timer: undefined });
    this.#openReceivers();
    for (const running of this.#running)
      if (running.session === INITIAL)
        this.#happen(running, { kind: 'start', discriminator: this.#discriminator(), random: Math.random() });
  }

  close(): void {
    clearTimeout(this.#reopen);
    for (const running of this.#running) this.#end(running);
    this.#running = [];
    for (const receiver of this.#receivers.values()) receiver.close();
    this.#receivers.clear();
  }

  #end(running: Running): void {
    this.#happen(running, { kind: 'stop' });
    clearTimeout(running.timer);
    running.sender?.close();
  }

  /** Not 0, and no other session's. */
  #discriminator(): number {
    const taken = this.#running.map(({ session }) => session.discriminator);
    let found = 0;
    while (found === 0 || taken.includes(found)) found = randomInt(RANDOM);
    return found;
  }

  #openReceivers(): void {
    clearTimeout(this.#reopen);
    const wanted = new Map(this.#running.map(({ instance }) => [keyOf(instance), instance]));
    for (const [key, receiver] of this.#receivers) {
      if (wanted.has(key)) continue;
      receiver.close();
      this.#receivers.delete(key);
    }
    for (const [key, instance] of wanted) if (!this.#receivers.has(key)) this.#openReceiver(key, instance);
  }

  #openReceiver(key: string, { family, multihop }: BfdInstance): void {
    try {
      this.#receivers.set(key, openReceiver({ family, multihop, received: (packet) => this.#receive(packet, family, multihop) }));
    } catch (problem) {
      this.#tell(`receive ${key}`, `BFD: ${(problem as Error).message}`);
      this.#reopen = setTimeout(() => this.#openReceivers(), REOPEN_MS);
    }
  }

  #receive(received: Received, family: 4 | 6, multihop: boolean): void {
    const { source, ttl } = received;
    const decoded = decode(received.bytes);
    const running = 'packet' in decoded ? this.#sessionOf(decoded.packet, received, { family, multihop }) : undefined;
    if ('discard' in decoded) this.#tell(`discard ${source}`, `BFD: packet from ${source} discarded: ${decoded.discard}`);
    else if (running === undefined) this.#tell(`stranger ${source}`, `BFD: packet from ${source} belongs to no session`);
    else if (ttl < running.instance.leastTtl) {
      const { name, leastTtl } = running.instance;
      this.#tell(`ttl ${name}`, `(${name}) packet of TTL ${ttl} discarded, ${leastTtl} is the least`);
    } else this.#happen(running, { kind: 'packet', packet: decoded.packet, random: Math.random() });
  }

  /** By the discriminator that the neighbour has from us, or by the addresses while it has none. */
  #sessionOf({ yourDiscriminator }: Packet, { source, destination }: Received, kind: SocketKind): Running | undefined {
    return this.#running.find(({ instance, session }) => {
      if (instance.family !== kind.family || instance.multihop !== kind.multihop || !same(instance.neighbor, source)) return false;
      return yourDiscriminator === 0 ? same(instance.source ?? destination, destination) : session.discriminator === yourDiscriminator;
    });
  }

  #happen(running: Running, event: BfdEvent): void {
    const { session, effects } = step(running.instance, running.session, event, performance.now());
    running.session = session;
    for (const effect of effects) this.#perform(running, effect);
    this.#arm(running);
  }

  #arm(running: Running): void {
    clearTimeout(running.timer);
    const wake = wakesAt(running.session);
    if (wake === Number.POSITIVE_INFINITY) return;
    // What waits in the socket is heard before the neighbour counts as gone, however late we are.
    const due = (): NodeJS.Immediate => setImmediate(() => this.#happenIfDue(running));
    running.timer = setTimeout(due, Math.max(0, Math.ceil(wake - performance.now())));
  }

  #happenIfDue(running: Running): void {
    if (wakesAt(running.session) <= performance.now()) this.#happen(running, { kind: 'timer', random: Math.random() });
    else this.#arm(running);
  }

  #perform(running: Running, effect: BfdEffect): void {
    const { instance } = running;
    switch (effect.kind) {
      case 'send':
        running.sender ??= openSender(instance, (text) =>
          this.#tell(`send ${instance.name}`, `(${instance.name}) Error sending packet: ${text}`),
        );
        running.sender.send(encode(effect.packet));
        break;
      case 'changed':
        this.#last.set(instance.name, effect.up);
        for (const listener of [...this.#listeners]) listener(instance.name, effect.up);
        break;
      case 'log':
        this.#options.log(effect.text);
        break;
      default:
        effect satisfies never;
    }
  }

  /** Each trouble once: a neighbour may send thousands of packets a second. */
  #tell(about: string, text: string): void {
    if (this.#told.has(about) || this.#told.size > 1000) return;
    this.#told.add(about);
    this.#options.log(text);
  }
}

function keyOf({ family, multihop }: BfdInstance): string {
  return `${family} ${multihop}`;
}

function same(left: string, right: string): boolean {
  return addressText(addressBytes(left)) === addressText(addressBytes(right));
}

/** In all that the neighbour could notice. */
function alike(left: BfdInstance, right: BfdInstance): boolean {
  const noticed = ({ places, weight, reverse, vrrp, checker, ...rest }: BfdInstance): string => JSON.stringify(rest);
  return noticed(left) === noticed(right);
}
