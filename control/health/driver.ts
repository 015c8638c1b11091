// Checks the real servers of every virtual server and knows what follows: who is up, which service has its quorum.

import type { VirtualServer } from '../config/model.js';
import { serverName } from '../config/service-name.js';
import type { VirtualServerStatus } from '../status.js';
import type { HealthEvent } from './events.js';
import type { HealthState } from './pool.js';
import { probes } from './probe.js';
import { type Clock, Rota, type Timekeeping } from './rota.js';
import { carryOver, type SharedCheck, type Subject, share } from './sharing.js';
import { followSignals, NO_SIGNALS, type Signals } from './signals.js';
import { systemClock } from './system-clock.js';
import { Teller } from './teller.js';
import { activationText, checkTexts, type Names, suspensionText } from './texts.js';
import { type News, type Probe, type Surroundings, Watch } from './watch.js';
import { healthOfService, standingOf, statusOf, type WatchedService, watchedServices } from './watched.js';

export interface Health {
  /** Checks that ask the same as before go on with what they know. Does not call `onChange`. */
  reload(services: readonly VirtualServer[]): void;
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
  watchers.reload(options.services);
  return watchers;
}

/** A check that is being made, and for whom. */
interface Running {
  question: string;
  identity: string;
  subjects: readonly Subject[];
  readonly watch: Watch;
}

class Watchers implements Health {
  readonly #options: HealthOptions;
  readonly #teller: Teller;
  readonly #rota: Rota;
  readonly #around: Surroundings;
  readonly #stopAddresses: (() => void) | undefined;
  #running: readonly Running[] = [];
  #services: readonly WatchedService[] = [];
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

  reload(services: readonly VirtualServer[]): void {
    const before = this.#services;
    const { continued, ended } = carryOver(share(services), this.#running);
    for (const { watch } of ended) watch.close();
    const fresh: Running[] = [];
    this.#running = continued.map(({ check, held }) => {
      if (held !== undefined) return adopt(held, check);
      const running = this.#prepare(check);
      fresh.push(running);
      return running;
    });
    this.#services = watchedServices(services, this.#running);
    this.#suspended = this.#suspendedAmong(services);
    for (const { subjects } of fresh) for (const subject of subjects) this.#options.log(activationText(namesOf(subject)));
    this.#resume(before);
    for (const { watch } of fresh) watch.begin((this.#options.random ?? Math.random)());
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
    this.#stopAddresses?.();
    for (const { watch } of this.#running) watch.close();
    this.#teller.end(this.#services);
    this.#running = [];
    this.#services = [];
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
  #resume(before: readonly WatchedService[]): void {
    const known = new Map(before.map((watched) => [watched.service.name, watched]));
    for (const watched of this.#services) {
      const former = known.get(watched.service.name);
      watched.quorumUp = former?.quorumUp ?? true;
      if (former !== undefined) this.#teller.compare(former, watched);
      this.#teller.judge(watched, former === undefined);
      known.delete(watched.service.name);
    }
    for (const removed of known.values()) this.#teller.removed(removed);
  }

  #hear({ subjects }: Running, news: News): void {
    if (news.kind !== 'weighed') {
      const texts = subjects.flatMap((subject) => checkTexts(subject.checker, namesOf(subject), news));
      for (const text of new Set(texts)) this.#options.log(text);
    }
    if (news.kind === 'hindered' || news.kind === 'forgiven') return;
    const confirmed = news.kind === 'decided' && !news.changed && !news.up;
    const changes = subjects.map(({ at }) => this.#look(at, confirmed));
    if (changes.includes(true)) this.#options.onChange();
  }

  /** What a verdict makes of one server; whether that changes what should be forwarded. */
  #look({ service, server }: Subject['at'], confirmed: boolean): boolean {
    const [around, watched] = [this.#services[service], this.#services[service]?.servers[server]];
    if (around === undefined || watched === undefined) return false;
    const [{ up, weight }, wasUp, before] = [standingOf(watched), watched.up, watched.weight];
    watched.up = up;
    watched.weight = weight;
    around.weight += (up ? weight : 0) - (wasUp ? before : 0);
    // keepalived tells a first failure too of a server that was never assumed to be up.
    if (up !== wasUp || (confirmed && !up)) this.#teller.server(around.service, watched);
    if (up === wasUp && weight === before) return false;
    this.#teller.judge(around, false);
    return true;
  }

  #suspend(): void {
    const before = this.#suspended;
    this.#suspended = this.#suspendedAmong(this.#services.map(({ service }) => service));
    for (const { subjects } of this.#running)
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

function adopt(held: Running, { identity, checker, subjects }: SharedCheck): Running {
  held.watch.adopt(checker);
  return Object.assign(held, { identity, subjects });
}

function namesOf({ service, server }: Subject): Names {
  return { service: service.name, server: serverName(service.identity, server) };
}
