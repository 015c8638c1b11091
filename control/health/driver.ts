// Checks the real servers of every virtual server and knows what follows: who is up, which service has its quorum.

import type { Checker, RealServer, VirtualServer } from '../config/model.js';
import { serverName } from '../config/service-name.js';
import type { RealServerStatus, VirtualServerStatus } from '../status.js';
import { question } from './checker.js';
import type { HealthEvent } from './events.js';
import { type HealthState, healthOf, judge, type RealServerHealth, type ServiceHealth, sorryServerActive } from './pool.js';
import { activationText, decisionTexts, hindranceText, quorumText, reasonText } from './texts.js';
import { type News, Watch } from './watch.js';

export interface Health {
  /** Checks that ask the same as before go on with what they know. Does not call `onChange`. */
  reload(services: readonly VirtualServer[]): void;
  state(): HealthState;
  status(): readonly VirtualServerStatus[];
  close(): void;
}

export interface HealthOptions {
  readonly services: readonly VirtualServer[];
  readonly log: (text: string) => void;
  /** A real server went up or down, or a quorum was lost or gained: what should be forwarded may differ. */
  readonly onChange: () => void;
  /** What notifications are made of. */
  readonly onEvent?: (event: HealthEvent) => void;
  /** In [0, 1): how much of its warmup a check waits. */
  readonly random?: () => number;
}

export function startHealth(options: HealthOptions): Health {
  const watchers = new Watchers(options);
  watchers.reload(options.services);
  return watchers;
}

interface WatchedServer {
  readonly server: RealServer;
  readonly watches: readonly Watch[];
  up: boolean;
}

interface WatchedService {
  readonly service: VirtualServer;
  readonly servers: readonly WatchedServer[];
  quorumUp: boolean;
}

interface Names {
  readonly service: string;
  readonly server: string;
}

class Watchers implements Health {
  readonly #log: (text: string) => void;
  readonly #onChange: () => void;
  readonly #onEvent: (event: HealthEvent) => void;
  readonly #random: () => number;
  #services: readonly WatchedService[] = [];

  constructor({ log, onChange, onEvent = () => {}, random = Math.random }: HealthOptions) {
    this.#log = log;
    this.#onChange = onChange;
    this.#onEvent = onEvent;
    this.#random = random;
  }

  reload(services: readonly VirtualServer[]): void {
    const kept = new KeptWatches(this.#services);
    const before = new Map(this.#services.map(({ service, quorumUp }) => [service.name, quorumUp]));
    this.#services = services.map((service) => this.#watchService(service, kept));
    kept.close();
    for (const service of this.#services) this.#resume(service, before.get(service.service.name));
  }

  state(): HealthState {
    return { services: this.#services.map(healthOfService) };
  }

  status(): readonly VirtualServerStatus[] {
    return this.#services.map(statusOf);
  }

  close(): void {
    new KeptWatches(this.#services).close();
    this.#services = [];
  }

  #watchService(service: VirtualServer, kept: KeptWatches): WatchedService {
    const servers = service.realServers.map((server) => {
      const names = { service: service.name, server: serverName(service.identity, server) };
      const watches = server.checkers.map((checker) => kept.take(names, checker) ?? this.#launch(names, checker));
      return { server, watches, up: healthOfServer({ server, watches }).up };
    });
    return { service, servers, quorumUp: true };
  }

  #launch(names: Names, checker: Checker): Watch {
    this.#log(activationText(names.server, names.service));
    const watch = new Watch(identityOf(names, checker), checker, (news, current) => this.#hear(names, current, news));
    watch.start(this.#random());
    return watch;
  }

  /** A service that was there before keeps its quorum, as far as the new numbers allow; a new one starts with what is assumed of its servers. */
  #resume(service: WatchedService, quorumWasUp: boolean | undefined): void {
    service.quorumUp = quorumWasUp ?? true;
    this.#rejudge(service, quorumWasUp === undefined);
  }

  #hear(names: Names, checker: Checker, news: News): void {
    for (const text of newsTexts(names, checker, news)) this.#log(text);
    const service = this.#services.find(({ service: { name } }) => name === names.service);
    if (news.kind !== 'decided' || service === undefined) return;
    for (const watched of service.servers)
      if (serverName(service.service.identity, watched.server) === names.server) this.#tell(service, watched, news);
    if (!news.changed) return;
    this.#rejudge(service, false);
    this.#onChange();
  }

  /** keepalived tells a first failure too of a server that was never assumed to be up. */
  #tell({ service }: WatchedService, watched: WatchedServer, news: News): void {
    const { up } = healthOfServer(watched);
    const confirmed = news.kind === 'decided' && !news.changed && !up;
    if (up !== watched.up || confirmed) this.#onEvent({ kind: 'server', service, server: watched.server, state: up ? 'UP' : 'DOWN' });
    watched.up = up;
  }

  #rejudge(service: WatchedService, starting: boolean): void {
    const judged = judge(service.service, healthOfService(service).realServers, service.quorumUp);
    if (judged.up === service.quorumUp) return;
    this.#log(quorumText(service.service.name, judged, starting));
    service.quorumUp = judged.up;
    this.#onEvent({ kind: 'quorum', service: service.service, state: judged.up ? 'UP' : 'DOWN', weight: judged.weight });
  }
}

/** The checks of before, until a new configuration takes them over or they are closed. */
class KeptWatches {
  readonly #watches = new Map<string, Watch[]>();

  constructor(services: readonly WatchedService[]) {
    const watches = services.flatMap(({ servers }) => servers.flatMap((server) => server.watches));
    for (const watch of watches) this.#watches.set(watch.identity, [...(this.#watches.get(watch.identity) ?? []), watch]);
  }

  take(names: Names, checker: Checker): Watch | undefined {
    const watch = this.#watches.get(identityOf(names, checker))?.shift();
    watch?.adopt(checker);
    return watch;
  }

  close(): void {
    for (const watch of [...this.#watches.values()].flat()) watch.close();
  }
}

function identityOf({ service, server }: Names, checker: Checker): string {
  return `${service} ${server} ${question(checker)}`;
}

function newsTexts({ server, service }: Names, checker: Checker, news: News): string[] {
  if (news.kind === 'hindered') return [hindranceText(checker, server, news.reason)];
  const texts = decisionTexts(checker, server, news);
  return news.up ? texts : [reasonText(server, service, news.failure.reason), ...texts];
}

function healthOfService({ service, servers, quorumUp }: WatchedService): ServiceHealth {
  return { name: service.name, quorumUp, realServers: servers.map(healthOfServer) };
}

function healthOfServer({ server, watches }: Pick<WatchedServer, 'server' | 'watches'>): RealServerHealth {
  return healthOf(
    server,
    watches.map((watch) => watch.health),
  );
}

function statusOf(watched: WatchedService): VirtualServerStatus {
  const { service } = watched;
  const health = healthOfService(watched);
  const { name, identity, listeners, scheduler, schedulerFlags, onePacket, persistence } = service;
  const { quorumUp } = health;
  const { quorum } = judge(service, health.realServers, quorumUp);
  return {
    name,
    identity,
    listeners,
    scheduler,
    schedulerFlags,
    onePacket,
    ...(persistence && { persistence }),
    quorum,
    quorumUp,
    sorryServerActive: sorryServerActive(service, health),
    realServers: watched.servers.map(statusOfServer),
  };
}

function statusOfServer(watched: WatchedServer): RealServerStatus {
  const { weight, upperThreshold = 0, lowerThreshold = 0 } = watched.server;
  return { configuredWeight: weight, upperThreshold, lowerThreshold, ...healthOfServer(watched) };
}
