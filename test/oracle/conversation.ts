// What clients, servers and the administrator do next. Servers answer whom the oracle chose, so each step depends on what came of those before.

import type { Listener, Protocol, Service } from '../../dataplane/protocol.js';
import { show } from '../packets/notation.js';
import type { Sent } from './balancer.js';
import { type Feature, type Mix, type Place, shuffled, WEIGHTS } from './features.js';
import { fields } from './frame.js';
import { clients, type Endpoint, innerRouter, SERVERS, server } from './world.js';

export type Step = PacketStep | { readonly kind: 'configure'; readonly services: readonly Service[] };

export interface PacketStep {
  readonly kind: 'packet';
  readonly device: number;
  readonly text: string;
  /** In fragments that begin at these places of its payload; in this order. */
  readonly cuts?: readonly number[];
  readonly order?: 'first first' | 'last first';
  /** A RST whose sequence number nobody would believe. */
  readonly blind?: true;
}

/** One turn of a connection: who (c, s), flags of TCP or chunks of SCTP, bytes. */
type Turn = `${'c' | 's'} ${string} ${number}`;

const HANDSHAKE: readonly Turn[] = ['c S 0', 's SA 0', 'c A 0'];
const LIVES: readonly (readonly Turn[])[] = [
  [...HANDSHAKE, 'c PA 100', 's A 0', 's PA 1300', 'c A 0', 'c FA 0', 's A 0', 's FA 0', 'c A 0'],
  [...HANDSHAKE, 'c PA 10', 's PA 500', 's FA 0', 'c A 0', 'c FA 0', 's A 0'],
  [...HANDSHAKE, 'c PA 5', 's PA 7', 'c FA 0', 's FA 0', 'c A 0', 's A 0'],
  [...HANDSHAKE, 'c PA 5', 's PA 7', 's FPA 3', 'c FA 0', 's A 0'],
  [...HANDSHAKE, 'c PA 1', 's PA 1', 'c RA 0'],
  [...HANDSHAKE, 'c PA 1', 's R 0'],
  [...HANDSHAKE, 's RA 0', 'c R 0'],
  ['c S 0', 's RA 0'],
  ['c S 0', 'c S 0', 's SA 0', 's SA 0', 'c A 0', 'c PAU 1'],
  ['c S 0', 's SA 0', 'c R 0'],
  ['c S 0', 's SA 0', 'c FA 0', 's FA 0', 'c A 0'],
];
const LONG: readonly Turn[] = ['c PA 3', 's PA 4', 'c A 0'];
const ASSOCIATION: readonly Turn[] = ['c INIT 0', 's INIT_ACK 0', 'c COOKIE_ECHO 8', 's COOKIE_ACK 0'];
const SHUTDOWN: readonly Turn[] = ['c SHUTDOWN 0', 's SHUTDOWN_ACK 0', 'c SHUTDOWN_COMPLETE 0'];
const SCTP_LIVES: readonly (readonly Turn[])[] = [
  [...ASSOCIATION, 'c DATA 40', 's SACK 0', 's DATA 7', 'c SACK 0', ...SHUTDOWN],
  ['c INIT 0', 's INIT_ACK 0', 'c COOKIE_ECHO+DATA 9', 's COOKIE_ACK+SACK 0', 's HEARTBEAT 4', 'c HEARTBEAT_ACK 4', 's SHUTDOWN 0'],
  [...ASSOCIATION, 's SHUTDOWN 0', 'c SHUTDOWN_ACK 0', 's SHUTDOWN_COMPLETE/T 0'],
  [...ASSOCIATION, 'c ABORT 0'],
  ['c INIT 0', 's ABORT/T 0'],
  ['c INIT 0', 'c INIT 0', 's INIT_ACK 0', 's ERROR 4', 'c COOKIE_ECHO 3'],
];
const ODD_CHUNKS = [
  'INIT',
  'INIT_ACK',
  'COOKIE_ECHO',
  'COOKIE_ACK',
  'DATA',
  'SACK',
  'ABORT',
  'SHUTDOWN',
  'SHUTDOWN_ACK',
  'SHUTDOWN_COMPLETE',
  '63',
];
const ODD_FLAGS = ['S', 'SA', 'A', 'FA', 'F', 'R', 'RA', 'PA', 'SF', 'SR', 'none', 'U', 'SRFA'] as const;

interface Connection {
  readonly protocol: Protocol;
  readonly client: Endpoint;
  readonly virtual: Endpoint;
  server?: Endpoint;
  life: readonly Turn[];
  turn: number;
  /** Next sequence numbers. */
  c: number;
  s: number;
  /** What last arrived at either end, to be quoted by errors. */
  atServer?: Buffer;
  atClient?: Buffer;
}

export class Conversation {
  readonly #place: Place;
  readonly #mix: Mix;
  readonly #clients: readonly string[];
  readonly #connections: Connection[] = [];
  #services: readonly Service[];
  #speaking: Connection | undefined;
  #changed = false;
  readonly #seen: string[] = [];

  constructor(place: Place, feature: Feature, services: readonly Service[]) {
    this.#place = place;
    this.#mix = feature.mix;
    this.#clients = clients(place.random, place.family, feature.clients);
    this.#services = services;
  }

  /** After a change somebody new comes: natlb takes no notice of changes that have undone each other by then, IPVS does. */
  next(): Step {
    this.#speaking = undefined;
    if (this.#changed) return this.#open();
    const actions: Readonly<Record<keyof Mix, () => Step | undefined>> = {
      open: () => this.#open(),
      live: () => this.#live(),
      odd: () => this.#odd(),
      big: () => this.#big(),
      cut: () => this.#cut(),
      reopen: () => this.#reopen(),
      icmp: () => this.#icmp(),
      noise: () => this.#noise(),
      weigh: () => this.#weigh(),
      move: () => this.#move(),
    };
    return actions[this.#place.random.weighted(this.#mix as Readonly<Record<keyof Mix, number>>)]() ?? this.#open();
  }

  /** What the oracle sent because of the last step. */
  learn(step: Step, out: readonly Sent[]): void {
    const connection = this.#speaking;
    if (connection === undefined || step.kind !== 'packet') return;
    for (const { device, frame } of out) {
      const { source, target, icmp, fragment } = fields(frame);
      if (icmp !== undefined || fragment) continue;
      if (device === 1 && step.device === 0) {
        connection.server = target;
        connection.atServer = frame;
      } else if (device === 0 && step.device === 1 && source.address === connection.virtual.address) {
        connection.atClient = frame;
      }
    }
  }

  #open(): Step {
    this.#changed = false;
    const { random } = this.#place;
    const { virtual, protocol } = this.#target();
    const used = new Set(this.#connections.map((one) => `${one.client.address} ${one.client.port}`));
    const address = random.one(this.#clients);
    let port = random.chance(0.005) ? 20 : random.between(1024, 65535);
    while (used.has(`${address} ${port}`)) port = random.between(1024, 65535);
    const lives = protocol === 'sctp' ? SCTP_LIVES : LIVES;
    const life =
      protocol === 'tcp' && random.chance(0.3) ? [...HANDSHAKE, ...Array.from({ length: 20 }, () => LONG).flat()] : random.one(lives);
    const connection: Connection = { protocol, client: { address, port }, virtual, life, turn: 0, c: random.word(), s: random.word() };
    this.#connections.push(connection);
    return this.#take(connection);
  }

  #target(): { virtual: Endpoint; protocol: Protocol } {
    const { random } = this.#place;
    const service = random.one(this.#services);
    const listener = random.one(service.listeners);
    return { virtual: { address: listener.address, port: portOf(listener, this.#place) }, protocol: listener.protocol };
  }

  /** The next turn of a connection that has one. */
  #live(): Step | undefined {
    const { random } = this.#place;
    const going = this.#connections.filter((one) => one.turn > 0 && (one.protocol === 'udp' || one.turn < one.life.length));
    return going.length === 0 ? undefined : this.#take(random.one(going));
  }

  #take(connection: Connection): Step {
    if (connection.protocol === 'udp') return this.#datagram(connection);
    const turn = connection.life[connection.turn] ?? 'c A 0';
    const [side = 'c', flags = 'A', length = '0'] = turn.split(' ');
    // A server that never heard of the client does not answer; the client asks again.
    const say = connection.protocol === 'tcp' ? this.#segment : this.#chunks;
    if (side === 's' && connection.server === undefined)
      return say.call(this, connection, 'c', connection.protocol === 'tcp' ? 'S' : 'INIT', 0);
    connection.turn++;
    return say.call(this, connection, side === 's' ? 's' : 'c', flags, Number(length));
  }

  #segment(connection: Connection, side: 'c' | 's', flags: string, length: number): PacketStep {
    const other = side === 'c' ? 's' : 'c';
    const again = flags.includes('S') && connection.turn > 2;
    const sequence = connection[side];
    if (!again) connection[side] = (sequence + length + (/[SF]/.test(flags) ? 1 : 0)) >>> 0;
    const numbers = `seq ${sequence}${flags.includes('A') ? ` ack ${connection[other]}` : ''}`;
    return this.#say(connection, side, `tcp ${flags} ${numbers} window 1000`, length);
  }

  /** Either side says the tag that the other has chosen. */
  #chunks(connection: Connection, side: 'c' | 's', chunks: string, length: number): PacketStep {
    const init = chunks.startsWith('INIT') ? ` init ${connection[side]}` : '';
    const tag = chunks === 'INIT' ? 0 : connection[side === 'c' ? 's' : 'c'];
    return this.#say(connection, side, `sctp ${chunks} tag ${tag}${init}`, length);
  }

  #datagram(connection: Connection): Step {
    const { random } = this.#place;
    const side = connection.turn++ === 0 || connection.server === undefined || random.chance(0.5) ? 'c' : 's';
    const plain = connection.client.address.includes(':') || !random.chance(0.03) ? '' : ' nosum';
    return this.#say(connection, side, connection.protocol + plain, random.below(60));
  }

  #say(connection: Connection, side: 'c' | 's', what: string, length: number): PacketStep {
    const { random } = this.#place;
    this.#speaking = connection;
    const peer = side === 'c' ? connection.virtual : (connection.server ?? connection.virtual);
    const [from, to] = side === 'c' ? [connection.client, peer] : [peer, connection.client];
    const ttl = random.chance(0.02) ? random.between(0, 2) : random.between(30, 64);
    const words = [
      `ttl ${ttl}`,
      ...(from.address.includes(':') ? [] : [`id ${random.between(1, 65535)}`]),
      ...(random.chance(0.5) ? ['df'] : []),
    ];
    return {
      kind: 'packet',
      device: side === 'c' ? 0 : 1,
      text: `${name(from)} > ${name(to)} ${what} ${words.join(' ')}${length > 0 ? ` data ${length}` : ''}`,
    };
  }

  #odd(): Step | undefined {
    const { random } = this.#place;
    if (this.#connections.length === 0) return undefined;
    const connection = random.one(this.#connections);
    const side = connection.server !== undefined && random.chance(0.5) ? 's' : 'c';
    if (connection.protocol === 'sctp') return this.#chunks(connection, side, random.one(ODD_CHUNKS), random.below(9));
    if (connection.protocol === 'udp') return this.#say(connection, side, 'udp', random.below(1300));
    const flags = random.one(ODD_FLAGS);
    if (flags.includes('R') && random.chance(0.15)) {
      return { ...this.#say(connection, side, `tcp R seq ${(connection[side] + 2 ** 31) >>> 0}`, 0), blind: true };
    }
    const numbers = `seq ${connection[side]} ack ${connection[side === 'c' ? 's' : 'c']}`;
    return this.#say(connection, side, `tcp ${flags} ${numbers} window 1000`, random.one([0, 0, 1, 40]));
  }

  #big(): Step | undefined {
    const { random } = this.#place;
    const known = this.#connections.filter((one) => one.server !== undefined && one.turn > 2);
    if (known.length === 0) return undefined;
    const connection = random.one(known);
    const side = random.one(['c', 'c', 's'] as const);
    const length = random.between(1300, 1460) - (connection.client.address.includes(':') ? 20 : 0);
    return connection.protocol === 'tcp'
      ? this.#segment(connection, side, 'PA', length)
      : this.#say(connection, side, connection.protocol, length);
  }

  /** A packet that comes in fragments. */
  #cut(): Step | undefined {
    const { random, family } = this.#place;
    const known = this.#connections.filter((one) => one.server !== undefined && one.turn > 2);
    if (family === 6 || known.length === 0) return undefined;
    const connection = random.one(known);
    const side = random.one(['c', 'c', 's'] as const);
    const length = random.between(40, 1300);
    const whole =
      connection.protocol === 'tcp'
        ? this.#segment(connection, side, 'PA', length)
        : this.#say(connection, side, connection.protocol, length);
    const cuts = Array.from({ length: random.between(1, 3) }, () => random.between(3, 160) * 8).sort((one, other) => one - other);
    const text = whole.text.replace(' df', '').replace(/ttl \d+/, 'ttl 40');
    return { ...whole, text, cuts: [...new Set(cuts)], order: random.one(['first first', 'last first']) };
  }

  #reopen(): Step | undefined {
    const { random } = this.#place;
    const over = this.#connections.filter((one) => one.protocol !== 'udp' && one.turn >= one.life.length);
    if (over.length === 0) return undefined;
    const connection = random.one(over);
    connection.life = random.one(connection.protocol === 'sctp' ? SCTP_LIVES : LIVES);
    connection.turn = 0;
    connection.c = (connection.c + random.between(1_000, 1_000_000)) >>> 0;
    connection.s = random.word();
    return this.#take(connection);
  }

  #icmp(): Step | undefined {
    const { random, family } = this.#place;
    const told = this.#connections.filter((one) => one.atServer !== undefined || one.atClient !== undefined);
    if (told.length === 0) return undefined;
    const connection = random.one(told);
    const inside = connection.atClient === undefined || (connection.atServer !== undefined && random.chance(0.6));
    const about = inside ? connection.atServer : connection.atClient;
    if (about === undefined) return undefined;
    const { source, target } = fields(about);
    const from = inside ? random.one([target.address, innerRouter(family)]) : random.one([target.address, random.one(this.#clients)]);
    const kind = random.one(
      family === 4
        ? ['3/0', '3/1', '3/3', '3/4 mtu 1300', '3/13', '4/0', '11/0', '11/1', '12/0']
        : ['1/0', '1/4', '2/0 mtu 1300', '3/0', '3/1', '4/1'],
    );
    const quoted = about.length - 14;
    const least = (family === 4 ? 20 : 40) + 8;
    const quote = random.chance(0.5) ? quoted : random.between(least, quoted);
    return {
      kind: 'packet',
      device: inside ? 1 : 0,
      text: `${from} > ${source.address} icmp ${kind} ttl 60 about ( ${show(about)} ) quote ${quote}`,
    };
  }

  /** To a port without a service, of no connection, and what servers say by themselves. */
  #noise(): Step {
    const { random, family } = this.#place;
    const { virtual } = this.#target();
    const guest = { address: random.one(this.#clients), port: random.between(1024, 65535) };
    const host = { address: server(family, random.between(1, SERVERS)), port: random.one([8080, 5353, 22]) };
    const flags = random.one(ODD_FLAGS);
    const texts = [
      [0, `${name(guest)} > ${name(virtual)} tcp ${flags} seq 7 ack 9`],
      [0, `${name(guest)} > ${name({ ...virtual, port: 9 })} tcp ${flags} seq 7 ack 9`],
      [0, `${name(guest)} > ${name({ ...virtual, port: 9 })} udp data 4`],
      [1, `${name(host)} > ${name(guest)} tcp ${flags} seq 7 ack 9`],
      [1, `${name(host)} > ${name(guest)} udp data 4`],
    ] as const;
    const [device, text] = random.one(texts);
    return { kind: 'packet', device, text };
  }

  /** One at a time, as ipvsadm does it: the wrr of IPVS remembers every state between. */
  #weigh(): Step {
    const { random } = this.#place;
    return this.#reconfigure((service) => {
      const changed = random.below(service.destinations.length);
      return {
        ...service,
        destinations: service.destinations.map((one, at) => (at === changed ? { ...one, weight: random.one(WEIGHTS) } : one)),
      };
    });
  }

  #move(): Step {
    const { random, family } = this.#place;
    return this.#reconfigure((service) => {
      const { destinations } = service;
      if (destinations.length > 1 && random.chance(0.5)) {
        this.#seen.push(...destinations.map(({ address }) => address));
        const gone = random.below(destinations.length);
        return { ...service, destinations: destinations.filter((_, at) => at !== gone) };
      }
      // natlb ends the UDP flows of a server that goes; IPVS has them again when it is back.
      const seen = service.listeners[0]?.protocol === 'udp' ? this.#seen : [];
      const taken = new Set([...destinations.map(({ address }) => address), ...seen]);
      const free = shuffled(
        random,
        Array.from({ length: SERVERS }, (_, at) => server(family, at + 1)),
      ).filter((one) => !taken.has(one));
      const example = destinations[0];
      if (free[0] === undefined || example === undefined) return service;
      return { ...service, destinations: [{ ...example, address: free[0], weight: random.one(WEIGHTS) }, ...destinations] };
    });
  }

  #reconfigure(change: (service: Service) => Service): Step {
    const chosen = this.#place.random.one(this.#services);
    this.#changed = true;
    this.#services = this.#services.map((service) => (service === chosen ? change(service) : service));
    return { kind: 'configure', services: this.#services };
  }
}

function portOf({ firstPort, lastPort }: Listener, { random }: Place): number {
  return random.between(Math.max(1, firstPort), lastPort);
}

function name({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
