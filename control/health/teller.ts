// Tells what has become of servers and quorums: to the log, and to who notifies.

import type { VirtualServer } from '../config/model.js';
import type { HealthEvent } from './events.js';
import { judgeWeight } from './pool.js';
import { quorumText } from './texts.js';
import type { WatchedServer, WatchedService } from './watched.js';

export interface Listeners {
  readonly log: (text: string) => void;
  readonly onEvent?: (event: HealthEvent) => void;
}

export class Teller {
  readonly #listeners: Listeners;

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
  }

  server(service: VirtualServer, { server, up }: WatchedServer): void {
    this.#listeners.onEvent?.({ kind: 'server', service, server, state: up ? 'UP' : 'DOWN' });
  }

  judge(watched: WatchedService, starting: boolean): void {
    const { service, weight, quorumUp } = watched;
    const judged = judgeWeight(service, weight, quorumUp);
    if (judged.up === quorumUp) return;
    this.#listeners.log(quorumText(service.name, judged, starting));
    watched.quorumUp = judged.up;
    this.#listeners.onEvent?.({ kind: 'quorum', service, state: judged.up ? 'UP' : 'DOWN', weight: judged.weight });
  }

  /** A reload may take a check away, or a server. */
  compare(before: WatchedService, now: WatchedService): void {
    const known = pairs(before.servers, now.servers);
    for (const [watched, same] of known) {
      if (same === undefined) this.#gone(before, watched);
      else if (same.up !== watched.up) this.server(now.service, same);
    }
  }

  removed(watched: WatchedService): void {
    for (const server of watched.servers) this.#gone(watched, server);
    if (watched.quorumUp) this.#listeners.onEvent?.({ kind: 'quorum', service: watched.service, state: 'DOWN', weight: 0 });
  }

  /** natlb ends: keepalived tells it of services with omega. */
  end(services: readonly WatchedService[]): void {
    for (const { service, servers } of services.filter((watched) => watched.service.omega)) {
      for (const { server } of servers.filter(({ up }) => up))
        this.#listeners.onEvent?.({ kind: 'server', service, server, state: 'DOWN', stopping: true });
      this.#listeners.onEvent?.({ kind: 'quorum', service, state: 'DOWN', weight: 0, stopping: true });
    }
  }

  #gone({ service }: WatchedService, { server, up }: WatchedServer): void {
    if (up) this.#listeners.onEvent?.({ kind: 'server', service, server, state: 'DOWN' });
  }
}

/** Each of before with what it is now. Mostly nothing has moved, and looking at the place where it was is enough. */
function pairs(before: readonly WatchedServer[], now: readonly WatchedServer[]): [WatchedServer, WatchedServer | undefined][] {
  if (before.every((watched, index) => isSame(watched, now[index]))) return before.map((watched, index) => [watched, now[index]]);
  const known = new Map(now.map((watched) => [keyOf(watched), watched]));
  return before.map((watched) => [watched, known.get(keyOf(watched))]);
}

function keyOf({ server: { address, port } }: WatchedServer): string {
  return `${address} ${port}`;
}

function isSame({ server: { address, port } }: WatchedServer, other: WatchedServer | undefined): boolean {
  return other?.server.address === address && other.server.port === port;
}
