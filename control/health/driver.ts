// Checks the real servers of every virtual server and knows what follows: who is up, which service has its quorum.

import type { VirtualServer } from '../config/model.js';
import { serverName } from '../config/service-name.js';
import { atOnce, inSlices, type Steps } from '../slices.js';
import type { VirtualServerStatus } from '../status.js';
import type { HealthEvent } from './events.js';
import type { HealthState } from './pool.js';
import { probes } from './probe.js';
import { type Clock, Rota, type Timekeeping } from './rota.js';
import { type Continued, carryOver, type SharedCheck, type Subject, share } from './sharing.js';
import { followSignals, NO_SIGNALS, type Signals } from './signals.js';
import { systemClock } from './system-clock.js';
import { Teller } from './teller.js';
import { activationText, checkTexts, type Names, suspensionText } from './texts.js';
import { type News, type Probe, type Surroundings, Watch } from './watch.js';
import { healthOfService, lookAgain, standingOf, statusOf, type WatchedService, watchedServices } from './watched.js';

export interface Health {
  /**
   * Checks that ask the same as before go on with what they know. Does not call `onChange`. In slices: what has become of servers counts when the
   * first has passed, or later; with few changes at once. A service that is the same object as before is not looked into.
   */
  reload(services: readonly VirtualServer[]): Promise<void>;
  state(): HealthState;
  status(): readonly VirtualServerStatus[];
  timekeeping(): Timekeeping;
  /** Services with omega tell that they are down. */
  close(): void;
}

/** The addresses of this host. */
export interface HeldAddresses {
  holds(address: string): boolean;
  onChange(listener: () => void): () => void;
}

export interface HealthOptions {
  readonly services: readonly VirtualServer[];
  readonly log: (text: string) => void;
  /** A real server went up or down, its weight changed, or a quorum was lost or gained: what should be forwarded may differ. */
  readonly onChange: () => void;
  /** What notifications are made of. */
  readonly onEvent?: (event: HealthEvent) => void;
  /** In [0, 1): how much of its warmup a check waits. */
  readonly random?: () => number;
  /** What tracked files and BFD sessions say. */
  readonly signals?: Signals;
  /** For ha_suspend. Without it every address counts as held. */
  readonly addresses?: HeldAddresses;
  readonly clock?: Clock;
  readonly probe?: Probe;
  /** Probes under way at once, at most. */
  readonly limit?: number;
}

/** So many sockets are no burden, and more dead servers than that are no more urgent than the living. */
const PROBES_AT_ONCE = 8192;

export function startHealth(options: HealthOptions): Health {
  const watchers = new Watchers(options);
  watchers.begin();
  return watchers;
}

/** A check that is being made, and for whom. */
interface Running {
  question: string;
  identity: string;
  subjects: readonly Subject[];
  readonly watch: Watch;
}

interface Prepared {
  readonly check: SharedCheck;
  readonly held: Running | undefined;
  /** `held`, or one that has not begun. */
  readonly running: Running;
}

class Watchers implements Health {
  readonly #options: HealthOptions;
  readonly #teller: Teller;
  readonly #rota: Rota;
  readonly #around: Surroundings;
  readonly #stopAddresses: (() => void) | undefined;
  /** By their identity. */
  readonly #running = new Map<string, Running>();
  #services: readonly WatchedService[] = [];
  #watched: ReadonlyMap<VirtualServer, WatchedService> = new Map();
  #reloading: Steps | undefined;
  /** Names of services whose addresses are elsewhere. */
  #suspended: ReadonlySet<string> = new Set();

  constructor(options: HealthOptions) {
    const { clock = systemClock, limit = PROBES_AT_ONCE, signals = NO_SIGNALS } = options;
    this.#options = options;
    this.#teller = new Teller(options);
    this.#rota = new Rota(clock, limit);
    this.#around = {
      rota: this.#rota,
      probe: options.probe ?? probes(options.log),
      follow: (checker, tell) => followSignals(signals, checker, tell),
    };
    this.#stopAddresses = options.addresses?.onChange(() => this.#suspend());
  }

  begin(): void {
    atOnce(this.#reload(this.#options.services));
  }

  reload(services: readonly VirtualServer[]): Promise<void> {
    // One after the other: what is left of one that is under way is done at once.
    if (this.#reloading !== undefined) atOnce(this.#reloading);
    this.#reloading = this.#reload(services);
    return inSlices(this.#reloading);
  }

  /** All is made ready aside, while the checks go on; then it takes the place of what was, in one go; then come what begins and what ends. */
  *#reload(services: readonly VirtualServer[]): Steps {
    const before = this.#watched;
    const wanted = new Set(services);
    const gone = new Set([...before.keys()].filter((service) => !wanted.has(service)));
    const fresh = services.filter((service) => !before.has(service));
    const { continued, ended } = yield* carryOver(yield* share(fresh), this.#running, gone);
    const next = yield* this.#prepareAll(continued);
    const begun = next.filter(({ held }) => held === undefined);
    const arrived = yield* watchedServices(
      fresh,
      next.map(({ running: { watch }, check: { subjects } }) => ({ watch, subjects })),
    );
    for (const { check } of begun) {
      for (const subject of check.subjects) this.#options.log(activationText(namesOf(subject)));
      yield;
    }
    for (const { identity } of ended) this.#running.delete(identity);
    for (const each of ended) each.subjects = [];
    this.#take(next);
    const removed = this.#replace(services, arrived, gone);
    for (const { running, check } of next) {
      running.watch.adopt(check.checker);
      yield;
    }
    for (const { watch } of ended) {
      watch.close();
      yield;
    }
    for (const watched of removed) {
      this.#teller.removed(watched);
      yield;
    }
    for (const { running } of begun) {
      running.watch.begin((this.#options.random ?? Math.random)());
      yield;
    }
  }

  *#prepareAll(continued: readonly Continued<Running>[]): Steps<Prepared[]> {
    const all: Prepared[] = [];
    for (const { check, held } of continued) {
      all.push({ check, held, running: held ?? this.#prepare(check) });
      yield;
    }
    return all;
  }

  #take(next: readonly Prepared[]): void {
    for (const { held } of next) if (held !== undefined) this.#running.delete(held.identity);
    for (const { running, check } of next) {
      running.identity = check.identity;
      running.subjects = check.subjects;
      this.#running.set(check.identity, running);
    }
  }

  /** Services that go on under their name keep their quorum. Returns those that do not go on. */
  #replace(
    services: readonly VirtualServer[],
    arrived: readonly WatchedService[],
    gone: ReadonlySet<VirtualServer>,
  ): Iterable<WatchedService> {
    const before = this.#watched;
    const former = this.#services.filter(({ service }) => gone.has(service));
    const fresh = new Map(arrived.map((watched) => [watched.service, watched]));
    this.#services = services.flatMap((service) => before.get(service) ?? fresh.get(service) ?? []);
    this.#watched = new Map(this.#services.map((watched) => [watched.service, watched]));
    this.#suspended = this.#suspendedAmong(services);
    return this.#resume(former, arrived);
  }

  state(): HealthState {
    return { services: this.#services.map(healthOfService) };
  }

  status(): readonly VirtualServerStatus[] {
    return this.#services.map(statusOf);
  }

  timekeeping(): Timekeeping {
    return this.#rota.timekeeping();
  }

  close(): void {
    this.#reloading?.return();
    this.#stopAddresses?.();
    for (const { watch } of this.#running.values()) watch.close();
    this.#teller.end(this.#services);
    this.#running.clear();
    this.#services = [];
    this.#watched = new Map();
  }

  #prepare({ question, identity, checker, subjects }: SharedCheck): Running {
    const watch: Watch = new Watch(checker, this.#around, {
      tell: (news) => this.#hear(running, news),
      wanted: () => running.subjects.some(({ service }) => !this.#suspended.has(service.name)),
    });
    const running: Running = { question, identity, subjects, watch };
    return running;
  }

  /** A service that was there before keeps its quorum, as far as the new numbers allow; a new one starts with what is assumed of its servers. */
  #resume(before: readonly WatchedService[], arrived: readonly WatchedService[]): Iterable<WatchedService> {
    const known = new Map(before.map((watched) => [watched.service.name, watched]));
    for (const watched of arrived) {
      const former = known.get(watched.service.name);
      watched.quorumUp = former?.quorumUp ?? true;
      lookAgain(watched);
      if (former !== undefined) this.#teller.compare(former, watched);
      this.#teller.judge(watched, former === undefined);
      known.delete(watched.service.name);
    }
    return known.values();
  }

  #hear({ subjects }: Running, news: News): void {
    if (news.kind !== 'weighed') {
      const texts = subjects.flatMap((subject) => checkTexts(subject.checker, namesOf(subject), news));
      for (const text of new Set(texts)) this.#options.log(text);
    }
    if (news.kind === 'hindered' || news.kind === 'forgiven') return;
    const confirmed = news.kind === 'decided' && !news.changed && !news.up;
    const changes = subjects.map((subject) => this.#look(subject, confirmed));
    if (changes.includes(true)) this.#options.onChange();
  }

  /** What a verdict makes of one server; whether that changes what should be forwarded. */
  #look({ service, at }: Subject, confirmed: boolean): boolean {
    const around = this.#watched.get(service);
    const watched = around?.servers[at];
    if (around === undefined || watched === undefined) return false;
    const [{ up, weight }, wasUp, before] = [standingOf(watched), watched.up, watched.weight];
    watched.up = up;
    watched.weight = weight;
    around.weight += (up ? weight : 0) - (wasUp ? before : 0);
    // keepalived tells a first failure too of a server that was never assumed to be up.
    if (up !== wasUp || (confirmed && !up)) this.#teller.server(around.service, watched);
    if (up === wasUp && weight === before) return false;
    around.health = undefined;
    this.#teller.judge(around, false);
    return true;
  }

  #suspend(): void {
    const before = this.#suspended;
    this.#suspended = this.#suspendedAmong(this.#services.map(({ service }) => service));
    for (const { subjects } of this.#running.values())
      for (const subject of subjects) {
        const suspended = this.#suspended.has(subject.service.name);
        if (suspended !== before.has(subject.service.name)) this.#options.log(suspensionText(namesOf(subject), suspended));
      }
  }

  #suspendedAmong(services: readonly VirtualServer[]): ReadonlySet<string> {
    const { addresses } = this.#options;
    const elsewhere = ({ haSuspend, listeners }: VirtualServer): boolean =>
      haSuspend === true && addresses !== undefined && !listeners.some(({ address }) => addresses.holds(address));
    return new Set(services.filter(elsewhere).map(({ name }) => name));
  }
}

function namesOf({ service, server }: Subject): Names {
  return { service: service.name, server: serverName(service.identity, server) };
}
