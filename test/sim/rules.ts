// What must be true of each step one router takes, told without the machine's own words: who gives way, who waits how long, who says what.

import { type Effect, type Event, OWNER_PRIORITY, type State } from '../../control/vrrp/state.js';
import type { Bounds } from './bounds.js';
import type { Seat, SimRouter, Turn } from './router.js';
import { Violation } from './world.js';

type Advert = Extract<Event, { kind: 'advert' }>;

/** Why an instance that is not master has to be patient, in its own time. */
interface Patience {
  /** Of the last advert it had to respect, or when it began to listen. */
  since: number;
  /** The interval of that advert's sender. */
  intervalMs: number;
  /** A master resigned after that. */
  resignedAt: number | undefined;
  /** Since when it hears masters of lower priority, which it may overtake after preempt_delay. */
  lowerSince: number | undefined;
}

interface Standing {
  patience: Patience;
  sentAt: number;
}

const SAID: ReadonlySet<string> = new Set(['send', 'claim', 'announce', 'release']);
/** Of floating point. */
const ROUNDING_MS = 1e-3;

export class Rules {
  readonly #bounds: Bounds;
  readonly #standings = new Map<Seat, Standing>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  stepped(turn: Turn): void {
    const { seat, event, before } = turn;
    const old = before.members[seat.member]!.state;
    if (event.kind === 'advert') this.#hears(seat, old, event);
    const { priority } = before.members[seat.member]!.instance;
    if (event.kind === 'priority' && seat.instance.priority === OWNER_PRIORITY && seat.priority !== priority)
      fail(seat, 'an owner keeps its priority', `${priority} became ${seat.priority}`);
    for (const each of seat.unit.seats) this.#moves(turn, each, before.members[each.member]!.state);
  }

  /** Between one cause and the next all is in order. */
  settled(router: SimRouter): void {
    for (const { seats } of router.units) {
      const states = seats.map((seat) => router.state(seat).kind);
      if (states.includes('master') && states.some((state) => state !== 'master'))
        throw new Violation('a sync group is of one mind', `${router.spec.name} is ${states.join(', ')}`);
      for (const seat of seats) inOrder(router, seat);
    }
  }

  #hears(seat: Seat, old: State, advert: Advert): void {
    const now = seat.router.state(seat).kind;
    if (old.kind !== 'master') {
      if (now === 'master') fail(seat, 'an advert makes nobody master', `${describe(advert)} did`);
      this.#listens(seat, old, advert);
      return;
    }
    const loses = advert.priority > seat.priority || (advert.priority === seat.priority && sentFromHigher(seat, advert));
    // One that hears another owner for too long, which does not hear it, gives up what it owns.
    const owners = advert.priority === OWNER_PRIORITY && seat.instance.priority === OWNER_PRIORITY;
    if (loses === (now === 'master') && !(owners && now === 'backup'))
      fail(seat, 'the weaker master gives way to the stronger', `priority ${seat.priority} heard ${describe(advert)} and is ${now}`);
  }

  #listens(seat: Seat, old: State, { priority, intervalMs }: Advert): void {
    const { patience } = this.#standing(seat);
    const now = seat.router.localNow;
    if (old.kind === 'init' || old.kind === 'fault') return;
    if (priority === 0) {
      if (old.kind === 'backup') patience.resignedAt ??= now;
      return;
    }
    const { preempt, preemptDelayMs } = seat.instance;
    const mayOvertake = preempt && priority < seat.priority;
    if (mayOvertake && preemptDelayMs > 0) patience.lowerSince ??= now;
    const delayed = mayOvertake && preemptDelayMs > 0 && now < patience.lowerSince! + preemptDelayMs;
    if (mayOvertake && !delayed) return;
    this.#standing(seat).patience = {
      since: now,
      intervalMs,
      resignedAt: undefined,
      lowerSince: mayOvertake ? patience.lowerSince : undefined,
    };
    const { kind } = seat.router.state(seat);
    if (kind !== 'backup') fail(seat, 'who hears its master follows it', `it is ${kind}`);
  }

  #moves({ event, effects, seat: struck }: Turn, seat: Seat, old: State): void {
    const state = seat.router.state(seat).kind;
    const own = effects.filter(({ member }) => member === seat.member).map(({ effect }) => effect);
    if (own.length > 0) this.#says(seat, event, own, old.kind === 'master', state === 'master');
    if (state === old.kind) return;
    if (old.kind === 'backup' && (state === 'ready' || state === 'master')) this.#wasPatient(seat);
    if (old.kind === 'master' && event.kind === 'timer' && seat.router.localNow !== seat.router.awakeSince)
      fail(seat, 'a master steps back for others, or when it stood still', `it is ${state}`);
    const rises = (old.kind === 'init' || old.kind === 'fault') && state !== 'init' && state !== 'fault';
    if (rises || (old.kind === 'master' && state === 'backup')) {
      const follows = event.kind === 'advert' && seat === struck;
      this.#beginsToListen(seat, follows ? event.intervalMs : seat.instance.advertIntervalMs);
    }
    if (rises && (state !== 'backup') !== (seat.instance.priority === OWNER_PRIORITY))
      fail(seat, 'the owner alone waits for nobody', `priority ${seat.priority} went from ${old.kind} to ${state}`);
  }

  /** What goes out: adverts of a master only, at their time; a priority 0 when it goes by itself, before it lets the addresses go. */
  #says(seat: Seat, event: Event, own: readonly Effect[], was: boolean, is: boolean): void {
    const kinds = own
      .filter(({ kind }) => SAID.has(kind))
      .map((effect) => (effect.kind === 'send' && effect.priority === 0 ? 'resign' : effect.kind));
    if (kinds.includes('send')) this.#advertises(seat, event, was, is);
    const order = kinds.join(' ');
    if (!was && is && !/^(release )?send claim announce$/.test(order))
      fail(seat, 'a new master says so, claims, announces', `it did: ${order}`);
    const byItself = event.kind === 'stop' || event.kind === 'fault';
    if (was && !is && !(byItself ? /^resign release$/ : /^(send )?release$/).test(order))
      fail(seat, 'who goes by itself resigns, then releases', `${byItself ? 'by itself' : 'giving way'} it did: ${order}`);
    if (was && !is && kinds.includes('send') && !seat.instance.higherPrioritySendAdvert)
      fail(seat, 'who gives way does so in silence', `it did: ${order}`);
    if (was === is && /resign|claim/.test(order))
      fail(seat, 'nothing is claimed or given up without a change of state', `it did: ${order}`);
  }

  #advertises(seat: Seat, event: Event, was: boolean, is: boolean): void {
    if (!was && !is) fail(seat, 'only a master advertises', 'it is none');
    const standing = this.#standing(seat);
    const now = seat.router.localNow;
    const gap = now - standing.sentAt;
    const { lateMs } = seat.router.spec;
    if (
      was &&
      event.kind === 'timer' &&
      standing.sentAt !== seat.router.awakeSince &&
      gap < seat.instance.advertIntervalMs - 2 * (lateMs + ROUNDING_MS) - ROUNDING_MS
    )
      fail(seat, 'a master advertises once an interval', `${gap.toFixed(3)} ms after the last`);
    standing.sentAt = now;
  }

  #wasPatient(seat: Seat): void {
    const { since, intervalMs, resignedAt } = this.#standing(seat).patience;
    const now = seat.router.localNow;
    const due = Math.min(
      since + this.#bounds.downMs(seat, intervalMs),
      resignedAt === undefined ? Number.POSITIVE_INFINITY : resignedAt + this.#bounds.skewMs(seat, intervalMs),
    );
    if (now < due - ROUNDING_MS)
      fail(seat, 'a backup waits until its master must be dead', `it gave up ${(due - now).toFixed(3)} ms early`);
    // One that stood still is late by that.
    const mayBeAt = Math.max(due, seat.router.reweighedAt);
    if (now > mayBeAt + 1.02 * seat.router.spec.lateMs + 0.01 && now !== seat.router.awakeSince)
      fail(seat, 'a backup waits no longer than it must', `it gave up ${(now - due).toFixed(3)} ms late`);
  }

  #beginsToListen(seat: Seat, intervalMs: number): void {
    this.#standing(seat).patience = { since: seat.router.localNow, intervalMs, resignedAt: undefined, lowerSince: undefined };
  }

  #standing(seat: Seat): Standing {
    const known = this.#standings.get(seat);
    if (known !== undefined) return known;
    const fresh: Standing = {
      patience: { since: 0, intervalMs: 0, resignedAt: undefined, lowerSince: undefined },
      sentAt: Number.NEGATIVE_INFINITY,
    };
    this.#standings.set(seat, fresh);
    return fresh;
  }
}

/** Addresses follow the state, and FAULT its causes, in a process that runs. */
function inOrder(router: SimRouter, seat: Seat): void {
  if (!router.running) return;
  const { kind } = router.state(seat);
  if (seat.held !== (kind === 'master'))
    fail(seat, 'addresses are held by masters only, and by all of them', `${kind}, held: ${seat.held}`);
  const effective = seat.unit.group.members[seat.member]!.instance.priority;
  if (effective !== seat.priority) fail(seat, 'the effective priority is the one it was told', `${effective} instead of ${seat.priority}`);
  const causes = seat.unit.seats.some((each) => router.causes(each).length > 0);
  if (kind !== 'init' && (kind === 'fault') !== causes)
    fail(seat, 'FAULT is for a reason, and of the whole group', `${kind}, reasons: ${causes}`);
}

function sentFromHigher(seat: Seat, { source }: Advert): boolean {
  return hostOf(source) > seat.router.spec.host;
}

/** Simulated addresses differ in their last part alone. */
function hostOf(address: string): number {
  const last = address.split(/[.:]/).at(-1) ?? '';
  return Number.parseInt(last, address.includes(':') ? 16 : 10);
}

function describe({ priority, source }: Advert): string {
  return `an advert of ${source} with priority ${priority}`;
}

function fail({ router, instance }: Seat, rule: string, text: string): never {
  throw new Violation(rule, `(${router.spec.name} ${instance.name}) ${text}`);
}
