// Runs one sync group, or one instance on its own: gives its state machine the time and the news, and carries out what it decides.

import type { VrrpInstance } from '../config/model.js';
import { createGroup, type Group, type MemberEffect, stateOfGroup, stepGroup } from './group.js';
import { reconfigured, sameAddresses } from './reconfigure.js';
import { type Effect, type Event, type Happening, type State, wakesAt } from './state.js';

export type GroupState = NonNullable<ReturnType<typeof stateOfGroup>>;

/** What a unit cannot do by itself. Instances are as configured. */
export interface Hands {
  send(instance: VrrpInstance, priority: number): void;
  claim(instance: VrrpInstance): Promise<void>;
  /** Repeat 0 makes ready for announcements. */
  announce(instance: VrrpInstance, repeat: number): void;
  announceElsewhere(instance: VrrpInstance): void;
  release(instance: VrrpInstance): Promise<void>;
  log(text: string): void;
  /** `priority` is the effective one. */
  changed(instance: VrrpInstance, change: { readonly before: State; readonly after: State; readonly priority: number }): void;
  groupChanged(name: string, state: GroupState): void;
  tell(instance: VrrpInstance, happening: Happening, priority: number): void;
}

/** Of the monotonic clock, which no change of the date can bend. */
export function monotonicMs(): number {
  return performance.now();
}

/** Opening an interface for announcements takes up to 20 ms, and longer than a backup waits for a master that resigned. */
const READY_AHEAD_MS = 50;
/** But not before an advert is overdue: interfaces should not be open all the time. */
const READY_AHEAD_ADVERTS = 1.5;

export class Unit {
  readonly name: string | undefined;
  private configured: readonly VrrpInstance[];
  private group: Group;
  private readonly hands: Hands;
  private timer: NodeJS.Timeout | undefined;
  private readiness: NodeJS.Timeout | undefined;
  /** Work on addresses, one thing after the other for each member. */
  private readonly work: Promise<void>[];

  constructor(name: string | undefined, instances: readonly VrrpInstance[], hands: Hands) {
    this.name = name;
    this.configured = instances;
    this.group = createGroup(name, instances);
    this.hands = hands;
    this.work = instances.map(() => Promise.resolve());
  }

  get instances(): readonly VrrpInstance[] {
    return this.configured;
  }

  /** What the configuration says now of instances that stay what they are. */
  reconfigure(after: readonly VrrpInstance[]): void {
    const before = this.configured;
    this.configured = after;
    this.group = reconfigured(this.group, { before, after }, monotonicMs());
    for (const [member, next] of after.entries()) {
      const old = before[member];
      if (old !== undefined && this.holds(member)) this.change(member, old, next);
    }
    this.arm();
  }

  private change(member: number, old: VrrpInstance, next: VrrpInstance): void {
    this.later(member, () => (this.holds(member) ? this.hands.claim(next) : undefined));
    if (sameAddresses(old, next)) return;
    this.later(member, () => (this.holds(member) ? this.hands.announce(next, next.garpMasterRepeat) : undefined));
  }

  stateOf(member: number): State {
    return this.group.members[member]?.state ?? { kind: 'init' };
  }

  dispatch(member: number, event: Event): void {
    const before = this.group;
    const { group, effects } = stepGroup(before, { member, event }, monotonicMs());
    this.group = group;
    for (const effect of effects) this.perform(effect);
    this.arm();
    this.tellChanges(before);
  }

  private tellChanges(before: Group): void {
    for (const [i, instance] of this.instances.entries()) {
      const old = before.members[i]?.state;
      const after = this.stateOf(i);
      if (old && old.kind !== after.kind) this.hands.changed(instance, { before: old, after, priority: this.priorityOf(i) });
    }
    const state = stateOfGroup(this.group);
    if (this.name !== undefined && state !== undefined && state !== stateOfGroup(before)) this.hands.groupChanged(this.name, state);
  }

  /** The effective one. */
  priorityOf(member: number): number {
    return this.group.members[member]?.instance.priority ?? 0;
  }

  /** Resolves when the addresses are released. */
  async stop(): Promise<void> {
    for (const member of this.instances.keys()) this.dispatch(member, { kind: 'stop' });
    await Promise.all(this.work);
  }

  /** Leaves everything as it is, and never wakes again. */
  abandon(): void {
    clearTimeout(this.timer);
    clearTimeout(this.readiness);
    this.group = createGroup(this.name, this.instances);
  }

  private perform({ member, effect }: MemberEffect): void {
    const instance = this.instances[member];
    if (instance === undefined) return;
    switch (effect.kind) {
      case 'send':
        this.hands.send(instance, effect.priority);
        break;
      case 'log':
        this.hands.log(effect.text);
        break;
      case 'tell':
        this.hands.tell(instance, effect.happening, this.priorityOf(member));
        break;
      case 'claim':
        this.later(member, () => (this.holds(member) ? this.hands.claim(instance) : undefined));
        break;
      case 'announce':
        this.later(member, () => (this.holds(member) ? this.hands.announce(instance, effect.repeat) : undefined));
        break;
      case 'announce-elsewhere':
        this.later(member, () => (this.holds(member) ? this.hands.announceElsewhere(instance) : undefined));
        break;
      case 'release':
        this.later(member, () => this.hands.release(instance));
        break;
      default:
        unreachable(effect);
    }
  }

  /** The state may have moved on while earlier work was under way: nothing is claimed for a router that is master no more. */
  private holds(member: number): boolean {
    return this.stateOf(member).kind === 'master';
  }

  private later(member: number, task: () => Promise<void> | void): void {
    this.work[member] = (this.work[member] ?? Promise.resolve()).then(task).catch((error: Error) => this.hands.log(error.message));
  }

  private arm(): void {
    clearTimeout(this.timer);
    const wake = Math.min(...this.group.members.map(({ state }) => wakesAt(state)));
    if (wake !== Number.POSITIVE_INFINITY) this.timer = setTimeout(() => this.wake(), Math.max(0, Math.ceil(wake - monotonicMs())));
    this.armReadiness();
  }

  private armReadiness(): void {
    clearTimeout(this.readiness);
    const at = Math.min(...this.group.members.map(({ state }) => readyAt(state)));
    if (at === Number.POSITIVE_INFINITY) return;
    const makeReady = () => this.makeReady();
    if (at <= monotonicMs()) makeReady();
    else this.readiness = setTimeout(makeReady, at - monotonicMs());
  }

  /** All of a group become master together. */
  private makeReady(): void {
    for (const instance of this.instances) this.hands.announce(instance, 0);
  }

  /** Adverts go out at once. A master is declared dead only after its adverts that wait in the socket were read, however late we are. */
  private wake(): void {
    this.fire((state) => state.kind === 'master');
    setImmediate(() => this.fire((state) => state.kind === 'backup'));
  }

  private fire(concerns: (state: State) => boolean): void {
    for (const member of this.instances.keys()) {
      const state = this.stateOf(member);
      if (concerns(state) && wakesAt(state) <= monotonicMs()) this.dispatch(member, { kind: 'timer' });
    }
    this.arm();
  }
}

/** When a backup is about to be master. */
function readyAt(state: State): number {
  return state.kind === 'backup'
    ? state.downAt - Math.min(READY_AHEAD_MS, READY_AHEAD_ADVERTS * state.intervalMs)
    : Number.POSITIVE_INFINITY;
}

function unreachable(effect: never): never {
  throw new Error(`no such effect: ${(effect as Effect).kind}`);
}
