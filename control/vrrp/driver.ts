// VRRP at work: the instances of a configuration on real interfaces, real sockets and the real clock.

import { uptime } from 'node:os';
import type { Config, VrrpInstance } from '../config/model.js';
import type { InstanceStatus } from '../status.js';
import { Announcing } from './announcing.js';
import type { ChecksumForms } from './counters.js';
import { Hearing, type Seat } from './hearing.js';
import type { VrrpHost } from './host.js';
import { otherInterfaces } from './interfaces.js';
import { Ledgers } from './ledger.js';
import { heldAddresses, Links, linkFault, sourceAddress, virtualAddresses } from './links.js';
import { createLogLimit } from './log-limit.js';
import { outgoing } from './outgoing.js';
import { planUnits, samePlan, type UnitPlan } from './plan.js';
import { Possessions } from './possessions.js';
import { sameElection } from './reconfigure.js';
import type { Happening, State } from './state.js';
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

interface Running {
  plan: UnitPlan;
  readonly unit: Unit;
  started: boolean;
}

class Driver implements Vrrp {
  private readonly options: VrrpOptions;
  private readonly links: Links;
  private readonly announcing: Announcing;
  private readonly hearing: Hearing;
  private readonly possessions: Possessions;
  private readonly limit = createLogLimit(LOG_PERIOD_MS);
  private readonly ledgers = new Ledgers();
  /** From outside: reasons, and the instances they are about; undefined: all. */
  private faults: { readonly reason: string; readonly instance: string | undefined }[] = [];
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
      received: (name, packet) => this.hearing.receive(name, packet),
      failed: (text) => this.logLimited(text, text),
      lookAgain: () => this.lookAtLinks(),
    });
    this.announcing = new Announcing(host, config.global, options.log);
    this.hearing = new Hearing({
      seats: () => this.seats(),
      ledgers: this.ledgers,
      sourceOf: (instance) => this.sourceOf(instance),
      log: options.log,
      logLimited: (kind, text) => this.logLimited(kind, text),
    });
    this.hearing.logsUnknownVrids = config.global.logUnknownVrids;
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
    this.forgetFaults(config);
    this.announcing.reload(config.global);
    this.hearing.logsUnknownVrids = config.global.logUnknownVrids;
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

  /** Of instances that are gone: another of the same name begins without. */
  private forgetFaults({ instances }: VrrpConfig): void {
    const names = new Set(instances.map(({ name }) => name));
    this.faults = this.faults.filter(({ instance }) => instance === undefined || names.has(instance));
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
    this.announcing.announce(seat.instance, 1);
    return true;
  }

  clearCounters(): void {
    this.ledgers.clearCounters();
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
    const faults = seats.map(({ instance }) => this.noteLinkFault(instance).after);
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
    this.announcing.close();
    await this.links.close();
    this.possessions.close({ release });
  }

  private instances(): VrrpInstance[] {
    return this.running.flatMap(({ unit }) => unit.instances);
  }

  private seats(): Seat[] {
    return this.running.filter(({ started }) => started).flatMap(seatsOf);
  }

  private lookAtLinks(): void {
    for (const { unit, member, instance } of this.seats()) {
      const { before, after } = this.noteLinkFault(instance);
      if (before === after) continue;
      if (after !== undefined) unit.dispatch(member, { kind: 'fault', reason: after });
      if (before !== undefined) unit.dispatch(member, { kind: 'recovered', reason: before });
    }
    this.possessions.look();
  }

  /** What is made on the way may be told of by the host at once, and noted before this comes to its end. */
  private noteLinkFault(instance: VrrpInstance): { readonly before: string | undefined; readonly after: string | undefined } {
    const link = this.options.host.interface(instance.interface);
    const missing = this.possessions.prepare(instance);
    const after = linkFault(instance, link, this.virtual) ?? missing ?? this.otherFault(instance) ?? this.links.open(instance);
    const ledger = this.ledgers.of(instance);
    const before = ledger.linkFault;
    ledger.linkFault = after;
    return { before, after };
  }

  private otherFault(instance: VrrpInstance): string | undefined {
    const down = otherInterfaces(instance).find((name) => this.options.host.interface(name)?.up !== true);
    return down && `interface ${down} ${this.options.host.interface(down) === undefined ? 'does not exist' : 'down'}`;
  }

  private hands(): Hands {
    return {
      send: (instance, priority) => this.send(instance, priority),
      claim: (instance) => this.claim(instance),
      announce: (instance, repeat) => this.announcing.announce(instance, repeat),
      announceElsewhere: (instance) => this.announcing.announceElsewhere(instance),
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
    const { counters, toMulticastGroup } = this.ledgers.of(instance);
    const old = toMulticastGroup || instance.oldUnicastChecksum === 'always';
    const authenticator = this.hearing.authenticator(instance);
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
    this.announcing.announce(instance, 0);
    await this.possessions.claim(instance);
    this.options.onChange();
  }

  private async release(instance: VrrpInstance): Promise<void> {
    this.announcing.forget(instance);
    await this.possessions.release(instance);
    this.options.onChange();
  }

  private noteTransition(instance: VrrpInstance, { before, after, priority }: Parameters<Hands['changed']>[1]): void {
    const ledger = this.ledgers.of(instance);
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
    const ledger = this.ledgers.of(instance);
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
