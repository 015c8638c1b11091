// One simulated router: the real state machines, sync groups and codec, with a clock of its own and hands that reach into the network.
// What control/vrrp/driver.ts and unit.ts do with sockets and timers is done here with the simulation's.

import type { VrrpInstance } from '../../control/config/model.js';
import { addressBytes, compareAddresses } from '../../control/vrrp/address-bytes.js';
import { type Advert, decode } from '../../control/vrrp/decode.js';
import { encode } from '../../control/vrrp/encode.js';
import { createGroup, type Group, type MemberEffect, stepGroup } from '../../control/vrrp/group.js';
import type { Received } from '../../control/vrrp/packet.js';
import { type Event, OWNER_PRIORITY, type State, wakesAt } from '../../control/vrrp/state.js';
import type { Random } from '../oracle/random.js';
import { vrrpInstance } from '../vrrp/instance.js';
import { overIpv4, overIpv6 } from '../vrrp/packets.js';
import type { Clock } from './clock.js';
import { addressOf, type RouterSpec, Violation, type World } from './world.js';

/** An instance of this router, whatever became of its process. */
export interface Seat {
  readonly router: SimRouter;
  readonly unit: SimUnit;
  readonly member: number;
  readonly virtualRouter: number;
  readonly segment: number;
  readonly instance: VrrpInstance;
  /** The effective one. Of two that both own the addresses one gives its up: there the machine's word is taken. */
  priority: number;
  /** Its addresses are on the interface: also when the process was killed. */
  held: boolean;
}

export interface SimUnit {
  readonly index: number;
  readonly seats: readonly Seat[];
  group: Group;
  /** When the timer that is set fires; Infinity: none is. */
  timerAt: number;
}

/** One event and what came of it, for whoever watches over the rules. */
export interface Turn {
  readonly seat: Seat;
  readonly event: Event;
  readonly before: Group;
  readonly effects: readonly MemberEffect[];
}

/** Where a packet goes, and who watches. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  carry(from: SimRouter, seat: Seat, packet: Packet): void;
  stepped(turn: Turn): void;
  /** All that one cause made happen in this router has happened. */
  settled(router: SimRouter): void;
  note(text: () => string): void;
}

export interface Packet {
  readonly received: Received;
  readonly virtualRouter: number;
  readonly priority: number;
  readonly intervalMs: number;
  readonly from: SimRouter;
  /** What each instance makes of it; undefined: nothing. The codec is a function: the same packet is not decoded twice by the same. */
  readonly meanings: Map<VrrpInstance, Event | undefined>;
}

/** As the kernel's buffer of a socket: what comes when it is full is lost. */
const SOCKET_BUFFER = 200;
/** A process learns of its link and of its data plane by events, which take a moment. */
export const NEWS_MS = 5;
export const DATA_PLANE = 'data plane';

export class SimRouter {
  readonly index: number;
  readonly spec: RouterSpec;
  readonly units: readonly SimUnit[];
  readonly seats: readonly Seat[];
  running = false;
  paused = false;
  readonly downLinks = new Set<number>();
  /** What the process knows of. */
  readonly knownDownLinks = new Set<number>();
  dataplaneDead = false;
  /** In its own time: when it last came back from standing still. */
  awakeSince = Number.NaN;
  /** In its own time: when its priorities changed last. Greater ones may have been due already. */
  reweighedAt = Number.NEGATIVE_INFINITY;
  readonly #around: Surroundings;
  readonly #addresses: readonly string[];
  readonly #packets = new Map<string, Packet>();
  #waiting: Packet[] = [];
  #acted = false;
  /** Timers of a process that was killed mean nothing. */
  life = 0;

  constructor(world: World, index: number, around: Surroundings) {
    this.index = index;
    this.spec = world.routers[index]!;
    this.#around = around;
    this.#addresses = world.virtualRouters.map((virtualRouter) => addressOf(this.spec, virtualRouter));
    this.units = world.groups.map((members, unit) => this.#prepare(world, members, unit));
    this.seats = this.units.flatMap((unit) => unit.seats);
  }

  get localNow(): number {
    return this.spec.clockMs + this.#around.clock.now * this.spec.rate;
  }

  start(): void {
    this.running = true;
    this.life++;
    this.knownDownLinks.clear();
    for (const segment of this.downLinks) this.knownDownLinks.add(segment);
    this.#reset();
    this.#turns(() => {
      for (const seat of this.seats) this.#dispatch(seat, { kind: 'start', faults: this.causes(seat) });
    });
  }

  stop(): void {
    this.#turns(() => {
      for (const seat of this.seats) this.#dispatch(seat, { kind: 'stop' });
    });
    this.running = false;
    this.life++;
  }

  /** Addresses stay where they are. */
  kill(): void {
    this.running = false;
    this.paused = false;
    this.life++;
    this.#reset();
  }

  pause(): void {
    this.paused = true;
  }

  /** In the order of Node's loop: masters' timers, then what waits in the sockets, then the others' timers. */
  resume(): void {
    this.paused = false;
    this.awakeSince = this.localNow;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#turns(() => {
      this.#fire((state) => state.kind === 'master');
      for (const packet of waiting) this.#hear(packet);
      this.#fire((state) => state.kind !== 'master');
    });
  }

  learnLink(segment: number): void {
    const down = this.downLinks.has(segment);
    if (down === this.knownDownLinks.has(segment)) return;
    if (down) this.knownDownLinks.add(segment);
    else this.knownDownLinks.delete(segment);
    const event: Event = { kind: down ? 'fault' : 'recovered', reason: linkReason(segment) };
    this.#turns(() => {
      for (const seat of this.seats.filter((each) => each.segment === segment)) this.#dispatch(seat, event);
    });
  }

  setDataplane(alive: boolean): void {
    this.dataplaneDead = !alive;
    if (!this.running) return;
    this.#turns(() => {
      for (const seat of this.seats) this.#dispatch(seat, { kind: alive ? 'recovered' : 'fault', reason: DATA_PLANE });
    });
  }

  receive(packet: Packet): void {
    if (!this.running) return;
    if (!this.paused) this.#turns(() => this.#hear(packet));
    else if (this.#waiting.length < SOCKET_BUFFER) this.#waiting.push(packet);
  }

  /** Why the process should have this seat in FAULT, as far as it can know. */
  causes({ segment }: Seat): string[] {
    const link = this.knownDownLinks.has(segment) ? [linkReason(segment)] : [];
    return this.dataplaneDead ? [...link, DATA_PLANE] : link;
  }

  state({ unit, member }: Seat): State {
    return unit.group.members[member]!.state;
  }

  #prepare(world: World, members: readonly number[], index: number): SimUnit {
    const instances = members.map((virtualRouter) => instanceOf(world, this.spec, virtualRouter));
    const seats: Seat[] = [];
    const unit: SimUnit = { index, seats, group: createGroup(nameOf(index, members), instances), timerAt: Number.POSITIVE_INFINITY };
    for (const [member, virtualRouter] of members.entries()) {
      const { segment } = world.virtualRouters[virtualRouter]!;
      const instance = instances[member]!;
      seats.push({ router: this, unit, member, virtualRouter, segment, instance, priority: instance.priority, held: false });
    }
    return unit;
  }

  #reset(): void {
    this.#waiting = [];
    for (const unit of this.units) {
      unit.group = createGroup(
        unit.group.name,
        unit.seats.map(({ instance }) => instance),
      );
      unit.timerAt = Number.POSITIVE_INFINITY;
      for (const seat of unit.seats) seat.priority = seat.instance.priority;
    }
  }

  #turns(work: () => void): void {
    this.#acted = false;
    work();
    for (const unit of this.units) this.#arm(unit);
    if (this.#acted) this.#around.settled(this);
  }

  /** As what is tracked would have it: within what a router may have that does not own the addresses. */
  changePriorities(change: number): void {
    this.reweighedAt = this.localNow;
    this.#turns(() => {
      for (const seat of this.seats) {
        const priority = Math.min(254, Math.max(1, seat.instance.priority + change));
        if (seat.instance.priority !== OWNER_PRIORITY) seat.priority = priority;
        this.#dispatch(seat, { kind: 'priority', priority });
      }
    });
  }

  #dispatch(seat: Seat, event: Event): void {
    const { unit, member } = seat;
    const before = unit.group;
    const { group, effects } = stepGroup(before, { member, event }, this.localNow);
    unit.group = group;
    for (const [i, each] of unit.seats.entries())
      if (each.instance.priority === OWNER_PRIORITY) each.priority = group.members[i]!.instance.priority;
    this.#acted ||= effects.length > 0 || event.kind !== 'advert';
    for (const effect of effects) this.#perform(unit, effect);
    this.#around.stepped({ seat, event, before, effects });
  }

  #perform(unit: SimUnit, { member, effect }: MemberEffect): void {
    const seat = unit.seats[member]!;
    switch (effect.kind) {
      case 'send':
        if (!this.downLinks.has(seat.segment)) this.#around.carry(this, seat, this.#packet(seat, effect.priority));
        break;
      case 'claim':
        seat.held = true;
        break;
      case 'release':
        seat.held = false;
        break;
      case 'log':
        this.#around.note(() => `${this.spec.name} ${effect.text}`);
        break;
      default:
        break;
    }
  }

  #packet({ virtualRouter, instance }: Seat, priority: number): Packet {
    const key = `${virtualRouter} ${priority}`;
    const known = this.#packets.get(key);
    if (known !== undefined) return known;
    const source = this.#addresses[virtualRouter]!;
    const message = encode(instance, priority, source);
    const received = instance.family === 4 ? overIpv4(message, { source }) : overIpv6(message, source);
    const { advertIntervalMs: intervalMs } = instance;
    const packet: Packet = { received, virtualRouter, priority, intervalMs, from: this, meanings: new Map() };
    this.#packets.set(key, packet);
    return packet;
  }

  /** One timer for a unit. One that is set too early costs an event; the machine knows what the time is. */
  #arm(unit: SimUnit): void {
    let wake = Number.POSITIVE_INFINITY;
    for (const { state } of unit.group.members) wake = Math.min(wake, wakesAt(state));
    if (wake === Number.POSITIVE_INFINITY) return;
    const { clock, random } = this.#around;
    const due = (wake - this.spec.clockMs) / this.spec.rate;
    if (unit.timerAt <= due) return;
    const firesAt = Math.max(due, clock.now) + 0.001 + (random.word() / 2 ** 32) * this.spec.lateMs;
    unit.timerAt = due;
    const life = this.life;
    clock.at(firesAt, () => this.#wake(unit, due, life));
  }

  #wake(unit: SimUnit, due: number, life: number): void {
    if (life !== this.life || unit.timerAt !== due) return;
    unit.timerAt = Number.POSITIVE_INFINITY;
    if (this.paused) return;
    this.#turns(() => this.#fireUnit(unit, () => true));
  }

  #fire(concerns: (state: State) => boolean): void {
    for (const unit of this.units) this.#fireUnit(unit, concerns);
  }

  #fireUnit(unit: SimUnit, concerns: (state: State) => boolean): void {
    for (const seat of unit.seats) {
      const state = this.state(seat);
      if (concerns(state) && wakesAt(state) <= this.localNow) this.#dispatch(seat, { kind: 'timer' });
    }
  }

  #hear(packet: Packet): void {
    for (const seat of this.seats) {
      if (seat.virtualRouter !== packet.virtualRouter) continue;
      const event = this.meaning(seat, packet);
      if (event !== undefined) this.#dispatch(seat, event);
    }
  }

  meaning({ instance, virtualRouter }: Seat, packet: Packet): Event | undefined {
    if (packet.meanings.has(instance)) return packet.meanings.get(instance);
    const decoded = decode(packet.received, instance);
    const event = 'advert' in decoded ? heard(decoded.advert, this.#addresses[virtualRouter]!) : undefined;
    if (event?.kind === 'advert' && (event.priority !== packet.priority || event.intervalMs !== packet.intervalMs))
      throw new Violation('what is heard is what was said', `(${this.spec.name} ${instance.name}) ${JSON.stringify(event)}`);
    packet.meanings.set(instance, event);
    return event;
  }
}

function heard({ priority, intervalMs, source }: Advert, own: string): Event {
  return { kind: 'advert', priority, intervalMs, source, fromHigherAddress: compareAddresses(addressBytes(source), addressBytes(own)) > 0 };
}

function linkReason(segment: number): string {
  return `interface eth${segment} down`;
}

function nameOf(index: number, members: readonly number[]): string | undefined {
  return members.length > 1 ? `G${index}` : undefined;
}

function instanceOf({ virtualRouters }: World, spec: RouterSpec, index: number): VrrpInstance {
  const { id, segment, family, version } = virtualRouters[index]!;
  return vrrpInstance({
    name: `V${index}`,
    interface: `eth${segment}`,
    virtualRouterId: id,
    family,
    version,
    vips: [family === 4 ? `10.0.${segment}.${100 + index}` : `fe80::${segment}:${100 + index}`],
    ...spec.choices[index]!,
  });
}
