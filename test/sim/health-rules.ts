// What must be true of a router's destinations, told from the answers its probes got and nothing else: keepalived's rules in a few lines.
//
//   A check gives up after retry + 1 failures in a row, or with the first one while it knows nothing yet; one that gave up, or began with alpha,
//   believes when all its urls answered in a row.
//   A server is up while no check of it has given up. The weights of those that are up lose the quorum below quorum - hysteresis, or at nothing,
//   and regain it from quorum + hysteresis on. With it, or without a sorry server, those that are up have their weight; those that are not are
//   absent, or of weight 0 where inhibit_on_failure says so. Without it the sorry server alone has a weight.

import type { VirtualServer } from '../../control/config/model.js';
import type { ProbeResult } from '../../control/health/checker.js';
import { type Balancer, nameOf, type Watched } from './balancer.js';
import { type Answer, Violation } from './world.js';

interface Belief {
  up: boolean;
  /** False until the first verdict: what `up` says is assumed. */
  decided: boolean;
  failures: number;
  /** Urls in a row. */
  passed: number;
}

export class HealthRules {
  readonly #beliefs = new Map<Watched, Belief>();
  readonly #quorumUp = new Map<VirtualServer, boolean>();
  readonly #router: string;

  constructor(router: string) {
    this.#router = router;
  }

  concluded(watched: Watched, { kind }: ProbeResult): void {
    const belief = this.#belief(watched);
    if (kind === 'failed') fail(belief, belief.decided ? watched.checker.retry : 0);
    if (kind === 'passed') pass(belief, watched.checker.kind === 'http' ? watched.checker.urls.length : 1);
    if (watched.state?.up !== belief.up)
      throw new Violation(
        'a verdict follows from the answers',
        `(${this.#router}) ${nameOf(watched)} should be ${belief.up ? 'up' : 'down'}`,
      );
  }

  applied(balancer: Balancer): void {
    for (const service of balancer.services) {
      const expected = this.#destinations(balancer, service);
      const found = balancer.destinations.get(service.name);
      if (text(found) !== text(expected))
        throw new Violation(
          'destinations follow from the verdicts',
          `(${this.#router}) ${service.name}: expected ${text(expected)}, found ${text(found)}`,
        );
    }
  }

  #destinations({ watched }: Balancer, service: VirtualServer): Map<string, number> {
    const isDown = (address: string) =>
      watched.some((each) => each.service === service && each.server.address === address && !this.#belief(each).up);
    const { realServers, sorryServer } = service;
    const up = realServers.filter(({ address }) => !isDown(address));
    const sorry =
      !this.#judge(
        service,
        up.reduce((sum, { weight }) => sum + weight, 0),
      ) && sorryServer !== undefined;
    const expected = new Map<string, number>();
    for (const server of realServers) {
      const serves = up.includes(server) && !sorry;
      if (serves || server.inhibitOnFailure) expected.set(server.address, serves ? server.weight : 0);
    }
    if (sorry) expected.set(sorryServer.address, 1);
    else if (sorryServer !== undefined && service.sorryServerInhibit && !expected.has(sorryServer.address))
      expected.set(sorryServer.address, 0);
    return expected;
  }

  #judge(service: VirtualServer, weight: number): boolean {
    const quorum = Math.min(
      service.quorum,
      service.realServers.reduce((sum, server) => sum + server.weight, 0),
    );
    const hysteresis = Math.min(service.hysteresis, Math.max(0, quorum - 1));
    const was = this.#quorumUp.get(service) ?? true;
    const is = weight > 0 && weight >= (was ? quorum - hysteresis : quorum + hysteresis);
    this.#quorumUp.set(service, is);
    return is;
  }

  #belief(watched: Watched): Belief {
    const known = this.#beliefs.get(watched) ?? { up: !watched.checker.alpha, decided: false, failures: 0, passed: 0 };
    this.#beliefs.set(watched, known);
    return known;
  }
}

function fail(belief: Belief, retry: number): void {
  belief.failures++;
  if (!belief.up) belief.passed = 0;
  if (!belief.up || belief.failures <= retry) return;
  Object.assign(belief, { up: false, decided: true, failures: 0, passed: 0 });
}

function pass(belief: Belief, urls: number): void {
  belief.failures = 0;
  belief.passed++;
  if (belief.passed >= urls) Object.assign(belief, { up: true, decided: true, passed: 0 });
}

function text(destinations: ReadonlyMap<string, number> | undefined): string {
  return [...(destinations ?? [])]
    .map(([address, weight]) => `${address}=${weight}`)
    .sort()
    .join(' ');
}

/** How long a checker may take, in its router's time, to say of a server what has been so since then. */
export function verdictMs({ checker }: Watched): number {
  const urls = checker.kind === 'http' ? checker.urls.length : 1;
  const probeMs = checker.connectTimeoutMs + 100;
  const firstMs = Math.max(checker.warmupMs ?? 0, checker.delayLoopMs);
  return firstMs + probeMs + (urls + 1) * (checker.delayLoopMs + probeMs) + (checker.retry + 1) * (checker.delayBeforeRetryMs + probeMs);
}

export function expectVerdict(router: string, watched: Watched, answer: Answer): void {
  if (answer === 'unable' || watched.state?.up === (answer === 'answers')) return;
  throw new Violation('a verdict comes in time', `(${router}) ${nameOf(watched)} ${answer}, and has for ${verdictMs(watched)} ms`);
}
