// The balancing side of a simulated router: checkers that probe simulated servers, what follows for quorum and destinations, and the
// reconciler that tells a data plane. What control/health/driver.ts and watch.ts do with timers and sockets is done here with the simulation's.

import type { Checker } from '../../control/config/checker.js';
import type { RealServer, VirtualServer } from '../../control/config/model.js';
import { type CheckerEffect, type CheckerEvent, type CheckerState, type ProbeResult, step } from '../../control/health/checker.js';
import { type HealthState, healthOf, judge, type ServiceHealth } from '../../control/health/pool.js';
import { desired } from '../../control/reconcile/desired.js';
import { type Operation, plan } from '../../control/reconcile/plan.js';
import type { Snapshot } from '../../dataplane/protocol.js';
import { config } from '../health/models.js';
import type { Answer } from './world.js';

export interface Watched {
  readonly service: VirtualServer;
  readonly server: RealServer;
  readonly checker: Checker;
  state: CheckerState | undefined;
  /** Of timers and probes: those of before are nobody's. */
  serial: number;
}

export interface BalancerSurroundings {
  readonly localNow: () => number;
  /** `delayMs` of the router's own time from now, unless the process has died by then; later if it stands still. */
  later(delayMs: number, task: () => void): void;
  random(): number;
  answer(address: string): Answer;
  /** A probe came to its end, and the checker has heard of it. */
  concluded(watched: Watched, result: ProbeResult): void;
  /** The data plane holds something else. */
  applied(balancer: Balancer): void;
  note(text: () => string): void;
}

const FASTEST_ANSWER_MS = 0.1;
const SLOWEST_ANSWER_MS = 50;

export class Balancer {
  readonly services: readonly VirtualServer[];
  readonly watched: readonly Watched[];
  /** Service → destination → weight, as a data plane would hold it that was told of each operation. */
  readonly destinations = new Map<string, Map<string, number>>();
  readonly #around: BalancerSurroundings;
  readonly #quorumUp = new Map<string, boolean>();
  #applied: Snapshot | undefined;
  #generation = 0;

  constructor(services: readonly VirtualServer[], around: BalancerSurroundings) {
    this.services = services;
    this.#around = around;
    this.watched = services.flatMap((service) =>
      service.realServers.flatMap((server) =>
        server.checkers.map((checker): Watched => ({ service, server, checker, state: undefined, serial: 0 })),
      ),
    );
  }

  start(): void {
    for (const watched of this.watched) this.#handle(watched, { kind: 'start', random: this.#around.random() });
    for (const service of this.services) this.#rejudge(service);
    this.#reconcile();
  }

  #handle(watched: Watched, event: CheckerEvent): void {
    const { state, effects } = step(watched.checker, watched.state, event, this.#around.localNow());
    watched.state = state;
    for (const effect of effects) this.#perform(watched, effect);
    if (event.kind === 'passed' || event.kind === 'failed' || event.kind === 'unable') this.#around.concluded(watched, event);
    if (effects.some((effect) => effect.kind === 'decided' && effect.changed)) {
      this.#rejudge(watched.service);
      this.#reconcile();
    }
  }

  #perform(watched: Watched, effect: CheckerEffect): void {
    switch (effect.kind) {
      case 'wake':
        this.#later(watched, effect.at - this.#around.localNow(), () => this.#handle(watched, { kind: 'due' }));
        break;
      case 'probe':
        this.#probe(watched);
        break;
      case 'decided':
        this.#around.note(() => `${nameOf(watched)} is ${effect.up ? 'up' : 'down'}`);
        break;
      default:
        break;
    }
  }

  #probe(watched: Watched): void {
    const answer = this.#around.answer(watched.server.address);
    const soon = FASTEST_ANSWER_MS + this.#around.random() * (SLOWEST_ANSWER_MS - FASTEST_ANSWER_MS);
    const takesMs = answer === 'silent' ? watched.checker.connectTimeoutMs : soon;
    this.#around.note(() => `asks ${nameOf(watched)}, which ${answer === 'unable' ? 'cannot be' : answer}`);
    this.#later(watched, takesMs, () => this.#handle(watched, RESULTS[answer]));
  }

  #later(watched: Watched, delayMs: number, task: () => void): void {
    const serial = ++watched.serial;
    this.#around.later(delayMs, () => {
      if (watched.serial === serial) task();
    });
  }

  #rejudge(service: VirtualServer): void {
    const { realServers, quorumUp } = this.#healthOf(service);
    this.#quorumUp.set(service.name, judge(service, realServers, quorumUp).up);
  }

  #healthOf(service: VirtualServer): ServiceHealth {
    const realServers = service.realServers.map((server) =>
      healthOf(
        server,
        this.watched
          .filter((each) => each.service === service && each.server === server)
          .map(({ state, checker }) => state ?? { up: !checker.alpha }),
      ),
    );
    return { name: service.name, quorumUp: this.#quorumUp.get(service.name) ?? true, realServers };
  }

  #reconcile(): void {
    const health: HealthState = { services: this.services.map((service) => this.#healthOf(service)) };
    const wanted = desired(config(this.services), health, { generation: ++this.#generation, held: [], graceMs: 0 });
    for (const operation of plan(wanted, this.#applied, this.services)) this.#obey(operation);
    this.#applied = wanted;
    this.#around.applied(this);
  }

  #obey(operation: Operation): void {
    if (operation.kind === 'set') return;
    const { name } = operation.service;
    const destinations = this.destinations.get(name);
    switch (operation.kind) {
      case 'add service':
        this.destinations.set(name, new Map());
        break;
      case 'remove service':
        this.destinations.delete(name);
        break;
      case 'remove destination':
        destinations?.delete(operation.destination.address);
        break;
      case 'add destination':
      case 'change weight':
        destinations?.set(operation.destination.address, operation.destination.weight);
        break;
      default:
        break;
    }
  }
}

const RESULTS: Readonly<Record<Answer, ProbeResult>> = {
  answers: { kind: 'passed' },
  refuses: { kind: 'failed', fault: 'connect', reason: 'connection refused' },
  silent: { kind: 'failed', fault: 'connect timeout', reason: 'timeout' },
  unable: { kind: 'unable', reason: 'no ports left' },
};

export function nameOf({ service, server }: Watched): string {
  return `${server.address} of ${service.name}`;
}
