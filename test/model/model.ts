// natlb as it ought to be: slow, and so plain that one can see it is right. Flows are a list that is searched from its beginning, time is a
// number, packets are words. Written from the semantics (dataplane/protocol.ts, ARCHITECTURE.md, what IPVS documents), not from native/core.
//
// Modelled: services with several listeners, ranges and firewall marks, all schedulers (schedulers.ts), weights, thresholds, persistence,
// removal and return of services and destinations, TCP states and idle times, UDP, one-packet scheduling, RST within the window, reuse of a
// client's port, refusals, sloppy pickup and takeovers, farewells, a full table, packets that come in one batch.
// Not modelled: limits of half-open flows, FTP, ICMP errors, fragments, SCTP, TTL and MTU, flags of sh and mh, IPv6 (native code has one path
// for both families; packet rows hold them side by side).

import type { Destination, Listener, Service, Snapshot } from '../../dataplane/protocol.js';
import { type Asked, type Past, SCHEDULERS } from './schedulers.js';
import { nextState, type Side, STATES } from './states.js';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Packet {
  readonly protocol: 'tcp' | 'udp';
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** Of TCP: letters of S A F R; none at all is a packet too. */
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
}

/** What became of a packet: its verdict, and the packet that left, if any. */
export interface Outcome {
  readonly verdict: string;
  readonly sent?: Packet | Unreachable;
}

/** An ICMP error of ours, about the packet that came. */
export interface Unreachable {
  readonly protocol: 'icmp';
  readonly about: Packet;
}

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

const same = (a: Endpoint, b: Endpoint) => a.address === b.address && a.port === b.port;
const idOf = ({ address, port }: { readonly address: string; readonly port: number }) => `${address}:${port}`;

/** A first packet that asks for a destination, and who may be given it. */
interface Choice {
  readonly packet: Packet;
  readonly service: Service;
  readonly template: Template | undefined;
  readonly asked: Asked;
  readonly permitted: readonly string[];
}

type Placed = { readonly flow: Flow } | { readonly outcome: Outcome };

/** The model and what it was told disagree: the message says about what. */
export class Disagreement extends Error {}

export class Model {
  now = 0;
  flows: Flow[] = [];
  templates: Template[] = [];
  private services: readonly Service[] = [];
  private timeouts: Snapshot['timeouts'] = {};
  private takeoverMs = 0;
  private takeoverUntil = 0;
  private homes: Home[] = [];
  private readonly pasts = new Map<string, Past & { availability?: string }>();
  /** The packets of the batch under way that are known to belong to a flow. */
  private carried: { readonly packet: Packet; flow?: Flow; outcome?: Outcome }[] = [];

  private survives: (flow: Flow) => boolean = () => true;

  /** `capacity`: flows and templates that there is room for. */
  constructor(private readonly capacity: number) {}

  /** Returns the RSTs that flows without their destination are given. */
  configure({ services, timeouts, takeoverMs }: Pick<Snapshot, 'services' | 'timeouts' | 'takeoverMs'>): Packet[] {
    this.services = services;
    this.timeouts = timeouts;
    this.takeoverMs = takeoverMs;
    this.pasts.clear();
    for (const home of this.homes) home.configured = false;
    for (const service of services) {
      for (const destination of service.destinations) this.settle(service, destination);
    }
    const orphans = this.flows.filter(({ home }) => !home.configured);
    const farewells = orphans.map((flow) => ({ flow, packets: this.farewell(flow) }));
    const ended = farewells.filter(({ flow, packets }) => flow.protocol === 'udp' || packets.length > 0);
    for (const { flow } of ended) this.end(flow);
    return farewells.flatMap(({ packets }) => packets);
  }

  takeOver(): void {
    this.takeoverUntil = this.now + this.takeoverMs;
  }

  /** Returns the RSTs of flows that were idle for too long. */
  advance(ms: number): Packet[] {
    const until = this.now + ms;
    const farewells: Packet[] = [];
    for (;;) {
      const due = [...this.flows, ...this.templates]
        .filter(({ expiresAt }) => expiresAt <= until)
        .sort((a, b) => a.expiresAt - b.expiresAt)[0];
      if (due === undefined) break;
      if ('network' in due) this.expireTemplate(due);
      else {
        farewells.push(...this.farewell(due));
        this.end(due);
      }
    }
    this.now = until;
    return farewells;
  }

  /**
   * Packets that come in one batch: first each is given its flow, then they travel one after the other. `chosen`: the server that the
   * implementation under test sent each to, if it did; the model holds it to what it may choose. `survives`: whether it still has a flow
   * afterwards, which tells who gave way in a full table.
   */
  receive(packets: readonly Packet[], chosen: readonly (Endpoint | undefined)[], survives: (flow: Flow) => boolean): Outcome[] {
    this.carried = [];
    this.survives = survives;
    packets.forEach((packet, at) => {
      this.carried.push({ packet });
      const placed = this.place(packet, chosen[at]);
      Object.assign(this.carried[at]!, placed);
    });
    return this.carried.map(({ packet, flow, outcome }) => outcome ?? this.carry(flow!, packet));
  }

  private place(packet: Packet, chosen: Endpoint | undefined): Placed {
    const flow = this.flows.find((one) => this.sideOf(one, packet) !== undefined);
    if (flow === undefined) return this.placeFirst(packet, chosen);
    if (this.sideOf(flow, packet) !== 'client' || !opens(packet) || !isOver(flow)) return { flow };
    this.succeed(flow);
    return this.placeFirst(packet, chosen);
  }

  /** Another flow begins in its place: what came for it in the same batch comes too late. */
  private succeed(flow: Flow): void {
    for (const late of this.carried.filter((one) => one.flow === flow)) late.outcome = { verdict: 'no_flow' };
    this.end(flow);
  }

  /** Of each destination of each service in the configuration. */
  counts(): { service: string; id: string; active: number; inactive: number; persistent: number }[] {
    return this.services.flatMap(({ name, destinations }) =>
      destinations.map((destination) => {
        const home = this.homeOf(name, idOf(destination))!;
        const { active, inactive } = this.loadOf(home);
        const persistent = this.templates.filter((template) => template.home === home).length;
        return { service: name, id: home.id, active, inactive, persistent };
      }),
    );
  }

  private sideOf(flow: Flow, { protocol, from, to }: Packet): Side | undefined {
    if (flow.protocol !== protocol) return undefined;
    if (same(flow.client, from) && same(flow.virtual, to)) return 'client';
    return same(flow.server, from) && same(flow.client, to) ? 'server' : undefined;
  }

  // ---- a packet of a flow

  private carry(flow: Flow, packet: Packet): Outcome {
    const side = this.sideOf(flow, packet)!;
    flow.replied ||= side === 'server';
    if (flow.protocol === 'udp') this.enter(flow, 'UDP');
    else if (this.isBelievable(flow, side, packet)) this.follow(flow, side, packet);
    return side === 'client'
      ? { verdict: 'forwarded', sent: { ...packet, to: flow.server } }
      : { verdict: 'returned', sent: { ...packet, from: flow.virtual } };
  }

  /**
   * A RST far from what its receiver expects tells nothing: who made it up does not know the connection (RFC 5961). A server that knows
   * nothing of the connection answers with sequence number 0.
   */
  private isBelievable({ clientExpects, serverExpects }: Flow, side: Side, { flags, seq }: Packet): boolean {
    if (side === 'server' && seq === 0 && flags.includes('A')) return true;
    const expected = side === 'client' ? serverExpects : clientExpects;
    return !flags.includes('R') || expected === undefined || sequence(seq - expected + 65_536) < 65_536 + 1_048_576;
  }

  private follow(flow: Flow, side: Side, { flags, seq, ack }: Packet): void {
    if (!flags.includes('R')) {
      if (flags.includes('A')) {
        if (side === 'client') flow.clientExpects = ack;
        else flow.serverExpects = ack;
      } else if (flags.includes('S') && side === 'client' && isHalfOpen(flow)) flow.serverExpects = sequence(seq + 1);
    }
    this.enter(flow, nextState(flow.state, side, flags));
  }

  private enter(flow: Flow, state: string): void {
    flow.state = state;
    flow.expiresAt = this.now + this.idleMs(flow.home, state);
  }

  private idleMs({ service }: Home, state: string): number {
    const own = this.services.find(({ name }) => name === service)?.timeouts[state];
    return own ?? this.timeouts[state] ?? STATES[state]!.seconds * 1000;
  }

  // ---- a packet of no flow

  private placeFirst(packet: Packet, chosen: Endpoint | undefined): Placed {
    const service = this.serviceAt(packet);
    if (service === undefined)
      return { outcome: this.answerOfOnePacket(packet) ?? { verdict: this.isServer(packet) ? 'no_flow' : 'no_service' } };
    if (packet.protocol === 'tcp' && !opens(packet) && !this.isPickedUp(packet, service)) return { outcome: this.refuseStray(packet) };
    return this.open(packet, service, chosen);
  }

  /** Nothing is remembered of packets that are scheduled each for itself, so whatever their server says from its port is an answer. */
  private answerOfOnePacket(packet: Packet): Outcome | undefined {
    const service = this.services.find(({ onePacket, destinations }) => onePacket && destinations.some((one) => same(one, packet.from)));
    if (service === undefined || packet.protocol !== 'udp') return undefined;
    const [{ address, firstPort }] = service.listeners as readonly [Listener];
    return { verdict: 'returned', sent: { ...packet, from: { address, port: firstPort } } };
  }

  /** Firewall marks, then single ports, then ranges in the order of the configuration. */
  private serviceAt({ protocol, to }: Packet): Service | undefined {
    const listening = this.services.flatMap((service) =>
      service.listeners
        .filter((one) => one.protocol === protocol && one.address === to.address && one.firstPort <= to.port && to.port <= one.lastPort)
        .map((listener) => ({ service, single: listener.firstPort === listener.lastPort })),
    );
    const marked = listening.find(({ service }) => service.identity.kind === 'fwmark');
    return (marked ?? listening.find(({ single }) => single) ?? listening[0])?.service;
  }

  private isServer({ protocol, from }: Packet): boolean {
    return this.services.some(
      ({ listeners, destinations }) =>
        listeners.some((listener) => listener.protocol === protocol) &&
        destinations.some((one) => one.address === from.address && (one.port === from.port || this.answersFrom(listeners, one, from.port))),
    );
  }

  /** A destination without a port of its own answers from those it is asked at. */
  private answersFrom(listeners: Service['listeners'], destination: Destination, port: number): boolean {
    return destination.port === 0 && listeners.some(({ firstPort, lastPort }) => firstPort <= port && port <= lastPort);
  }

  private isPickedUp({ flags }: Packet, { sloppy }: Service): boolean {
    return !flags.includes('R') && (sloppy === 'always' || (sloppy === 'takeover' && this.now < this.takeoverUntil));
  }

  private refuseStray(packet: Packet): Outcome {
    if (this.now < this.takeoverUntil) return { verdict: 'taken_over' };
    return reset(packet, 'answered_reset');
  }

  private open(packet: Packet, service: Service, chosen: Endpoint | undefined): Placed {
    const template = this.templateFor(packet, service);
    const asked = this.asked(packet, service);
    const permitted = template === undefined ? SCHEDULERS[service.scheduler]!.permitted(asked) : [template.home.id];
    const choice: Choice = { packet, service, template, asked, permitted };
    const picked = chosen === undefined ? undefined : asked.candidates.find(({ id }) => same(this.serverOf(choice, id), chosen))?.id;
    return picked === undefined ? { outcome: this.openNowhere(choice) } : this.openAt(choice, picked);
  }

  private openAt(choice: Choice, picked: string): Placed {
    const { packet, service, template, asked, permitted } = choice;
    const server = this.serverOf(choice, picked);
    // Where the pick was taken already others were tried, and the scheduler has moved on by some steps that nobody saw.
    const stepped = permitted.some((id) => !this.isFree(choice, id));
    if (!permitted.includes(picked) && !(stepped && template === undefined && isAvailable(asked, picked)))
      throw new Disagreement(`${service.name} (${service.scheduler}) may choose ${permitted.join(', ') || 'nobody'}, not ${picked}`);
    if (template === undefined) this.remember(service, asked, picked, stepped);
    if (service.onePacket) return { outcome: { verdict: 'forwarded', sent: { ...packet, to: server } } };
    const rival = this.rivalOf(packet, server);
    if (rival !== undefined && !isOver(rival)) throw new Disagreement(`${picked} has a flow with ${idOf(packet.from)} already`);
    if (rival !== undefined) this.succeed(rival);
    this.makeRoom(choice);
    return { flow: this.create(choice, this.homeOf(service.name, picked)!, server) };
  }

  private openNowhere(choice: Choice): Outcome {
    const { packet, service, template, asked, permitted } = choice;
    if (permitted.some((id) => !this.isFree(choice, id))) {
      this.forget(service);
      this.keepAfterAll(choice);
      return { verdict: 'tuple_in_use' };
    }
    // Whom the scheduler chose before it was found out that there is no room cannot be seen, nor whose flow has made room for nothing.
    if (permitted.length > 0 && !this.hasRoom(choice) && !service.onePacket) {
      this.forget(service);
      if (template !== undefined) this.keep(choice, template.home);
      return { verdict: 'flow_table_full' };
    }
    if (permitted.length > 0 && !(SCHEDULERS[service.scheduler]!.mayRefuse && template === undefined))
      throw new Disagreement(`${service.name} (${service.scheduler}) has ${permitted.join(', ')} to choose from`);
    if (asked.candidates.some(({ id }) => isAvailable(asked, id))) this.forget(service);
    return refuse(packet, service);
  }

  /** The template is made when the destination is chosen, and made new, whatever becomes of the flow. */
  private keepAfterAll(choice: Choice): void {
    const { service, permitted } = choice;
    if (service.persistence === undefined) return;
    if (permitted.length !== 1)
      throw new Disagreement(`which of ${permitted.join(', ')} ${service.name} keeps the client with cannot be seen`);
    this.keep(choice, this.homeOf(service.name, permitted[0]!)!);
  }

  private create(choice: Choice, home: Home, server: Endpoint): Flow {
    const { packet, service } = choice;
    const template = service.persistence === undefined ? undefined : this.keep(choice, home);
    const flow: Flow = {
      protocol: packet.protocol,
      client: packet.from,
      virtual: packet.to,
      service: service.name,
      home,
      server,
      ...(template === undefined ? {} : { template }),
      state: packet.protocol === 'tcp' ? nextState('NONE', 'client', packet.flags) : 'UDP',
      expiresAt: Number.POSITIVE_INFINITY,
      replied: false,
    };
    this.flows.push(flow);
    this.judge(home);
    return flow;
  }

  /** A flow that nobody has completed, an old one, gives way to a new one, but not to a template. */
  private makeRoom(choice: Choice): void {
    if (!this.hasRoom(choice)) throw new Disagreement('there is no room for another flow');
    while (this.free < this.needs(choice)) {
      const halfOpen = this.flows.filter(isHalfOpen);
      const victim = halfOpen.find((flow) => !this.survives(flow)) ?? halfOpen[0];
      if (victim !== undefined) this.succeed(victim);
    }
  }

  private hasRoom(choice: Choice): boolean {
    return this.free + this.flows.filter(isHalfOpen).length >= this.needs(choice);
  }

  private get free(): number {
    return this.capacity - this.flows.length - this.templates.length;
  }

  /** A client that is to be kept needs room for a template too, unless it has one. */
  private needs({ packet, service }: Choice): number {
    return service.persistence === undefined || this.knownTemplate(packet, service) !== undefined ? 1 : 2;
  }

  private serverOf({ packet, service }: Choice, id: string): Endpoint {
    const { address, port } = this.homeOf(service.name, id)!.destination;
    return { address, port: port === 0 ? packet.to.port : port };
  }

  private rivalOf({ protocol, from }: Packet, server: Endpoint): Flow | undefined {
    return this.flows.find((flow) => flow.protocol === protocol && same(flow.client, from) && same(flow.server, server));
  }

  private isFree(choice: Choice, id: string): boolean {
    const rival = this.rivalOf(choice.packet, this.serverOf(choice, id));
    return choice.service.onePacket || rival === undefined || isOver(rival);
  }

  // ---- scheduling

  private asked(packet: Packet, service: Service): Asked {
    const candidates = service.destinations.map((destination) => {
      const home = this.homeOf(service.name, idOf(destination))!;
      return { id: home.id, weight: destination.weight, overloaded: home.overloaded, ...this.loadOf(home) };
    });
    const availability = candidates.map(({ overloaded }) => overloaded).join();
    const past: Past & { availability?: string } = this.pasts.get(service.name) ?? { homes: new Map(), picks: [] };
    if (past.availability !== availability) past.picks = [];
    past.availability = availability;
    this.pasts.set(service.name, past);
    return { candidates, sourceKey: packet.from.address, targetKey: packet.to.address, past };
  }

  private remember(service: Service, asked: Asked, picked: string, stepped: boolean): void {
    const { past } = asked;
    past.last = picked;
    past.picks = stepped ? [] : [...past.picks, picked];
    const key = SCHEDULERS[service.scheduler]!.homeKey?.(asked);
    if (key !== undefined) past.homes.set(key, picked);
  }

  /** The scheduler has moved, and nobody saw where to. */
  private forget({ name }: Service): void {
    const past = this.pasts.get(name);
    if (past === undefined) return;
    past.last = undefined;
    past.picks = [];
  }

  // ---- persistence

  private knownTemplate({ from }: Packet, { name, persistence }: Service): Template | undefined {
    if (persistence === undefined) return undefined;
    const network = networkOf(from.address, persistence.prefixLength);
    return this.templates.find((one) => one.service === name && one.network === network);
  }

  private templateFor(packet: Packet, service: Service): Template | undefined {
    const known = this.knownTemplate(packet, service);
    return known?.home.configured ? known : undefined;
  }

  private keep({ packet, service }: Choice, home: Home): Template {
    const { timeoutMs, prefixLength } = service.persistence!;
    const known = this.knownTemplate(packet, service);
    const template = known ?? { service: service.name, network: networkOf(packet.from.address, prefixLength), home, expiresAt: 0 };
    if (known === undefined) this.templates.push(template);
    template.home = home;
    template.expiresAt = this.now + timeoutMs;
    return template;
  }

  /** It outlives its flows, and is looked at again after a minute while it has any. */
  private expireTemplate(template: Template): void {
    if (this.flows.some((flow) => flow.template === template)) template.expiresAt += 60_000;
    else this.templates = this.templates.filter((one) => one !== template);
  }

  // ---- destinations

  private settle(service: Service, destination: Destination): void {
    const known = this.homeOf(service.name, idOf(destination));
    if (known === undefined) {
      this.homes.push({ service: service.name, id: idOf(destination), destination, configured: true, overloaded: false });
      return;
    }
    // As IPVS: a threshold that is taken away or raised lets new flows in at once; one that is lowered counts from the next flow on.
    const [before, after] = [known.destination.upperThreshold ?? 0, destination.upperThreshold ?? 0];
    if (after === 0 || after > before) known.overloaded = false;
    known.destination = destination;
    known.configured = true;
  }

  private homeOf(service: string, id: string): Home | undefined {
    return this.homes.find((home) => home.service === service && home.id === id);
  }

  private loadOf(home: Home): { active: number; inactive: number } {
    const own = this.flows.filter((flow) => flow.home === home);
    const active = own.filter(({ state }) => STATES[state]!.active).length;
    return { active, inactive: own.length - active };
  }

  /** Full from the upper threshold on, until there are fewer flows than the lower one, or than three quarters of the upper. */
  private judge(home: Home): void {
    const { upperThreshold = 0, lowerThreshold = 0 } = home.destination;
    const { active, inactive } = this.loadOf(home);
    const total = active + inactive;
    if (upperThreshold > 0 && total >= upperThreshold) home.overloaded = true;
    else if (upperThreshold === 0 || total < (lowerThreshold > 0 ? lowerThreshold : (upperThreshold * 3) / 4)) home.overloaded = false;
  }

  // ---- ends

  private end(flow: Flow): void {
    this.flows = this.flows.filter((one) => one !== flow);
    this.judge(flow.home);
  }

  /** RST to both sides, so that neither waits for a connection that is gone. Not of handshakes that never were completed. */
  private farewell({ protocol, state, client, virtual, server, service, clientExpects, serverExpects }: Flow): Packet[] {
    const alive = ['ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT'].includes(state);
    const resets = this.services.find(({ name }) => name === service)?.resets ?? true;
    if (protocol !== 'tcp' || !alive || !resets || clientExpects === undefined || serverExpects === undefined) return [];
    return [
      { protocol, from: virtual, to: client, flags: 'RA', seq: clientExpects, ack: serverExpects },
      { protocol, from: client, to: server, flags: 'RA', seq: serverExpects, ack: clientExpects },
    ];
  }
}

/** TCP's numbers go round at 2^32. */
function sequence(number: number): number {
  return ((number % 2 ** 32) + 2 ** 32) % 2 ** 32;
}

function opens({ protocol, flags }: Packet): boolean {
  return protocol === 'udp' || (flags.includes('S') && !/[ARF]/.test(flags));
}

function isOver({ state }: Flow): boolean {
  return state === 'TIME_WAIT' || state === 'CLOSE';
}

function isHalfOpen({ protocol, replied, state }: Flow): boolean {
  return protocol === 'tcp' && (!replied || ['NONE', 'SYN_SENT', 'SYN_RECV', 'SYNACK'].includes(state));
}

function isAvailable({ candidates }: Asked, id: string): boolean {
  return candidates.some((one) => one.id === id && one.weight > 0 && !one.overloaded);
}

function refuse(packet: Packet, { noDestination }: Service): Outcome {
  if (noDestination === 'drop') return { verdict: 'no_destination' };
  const resets = packet.protocol === 'tcp' && noDestination !== 'icmp';
  return resets
    ? reset(packet, 'answered_no_destination')
    : { verdict: 'answered_no_destination', sent: { protocol: 'icmp', about: packet } };
}

/** As a host answers a segment of no connection; never a RST. */
function reset({ protocol, from, to, flags, seq, ack }: Packet, verdict: string): Outcome {
  if (flags.includes('R')) return { verdict: 'no_flow' };
  const taken = (flags.includes('S') ? 1 : 0) + (flags.includes('F') ? 1 : 0);
  const answer = flags.includes('A') ? { flags: 'R', seq: ack, ack: 0 } : { flags: 'RA', seq: 0, ack: sequence(seq + taken) };
  return { verdict, sent: { protocol, from: to, to: from, ...answer } };
}

/** Of IPv4. */
function networkOf(address: string, prefixLength: number): string {
  const bits = address
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  return bits.slice(0, prefixLength);
}
