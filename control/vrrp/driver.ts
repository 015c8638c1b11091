// VRRP at work: the instances of a configuration on real interfaces, real sockets and the real clock.

import { uptime } from 'node:os';
import type { Config, VrrpInstance } from '../config/model.js';
import type { InstanceStatus } from '../status.js';
import { addressBytes, compareAddresses } from './address-bytes.js';
import { type Authenticator, createAuthenticator, type Memory, noMemory } from './authenticator.js';
import { type ChecksumForms, COUNTED_AS, type Counters, noCounts } from './counters.js';
import { type Advert, type Decoded, type Discarded, decode, virtualRouterIdOf } from './decode.js';
import { announcement } from './frames.js';
import { HASHES } from './hashes.js';
import type { VrrpHost } from './host.js';
import { advertInterface, otherInterfaces } from './interfaces.js';
import { heldAddresses, Links, linkFault, sourceAddress, virtualAddresses } from './links.js';
import { createLogLimit } from './log-limit.js';
import { outgoing } from './outgoing.js';
import { PacedAnnouncer } from './paced-announcer.js';
import type { Announcement } from './pacing.js';
import type { Received } from './packet.js';
import { planUnits, samePlan, type UnitPlan } from './plan.js';
import { Possessions } from './possessions.js';
import { sameElection } from './reconfigure.js';
import { type Happening, OWNER_PRIORITY, type State } from './state.js';
import { type GroupState, type Hands, monotonicMs, Unit } from './unit.js';

export type VrrpConfig = Pick<Config, 'instances' | 'syncGroups' | 'global'>;

export interface VrrpOptions {
  readonly config: VrrpConfig;
  readonly host: VrrpHost;
  readonly log: (text: string) => void;
  /** Some instance's state, or what it holds, is not what it was. */
  readonly onChange: () => void;
  /** What keepalived would tell its notify scripts and FIFOs. */
  readonly onTransition?: (transition: Transition) => void;
  /** What stands from the start on. */
  readonly faults?: readonly { readonly reason: string; readonly instance?: string }[];
  /** Effective ones, where they are not the configured. */
  readonly priorities?: ReadonlyMap<string, number>;
}

export type Transition =
  | {
      readonly what: 'INSTANCE';
      readonly name: string;
      readonly state: GroupState | 'STOP' | 'DELETED' | Happening;
      /** The effective one. */
      readonly priority: number;
    }
  | { readonly what: 'GROUP'; readonly name: string; readonly state: GroupState | 'STOP' | 'DELETED'; readonly priority: 0 };

export interface VrrpInstanceStatus extends InstanceStatus {
  /** How many adverts came with which form of checksum. */
  readonly checksumForms: Readonly<ChecksumForms>;
}

export interface Vrrp {
  /** Instances that are alike before and after keep their state; others resign and start again; those no longer asked for release. */
  reload(config: VrrpConfig): void;
  /** The instance may not be master while any such reason stands; without one named, none may. */
  fault(reason: string, instance?: string): void;
  recovered(reason: string, instance?: string): void;
  /** What tracking has made of an instance's priority: 1 to 254. Of no effect on the owner of the addresses. */
  setPriority(instance: string, priority: number): void;
  status(): readonly VrrpInstanceStatus[];
  /** Counts from nothing again, as after STATS_CLEAR. */
  clearCounters(): void;
  /** Once more what was announced when it became master. False: it is not. */
  announceAgain(instance: string): boolean;
  /** Resigns and releases; with `release: false` it leaves the addresses where they are and says nothing. */
  close(options?: { readonly release: boolean }): Promise<void>;
}

const LOG_PERIOD_MS = 60_000;
/** Who is ready is still a backup to everybody outside. */
const TOLD_AS: Partial<Record<State['kind'], GroupState>> = { backup: 'BACKUP', master: 'MASTER', fault: 'FAULT' };

export function startVrrp(options: VrrpOptions): Vrrp {
  return new Driver(options);
}

/** What is known of one instance beside its state; kept over a reload. */
interface Ledger {
  readonly counters: Counters;
  readonly checksumForms: ChecksumForms;
  lastTransitionMs: number;
  linkFault: string | undefined;
  /** Of what authentication has sent and heard. */
  readonly memory: Memory;
  /** Whose advert was heard last. */
  lastSource: string | undefined;
  /** A peer computes checksums as keepalived did until 1.3.6, and we do as well. */
  toMulticastGroup: boolean;
}

interface Running {
  plan: UnitPlan;
  readonly unit: Unit;
  started: boolean;
}

/** One instance and where its state is. */
interface Seat {
  readonly unit: Unit;
  readonly member: number;
  readonly instance: VrrpInstance;
}

class Driver implements Vrrp {
  private readonly options: VrrpOptions;
  private readonly links: Links;
  private readonly announcer: PacedAnnouncer;
  private readonly possessions: Possessions;
  private readonly authenticators = new WeakMap<VrrpInstance, Authenticator>();
  private logsUnknownVrids: boolean;
  private readonly limit = createLogLimit(LOG_PERIOD_MS);
  private readonly ledgers = new Map<string, Ledger>();
  /** From outside: reasons, and the instances they are about; undefined: all. */
  private readonly faults: { readonly reason: string; readonly instance: string | undefined }[] = [];
  private readonly unsubscribe: () => void;
  private running: readonly Running[];
  private virtual: ReadonlySet<string>;
  private startup: NodeJS.Timeout | undefined;
  /** What a reload has told to leave, on its way out. */
  private leaving: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  constructor(options: VrrpOptions) {
    const { config, host } = options;
    this.options = options;
    this.links = new Links({
      host,
      instances: () => this.instances(),
      received: (name, packet) => this.receive(name, packet),
      failed: (text) => this.logLimited(text, text),
      lookAgain: () => this.lookAtLinks(),
    });
    this.announcer = new PacedAnnouncer(config.global, options.log);
    this.logsUnknownVrids = config.global.logUnknownVrids;
    this.possessions = new Possessions({
      host,
      log: options.log,
      lost: (name, what) => this.loseTo(name, what),
      lookAgain: () => this.lookAtLinks(),
    });
    this.virtual = virtualAddresses(config.instances);
    this.running = planUnits(config.instances, config.syncGroups).map((plan) => this.prepare(plan));
    for (const { reason, instance } of options.faults ?? []) this.faults.push({ reason, instance });
    for (const [name, priority] of options.priorities ?? []) this.setPriority(name, priority);
    this.unsubscribe = host.onLinkChange(() => this.lookAtLinks());
    const { vrrpStartupDelayMs, vrrpDelayAfterBootMs } = config.global;
    this.startAfter(Math.max(vrrpStartupDelayMs, vrrpDelayAfterBootMs - uptime() * 1000));
  }

  reload(config: VrrpConfig): void {
    if (this.closing !== undefined) return;
    const plans = planUnits(config.instances, config.syncGroups);
    const before = this.running;
    const next = plans.map((plan) => this.goOn(before, plan) ?? this.prepare(plan));
    const leaving = before.filter((running) => !next.includes(running));
    this.tellDeleted(leaving, config);
    this.announcer.reload(config.global);
    this.logsUnknownVrids = config.global.logUnknownVrids;
    this.virtual = virtualAddresses([...this.instances(), ...config.instances]);
    this.running = next;
    this.leaving = Promise.all([this.leaving, ...leaving.map(({ unit }) => unit.stop())]).then(() => this.settle(next));
    this.options.onChange();
  }

  /** The unit that goes on with this plan, the timers and states it has. */
  private goOn(before: readonly Running[], plan: UnitPlan): Running | undefined {
    const running = before.find((each) => sameElection(each.plan, plan));
    if (running === undefined || samePlan(running.plan, plan)) return running;
    running.plan = plan;
    running.unit.reconfigure(plan.instances);
    return running;
  }

  /** Of one member: the others of its group follow, and come back as soon. */
  private loseTo(name: string, what: string): void {
    for (const { unit, member } of this.seatsNamed(name)) {
      if (unit.stateOf(member).kind !== 'master') continue;
      unit.dispatch(member, { kind: 'lost', what });
      for (const other of unit.instances.keys()) if (other !== member) unit.dispatch(other, { kind: 'lost', what });
    }
  }

  fault(reason: string, instance?: string): void {
    if (!this.faults.some((known) => known.reason === reason && known.instance === instance)) this.faults.push({ reason, instance });
    for (const { unit, member } of this.seatsNamed(instance)) unit.dispatch(member, { kind: 'fault', reason });
  }

  recovered(reason: string, instance?: string): void {
    const at = this.faults.findIndex((known) => known.reason === reason && known.instance === instance);
    if (at >= 0) this.faults.splice(at, 1);
    for (const seat of this.seatsNamed(instance)) {
      const stands = this.faultsOf(seat.instance).includes(reason);
      if (!stands) seat.unit.dispatch(seat.member, { kind: 'recovered', reason });
    }
  }

  /** Also of instances that have not started yet: they will start with it. */
  setPriority(name: string, priority: number): void {
    for (const { unit, member, instance } of this.running.flatMap(seatsOf))
      if (instance.name === name) unit.dispatch(member, { kind: 'priority', priority });
  }

  private faultsOf({ name }: VrrpInstance): string[] {
    return this.faults.filter(({ instance }) => instance === undefined || instance === name).map(({ reason }) => reason);
  }

  private seatsNamed(name: string | undefined): Seat[] {
    return this.seats().filter(({ instance }) => name === undefined || instance.name === name);
  }

  status(): readonly VrrpInstanceStatus[] {
    return this.running.flatMap(({ unit }) => unit.instances.map((instance, member) => this.statusOf({ unit, member, instance })));
  }

  announceAgain(name: string): boolean {
    const seat = this.seatsNamed(name)[0];
    if (seat === undefined || seat.unit.stateOf(seat.member).kind !== 'master') return false;
    this.announce(seat.instance, 1);
    return true;
  }

  clearCounters(): void {
    for (const { counters } of this.ledgers.values()) Object.assign(counters, noCounts());
  }

  close(options: { readonly release: boolean } = { release: true }): Promise<void> {
    this.closing ??= this.end(options.release);
    return this.closing;
  }

  private prepare(plan: UnitPlan): Running {
    return { plan, unit: new Unit(plan.name, plan.instances, this.hands()), started: false };
  }

  private startAfter(delayMs: number): void {
    if (delayMs <= 0) {
      this.startAll();
      return;
    }
    this.startup = setTimeout(() => {
      this.startup = undefined;
      this.startAll();
    }, delayMs);
  }

  private startAll(): void {
    for (const running of this.running) this.start(running);
  }

  private start(running: Running): void {
    if (running.started || this.closing !== undefined) return;
    running.started = true;
    const seats = seatsOf(running);
    const faults = seats.map(({ instance }) => this.noteLinkFault(instance));
    for (const [i, { unit, member, instance }] of seats.entries()) {
      const fault = faults[i];
      unit.dispatch(member, { kind: 'start', faults: [...(fault === undefined ? [] : [fault]), ...this.faultsOf(instance)] });
    }
  }

  /** After those that leave have left: starts what came with the same reload, if no other reload has overtaken it. */
  private async settle(arrived: readonly Running[]): Promise<void> {
    if (this.running !== arrived || this.closing !== undefined) return;
    this.virtual = virtualAddresses(this.instances());
    await this.links.keepOnly(this.instances());
    this.possessions.keepOnly(this.instances());
    this.lookAtLinks();
    if (this.startup === undefined) this.startAll();
  }

  private async end(release: boolean): Promise<void> {
    this.unsubscribe();
    clearTimeout(this.startup);
    if (release) await Promise.all([this.leaving, ...this.running.map(({ unit }) => unit.stop())]);
    else for (const { unit } of this.running) unit.abandon();
    if (release) this.tellAll(this.running, 'STOP');
    this.announcer.close();
    await this.links.close();
    this.possessions.close({ release });
  }

  private instances(): VrrpInstance[] {
    return this.running.flatMap(({ unit }) => unit.instances);
  }

  private seats(): Seat[] {
    return this.running.filter(({ started }) => started).flatMap(seatsOf);
  }

  private ledger({ name }: VrrpInstance): Ledger {
    const known = this.ledgers.get(name);
    if (known !== undefined) return known;
    const checksumForms: ChecksumForms = { 'with-pseudo-header': 0, 'message-only': 0, 'to-multicast-group': 0 };
    const told = { lastTransitionMs: 0, linkFault: undefined, lastSource: undefined, toMulticastGroup: false };
    const ledger: Ledger = { counters: noCounts(), checksumForms, memory: noMemory(), ...told };
    this.ledgers.set(name, ledger);
    return ledger;
  }

  private lookAtLinks(): void {
    for (const { unit, member, instance } of this.seats()) {
      const before = this.ledger(instance).linkFault;
      const after = this.noteLinkFault(instance);
      if (before === after) continue;
      if (after !== undefined) unit.dispatch(member, { kind: 'fault', reason: after });
      if (before !== undefined) unit.dispatch(member, { kind: 'recovered', reason: before });
    }
    this.possessions.look();
  }

  private noteLinkFault(instance: VrrpInstance): string | undefined {
    const link = this.options.host.interface(instance.interface);
    const missing = this.possessions.prepare(instance);
    const fault = linkFault(instance, link, this.virtual) ?? missing ?? this.otherFault(instance) ?? this.links.open(instance);
    this.ledger(instance).linkFault = fault;
    return fault;
  }

  private otherFault(instance: VrrpInstance): string | undefined {
    const down = otherInterfaces(instance).find((name) => this.options.host.interface(name)?.up !== true);
    return down && `interface ${down} ${this.options.host.interface(down) === undefined ? 'does not exist' : 'down'}`;
  }

  private receive(interfaceName: string, packet: Received): void {
    const here = this.seats().filter(({ instance }) => advertInterface(instance) === interfaceName && instance.family === packet.family);
    const virtualRouterId = virtualRouterIdOf(packet);
    const meant = here.filter(({ instance }) => instance.virtualRouterId === virtualRouterId);
    if (meant.length === 0 && this.logsUnknownVrids && virtualRouterId !== undefined)
      this.logLimited(`${interfaceName} ${virtualRouterId}`, `Unknown VRID(${virtualRouterId}) received on ${interfaceName}`);
    this.hear(meant.length > 0 ? meant : here, packet);
  }

  /** Two instances may have one VRID where they have not the same group: what one of them takes is no error of the other's. */
  private hear(seats: readonly Seat[], packet: Received): void {
    const heard = seats.map((seat) => ({ seat, decoded: decode(packet, seat.instance, this.authenticator(seat.instance)) }));
    const taken = heard.some(({ decoded }) => 'advert' in decoded);
    for (const { seat, decoded } of heard) {
      if ('advert' in decoded) this.heed(seat, decoded);
      else if (!taken) this.discard(seat.instance, decoded);
    }
  }

  private discard(instance: VrrpInstance, { discard, detail }: Discarded): void {
    this.ledger(instance).counters[COUNTED_AS[discard]]++;
    // Other routers' business is no error, and a network may be full of it.
    if (discard !== 'virtual-router-id' && discard !== 'other-protocol') this.logAbout(instance, discard, detail);
  }

  private authenticator(instance: VrrpInstance): Authenticator {
    const { memory } = this.ledger(instance);
    const known = this.authenticators.get(instance);
    const authenticator = known ?? createAuthenticator(instance, { memory, hashes: HASHES, wallClockMs: Date.now });
    this.authenticators.set(instance, authenticator);
    return authenticator;
  }

  private heed({ unit, member, instance }: Seat, { advert, datagram }: Exclude<Decoded, Discarded>): void {
    const own = this.sourceOf(instance);
    // To answer oneself through a looping switch would never end.
    if (advert.source === own) {
      this.ledger(instance).counters.fromOwnAddress++;
      this.logAbout(instance, 'own address', `received an advert from our own address ${own}`);
      return;
    }
    if (instance.ownerIgnoreAdverts && unit.priorityOf(member) === OWNER_PRIORITY) {
      this.ledger(instance).counters.ignoredAsOwner++;
      this.logAbout(instance, 'owner', `Dropping packet(s) from ${advert.source} since we are address owner`);
      return;
    }
    this.note(instance, advert);
    const { priority, intervalMs, source } = advert;
    const fromHigherAddress = own === undefined || compareAddresses(addressBytes(source), addressBytes(own)) > 0;
    const lesser = priority < unit.priorityOf(member) && priority > 0;
    if (lesser && unit.stateOf(member).kind === 'master') this.authenticator(instance).resume(datagram);
    unit.dispatch(member, { kind: 'advert', priority, intervalMs, source, fromHigherAddress });
  }

  private note(instance: VrrpInstance, advert: Advert): void {
    const ledger = this.ledger(instance);
    const { counters, checksumForms } = ledger;
    counters.advertsReceived++;
    checksumForms[advert.checksumForm]++;
    if (advert.priority === 0) counters.priorityZeroReceived++;
    const known = instance.skipCheckAdvertAddresses && advert.source === ledger.lastSource;
    ledger.lastSource = advert.source;
    if (advert.addressesDiffer && !known) {
      counters.addressListErrors++;
      this.logAbout(
        instance,
        'addresses',
        `${advert.source} advertises ${advert.addresses.join(', ')}, which is not what is configured here`,
      );
    }
    this.noteChecksum(instance, advert);
  }

  private noteChecksum(instance: VrrpInstance, { version, checksumForm, source }: Advert): void {
    if (version === 2 || instance.family === 6) return;
    const ledger = this.ledger(instance);
    if (checksumForm === 'to-multicast-group') {
      if (!ledger.toMulticastGroup) this.options.log(`(${instance.name}) Setting unicast VRRPv3 checksum to old version`);
      ledger.toMulticastGroup = true;
    } else if ((checksumForm === 'message-only') !== instance.v3ChecksumAsV2) {
      const theirs = checksumForm === 'message-only' ? 'without a pseudo-header (RFC 9568)' : 'with a pseudo-header';
      this.logAbout(instance, 'checksum form', `${source} computes VRRPv3 checksums ${theirs}, unlike us: see v3_checksum_as_v2`);
    }
  }

  private hands(): Hands {
    return {
      send: (instance, priority) => this.send(instance, priority),
      claim: (instance) => this.claim(instance),
      announce: (instance, repeat) => this.announce(instance, repeat),
      announceElsewhere: (instance) => this.announceElsewhere(instance),
      release: (instance) => this.release(instance),
      log: (text) => this.options.log(text),
      changed: (instance, change) => this.noteTransition(instance, change),
      groupChanged: (name, state) => this.options.onTransition?.({ what: 'GROUP', name, state, priority: 0 }),
      tell: ({ name }, state, priority) => this.options.onTransition?.({ what: 'INSTANCE', name, state, priority }),
    };
  }

  private send(instance: VrrpInstance, priority: number): void {
    const source = this.sourceOf(instance);
    const socket = this.links.find(instance);
    if (source === undefined || socket === undefined) return;
    const { counters, toMulticastGroup } = this.ledger(instance);
    const old = toMulticastGroup || instance.oldUnicastChecksum === 'always';
    const authenticator = this.authenticator(instance);
    for (const { packet, destination } of outgoing(instance, {
      priority,
      source,
      authenticator,
      toMulticastGroup: unicast(instance) && old,
    }))
      socket.send(packet, destination);
    counters.advertsSent++;
    if (priority === 0) counters.priorityZeroSent++;
  }

  private sourceOf(instance: VrrpInstance): string | undefined {
    const link = this.options.host.interface(instance.interface);
    return link && sourceAddress(instance, link, this.virtual);
  }

  /** Opens the interfaces for announcements meanwhile, which takes some milliseconds. */
  private async claim(instance: VrrpInstance): Promise<void> {
    this.announce(instance, 0);
    await this.possessions.claim(instance);
    this.options.onChange();
  }

  private async release(instance: VrrpInstance): Promise<void> {
    this.announcer.forget(this.placesOf(instance));
    await this.possessions.release(instance);
    this.options.onChange();
  }

  private announce(instance: VrrpInstance, repeat: number): void {
    const held = this.placesOf(instance);
    for (const name of new Set(held.map((each) => each.interface)))
      this.announcer.announce(
        this.announcements(
          held.filter((each) => each.interface === name),
          repeat,
        ),
      );
  }

  /** So that switches do not forget interfaces by which nothing else leaves. */
  private announceElsewhere(instance: VrrpInstance): void {
    if (!instance.garpExtraInterfaces.all) return;
    const held = this.placesOf(instance);
    const others = new Set(held.map((each) => each.interface).filter((name) => name !== instance.interface));
    for (const name of others) this.announcer.announce(this.announcements(held.filter((each) => each.interface === name).slice(0, 1), 1));
  }

  private placesOf(instance: VrrpInstance): { readonly interface: string; readonly address: string }[] {
    return heldAddresses(instance).map(({ address, device }) => ({ address, interface: device ?? instance.interface }));
  }

  private announcements(held: readonly { readonly interface: string; readonly address: string }[], repeat: number): Announcement[] {
    return held.flatMap(({ interface: name, address }) => {
      const link = this.options.host.interface(name);
      if (!link?.up) return [];
      return [{ interface: name, index: link.index, address, frame: announcement(link.mac, address), repeat }];
    });
  }

  private noteTransition(instance: VrrpInstance, { before, after, priority }: Parameters<Hands['changed']>[1]): void {
    const ledger = this.ledger(instance);
    if (before.kind === 'backup' && after.kind === 'ready') return; // Nobody outside need know the difference.
    ledger.lastTransitionMs = Date.now();
    if (after.kind === 'master') ledger.counters.becameMaster++;
    if (before.kind === 'master') ledger.counters.releasedMaster++;
    this.options.onChange();
    const state = TOLD_AS[after.kind];
    if (state !== undefined) this.options.onTransition?.({ what: 'INSTANCE', name: instance.name, state, priority });
  }

  /** Instances and groups the new configuration knows no more. */
  private tellDeleted(leaving: readonly Running[], { instances, syncGroups }: VrrpConfig): void {
    const stays = ({ what, name }: Transition) => (what === 'GROUP' ? syncGroups : instances).some((one) => one.name === name);
    this.tellAll(leaving, 'DELETED', stays);
  }

  private tellAll(running: readonly Running[], state: 'STOP' | 'DELETED', but: (one: Transition) => boolean = () => false): void {
    const instances = running.flatMap(seatsOf).map(({ unit, member, instance }): Transition => {
      return { what: 'INSTANCE', name: instance.name, state, priority: unit.priorityOf(member) };
    });
    const groups = running.flatMap(({ unit: { name } }): Transition[] =>
      name === undefined ? [] : [{ what: 'GROUP', name, state, priority: 0 }],
    );
    for (const transition of [...instances, ...groups]) if (!but(transition)) this.options.onTransition?.(transition);
  }

  private statusOf({ unit, member, instance }: Seat): VrrpInstanceStatus {
    const state = unit.stateOf(member);
    const ledger = this.ledger(instance);
    return {
      name: instance.name,
      interface: instance.interface,
      virtualRouterId: instance.virtualRouterId,
      family: instance.family,
      version: instance.version,
      state: state.kind === 'ready' ? 'backup' : state.kind,
      faults: state.kind === 'fault' ? state.reasons : [],
      priority: unit.priorityOf(member),
      addresses: heldAddresses(instance).map(({ address }) => address),
      ...(unit.name === undefined ? {} : { group: unit.name }),
      lastTransitionMs: ledger.lastTransitionMs,
      counters: { ...ledger.counters },
      checksumForms: { ...ledger.checksumForms },
    };
  }

  private logAbout({ name }: VrrpInstance, kind: string, text: string): void {
    this.logLimited(`${name} ${kind}`, `(${name}) ${text}`);
  }

  private logLimited(kind: string, text: string): void {
    const line = this.limit(kind, text, monotonicMs());
    if (line !== undefined) this.options.log(line);
  }
}

function seatsOf({ unit }: Running): Seat[] {
  return unit.instances.map((instance, member) => ({ unit, member, instance }));
}

function unicast({ target }: VrrpInstance): boolean {
  return target.kind === 'unicast';
}
