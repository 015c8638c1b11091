// natlb as it ought to be: slow, and so plain that one can see it is right. Flows are a list that is searched from its beginning, time is a
// number, packets are words. Written from the semantics (dataplane/protocol.ts, ARCHITECTURE.md, what IPVS documents), not from native/core.
//
// Here is what happens to packets; what they are (packet.ts), what is configured (services.ts), what is remembered (table.ts), of one flow
// (flow.ts, states.ts), and who may be chosen (choosing.ts, schedulers.ts) stand beside it.
//
// Modelled: services with several listeners, ranges and firewall marks, all schedulers (schedulers.ts), weights, thresholds, persistence,
// removal and return of services and destinations, TCP states and idle times, UDP, one-packet scheduling, RST within the window, reuse of a
// client's port, refusals, sloppy pickup and takeovers, farewells, a full table, packets that come in one batch.
// Not modelled: limits of half-open flows, FTP, ICMP errors, fragments, SCTP, TTL and MTU, flags of sh and mh, IPv6 (native code has one path
// for both families; packet rows hold them side by side).

import type { Service, Snapshot } from '../../dataplane/protocol.js';
import { Choosing, isAvailable } from './choosing.js';
import { type Flow, farewell, type Home, heard, isBelievable, isHalfOpen, isOver, sideOf, type Template } from './flow.js';
import { type Endpoint, idOf, type Outcome, opens, type Packet, refuse, reset, same } from './packet.js';
import { type Asked, SCHEDULERS } from './schedulers.js';
import { Services } from './services.js';
import { nextState } from './states.js';
import { Table } from './table.js';

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
  readonly table: Table;
  private readonly choosing: Choosing;
  private services = new Services([], {});
  private takeoverMs = 0;
  private takeoverUntil = 0;
  /** The packets of the batch under way that are known to belong to a flow. */
  private carried: { readonly packet: Packet; flow?: Flow; outcome?: Outcome }[] = [];
  private survives: (flow: Flow) => boolean = () => true;

  /** `capacity`: flows and templates that there is room for. */
  constructor(capacity: number) {
    this.table = new Table(capacity);
    this.choosing = new Choosing(this.table);
  }

  /** Returns the RSTs that flows without their destination are given. */
  configure({ services, timeouts, takeoverMs }: Pick<Snapshot, 'services' | 'timeouts' | 'takeoverMs'>): Packet[] {
    this.services = new Services(services, timeouts);
    this.takeoverMs = takeoverMs;
    this.choosing.forgetAll();
    this.table.configure(services);
    const orphans = this.table.flows.filter(({ home }) => !home.configured);
    const farewells = orphans.map((flow) => ({ flow, packets: this.farewell(flow) }));
    const ended = farewells.filter(({ flow, packets }) => flow.protocol === 'udp' || packets.length > 0);
    for (const { flow } of ended) this.table.end(flow);
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
      const due = [...this.table.flows, ...this.table.templates]
        .filter(({ expiresAt }) => expiresAt <= until)
        .sort((a, b) => a.expiresAt - b.expiresAt)[0];
      if (due === undefined) break;
      if ('network' in due) this.table.expireTemplate(due);
      else {
        farewells.push(...this.farewell(due));
        this.table.end(due);
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
    const flow = this.table.flows.find((one) => sideOf(one, packet) !== undefined);
    if (flow === undefined) return this.placeFirst(packet, chosen);
    if (sideOf(flow, packet) !== 'client' || !opens(packet) || !isOver(flow)) return { flow };
    this.succeed(flow);
    return this.placeFirst(packet, chosen);
  }

  /** Another flow begins in its place: what came for it in the same batch comes too late. */
  private succeed(flow: Flow): void {
    for (const late of this.carried.filter((one) => one.flow === flow)) late.outcome = { verdict: 'no_flow' };
    this.table.end(flow);
  }

  /** Of each destination of each service in the configuration. */
  counts(): { service: string; id: string; active: number; inactive: number; persistent: number }[] {
    return this.services.all.flatMap(({ name, destinations }) =>
      destinations.map((destination) => {
        const home = this.table.homeOf(name, idOf(destination))!;
        const { active, inactive } = this.table.loadOf(home);
        const persistent = this.table.templates.filter((template) => template.home === home).length;
        return { service: name, id: home.id, active, inactive, persistent };
      }),
    );
  }

  private farewell(flow: Flow): Packet[] {
    return this.services.resets(flow.service) ? farewell(flow) : [];
  }

  private carry(flow: Flow, packet: Packet): Outcome {
    const side = sideOf(flow, packet)!;
    flow.replied ||= side === 'server';
    if (isBelievable(flow, side, packet)) {
      flow.state = heard(flow, side, packet);
      flow.expiresAt = this.now + this.services.idleMs(flow.service, flow.state);
    }
    return side === 'client'
      ? { verdict: 'forwarded', sent: { ...packet, to: flow.server } }
      : { verdict: 'returned', sent: { ...packet, from: flow.virtual } };
  }

  // ---- a packet of no flow

  private placeFirst(packet: Packet, chosen: Endpoint | undefined): Placed {
    const service = this.services.at(packet);
    if (service === undefined)
      return { outcome: this.services.answerOfOnePacket(packet) ?? { verdict: this.services.isServer(packet) ? 'no_flow' : 'no_service' } };
    if (packet.protocol === 'tcp' && !opens(packet) && !this.isPickedUp(packet, service)) return { outcome: this.refuseStray(packet) };
    return this.open(packet, service, chosen);
  }

  private isPickedUp({ flags }: Packet, { sloppy }: Service): boolean {
    return !flags.includes('R') && (sloppy === 'always' || (sloppy === 'takeover' && this.now < this.takeoverUntil));
  }

  private refuseStray(packet: Packet): Outcome {
    if (this.now < this.takeoverUntil) return { verdict: 'taken_over' };
    return reset(packet, 'answered_reset');
  }

  private open(packet: Packet, service: Service, chosen: Endpoint | undefined): Placed {
    const known = this.table.knownTemplate(packet, service);
    const template = known?.home.configured ? known : undefined;
    const asked = this.choosing.asked(packet, service);
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
    if (template === undefined) this.choosing.remember(service, asked, picked, stepped);
    if (service.onePacket) return { outcome: { verdict: 'forwarded', sent: { ...packet, to: server } } };
    const rival = this.table.rivalOf(packet, server);
    if (rival !== undefined && !isOver(rival)) throw new Disagreement(`${picked} has a flow with ${idOf(packet.from)} already`);
    if (rival !== undefined) this.succeed(rival);
    this.makeRoom(choice);
    return { flow: this.create(choice, this.table.homeOf(service.name, picked)!, server) };
  }

  private openNowhere(choice: Choice): Outcome {
    const { packet, service, template, asked, permitted } = choice;
    if (permitted.some((id) => !this.isFree(choice, id))) {
      this.choosing.forget(service);
      this.keepAfterAll(choice);
      return { verdict: 'tuple_in_use' };
    }
    // Whom the scheduler chose before it was found out that there is no room cannot be seen, nor whose flow has made room for nothing.
    if (permitted.length > 0 && !this.hasRoom(choice) && !service.onePacket) {
      this.choosing.forget(service);
      if (template !== undefined) this.table.keep(packet, service, template.home, this.now);
      return { verdict: 'flow_table_full' };
    }
    if (permitted.length > 0 && !(SCHEDULERS[service.scheduler]!.mayRefuse && template === undefined))
      throw new Disagreement(`${service.name} (${service.scheduler}) has ${permitted.join(', ')} to choose from`);
    if (asked.candidates.some(({ id }) => isAvailable(asked, id))) this.choosing.forget(service);
    return refuse(packet, service);
  }

  /** The template is made when the destination is chosen, and made new, whatever becomes of the flow. */
  private keepAfterAll(choice: Choice): void {
    const { packet, service, permitted } = choice;
    if (service.persistence === undefined) return;
    if (permitted.length !== 1)
      throw new Disagreement(`which of ${permitted.join(', ')} ${service.name} keeps the client with cannot be seen`);
    this.table.keep(packet, service, this.table.homeOf(service.name, permitted[0]!)!, this.now);
  }

  private create(choice: Choice, home: Home, server: Endpoint): Flow {
    const { packet, service } = choice;
    const template = service.persistence === undefined ? undefined : this.table.keep(packet, service, home, this.now);
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
    this.table.add(flow);
    return flow;
  }

  /** A flow that nobody has completed, an old one, gives way to a new one, but not to a template. */
  private makeRoom(choice: Choice): void {
    if (!this.hasRoom(choice)) throw new Disagreement('there is no room for another flow');
    while (this.table.free < this.needs(choice)) {
      const halfOpen = this.table.flows.filter(isHalfOpen);
      const victim = halfOpen.find((flow) => !this.survives(flow)) ?? halfOpen[0];
      if (victim !== undefined) this.succeed(victim);
    }
  }

  private hasRoom(choice: Choice): boolean {
    return this.table.yieldable >= this.needs(choice);
  }

  /** A client that is to be kept needs room for a template too, unless it has one. */
  private needs({ packet, service }: Choice): number {
    return service.persistence === undefined || this.table.knownTemplate(packet, service) !== undefined ? 1 : 2;
  }

  private serverOf({ packet, service }: Choice, id: string): Endpoint {
    const { address, port } = this.table.homeOf(service.name, id)!.destination;
    return { address, port: port === 0 ? packet.to.port : port };
  }

  private isFree(choice: Choice, id: string): boolean {
    const rival = this.table.rivalOf(choice.packet, this.serverOf(choice, id));
    return choice.service.onePacket || rival === undefined || isOver(rival);
  }
}
