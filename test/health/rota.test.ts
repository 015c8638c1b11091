// Thousands of checks on a virtual clock: the agenda against a sorted list, and how late probes start.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Agenda } from '../../control/health/agenda.js';
import type { ProbeResult } from '../../control/health/checker.js';
import { startHealth } from '../../control/health/driver.js';
import { type Clock, type Duty, Rota, type Timekeeping } from '../../control/health/rota.js';
import type { Probe } from '../../control/health/watch.js';
import { realServer, tcpChecker, virtualServer } from './models.js';

describe('the agenda', () => {
  test('gives back what is due, the earliest first, like a sorted list', () => {
    const commands = fc.array(
      fc.record({
        item: fc.integer({ min: 0, max: 12 }),
        at: fc.integer({ min: 0, max: 20 }),
        what: fc.constantFrom('set', 'delete', 'take'),
      }),
    );
    fc.assert(
      fc.property(commands, (steps) => {
        const agenda = new Agenda<number>();
        const model = new Map<number, number>();
        for (const { item, at, what } of steps) {
          if (what === 'set') model.set(item, at);
          if (what === 'delete') model.delete(item);
          if (what === 'set') agenda.set(item, at);
          if (what === 'delete') agenda.delete(item);
          if (what === 'take') compareTaken(agenda, model, at);
          assert.equal(agenda.size, model.size);
          assert.equal(agenda.next, model.size === 0 ? undefined : Math.min(...model.values()));
        }
      }),
    );
  });
});

function compareTaken(agenda: Agenda<number>, model: Map<number, number>, now: number): void {
  const taken = agenda.take(now);
  const due = [...model.values()].filter((at) => at <= now);
  assert.equal(taken?.at, due.length === 0 ? undefined : Math.min(...due));
  if (taken === undefined) return;
  assert.equal(model.get(taken.item), taken.at);
  model.delete(taken.item);
}

/** Time passes only from one event to the next. */
class VirtualClock implements Clock {
  readonly #events = new Agenda<() => void>();
  #now = 0;

  readonly now = (): number => this.#now;

  readonly at = (time: number, callback: () => void): (() => void) => {
    const event = (): void => callback();
    this.#events.set(event, Math.max(time, this.#now));
    return () => this.#events.delete(event);
  };

  run(until: number): void {
    for (let next = this.#events.next; next !== undefined && next <= until; next = this.#events.next) {
      this.#now = next;
      this.#events.take(next)?.item();
    }
    this.#now = until;
  }
}

interface Scene {
  readonly servers: number;
  /** Every how many servers one answers nothing until connect_timeout. */
  readonly deadEvery?: number;
  readonly limit?: number;
}

const DELAY_LOOP_MS = 6000;
const ANSWER_MS = 2;
const TIMEOUT_MS = 5000;
const HOUR_MS = 3_600_000;

/** Servers of which some are dead, checked for a while; how well time was kept, and how many probes were under way at most. */
function check({ servers, deadEvery = 0, limit }: Scene, forMs: number): Timekeeping & { readonly mostAtOnce: number } {
  const clock = new VirtualClock();
  let [atOnce, mostAtOnce, seed] = [0, 0, 1];
  const probe: Probe = (checker, _, done) => {
    const dead = deadEvery > 0 && checker.connect.port % deadEvery === 0;
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    const result: ProbeResult = dead ? { kind: 'failed', fault: 'connect timeout', reason: 'dead' } : { kind: 'passed' };
    return clock.at(clock.now() + (dead ? TIMEOUT_MS : ANSWER_MS), () => {
      atOnce--;
      done(result);
    });
  };
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const options = { log: () => {}, onChange: () => {}, random, clock, probe, ...(limit !== undefined && { limit }) };
  const health = startHealth({ ...options, services: servicesOf(servers) });
  clock.run(forMs);
  const kept = { ...health.timekeeping(), mostAtOnce };
  health.close();
  return kept;
}

function servicesOf(servers: number): ReturnType<typeof virtualServer>[] {
  return Array.from({ length: servers / 10 }, (_, service) =>
    virtualServer({
      port: service + 1,
      realServers: Array.from({ length: 10 }, (_unused, server) => {
        const connect = { address: '10.11.12.1', port: 10 * service + server + 1 };
        return realServer({
          port: connect.port,
          checkers: [tcpChecker({ delayLoopMs: DELAY_LOOP_MS, connectTimeoutMs: TIMEOUT_MS, connect })],
        });
      }),
    }),
  );
}

describe('10 000 checked servers', () => {
  test('none is checked late, and first checks are spread over delay_loop', () => {
    const { started, late, worstMs, mostAtOnce } = check({ servers: 10_000 }, 18_000);
    assert.ok(started >= 29_000 && started <= 30_000, `${started} checks in three rounds`);
    assert.deepEqual([late, worstMs], [0, 0]);
    assert.ok(mostAtOnce < 30, `${mostAtOnce} at once`);
  });

  test('none is checked late although half of them is dead', () => {
    assert.equal(check({ servers: 10_000, deadEvery: 2 }, 12_000).late, 0);
  });

  test('where there is no room for all at once, checks wait in turn, and nothing is lost', () => {
    const { underWay, mostAtOnce, started, late, worstMs } = check({ servers: 1000, deadEvery: 2, limit: 100 }, 120_000);
    assert.equal(mostAtOnce, 100);
    assert.ok(underWay <= 100);
    assert.ok(late > 0, 'it is told that there was no room');
    // 500 dead ones of 5 s each by 100 places: a round takes 25 s and more.
    assert.ok(worstMs < 40_000 && started > 4 * 1000, `${worstMs} ms late, ${started} checks`);
  });
});

test('thousands that wait for room and cannot be made at all end one after the other', () => {
  const clock = new VirtualClock();
  const rota = new Rota(clock, 1);
  let started = 0;
  const duty = (): Duty => {
    const own: Duty = {
      due: () => {},
      start: () => {
        started += 1;
        rota.ended(own);
      },
    };
    return own;
  };
  const first: Duty = { due: () => {}, start: () => {} };
  rota.probe(first);
  for (let count = 0; count < 50_000; count++) rota.probe(duty());
  rota.ended(first);
  assert.equal(started, 50_000);
});

test('a check goes on for hours', () => {
  const { started, late } = check({ servers: 10 }, HOUR_MS);
  assert.ok(started >= 10 * 599 && started <= 10 * 600, `${started}`);
  assert.equal(late, 0);
});
