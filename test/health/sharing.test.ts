// Checks that are shared by services, and what becomes of them at a reload.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Checker } from '../../control/config/checker.js';
import type { VirtualServer } from '../../control/config/model.js';
import type { ProbeResult } from '../../control/health/checker.js';
import { type HealthOptions, startHealth } from '../../control/health/driver.js';
import { carryOver, type SharedCheck, share } from '../../control/health/sharing.js';
import type { Signals } from '../../control/health/signals.js';
import type { Done } from '../../control/health/watch.js';
import { atOnce } from '../../control/slices.js';
import { bfdChecker, fileChecker, httpChecker, miscChecker, realServer, tcpChecker, url, virtualServer } from './models.js';

const FAILED: ProbeResult = { kind: 'failed', fault: 'connect', reason: 'refused' };
const PASSED: ProbeResult = { kind: 'passed' };

/** One service for each list of checkers, each with one server. */
function services(...checkers: readonly (readonly Checker[])[]): VirtualServer[] {
  return checkers.map((each, index) => virtualServer({ port: 80 + index, realServers: [realServer({ checkers: each, weight: 10 })] }));
}

describe('one probe is shared by', () => {
  const base = tcpChecker({});
  const rows: readonly (readonly [string, Checker, Checker, boolean])[] = [
    ['the same check of the same server', base, tcpChecker({}), true],
    ['checks that stand elsewhere in the file', base, { ...base, place: { file: 'other', line: 9, column: 9 } }, true],
    ['checks of which one logs every failure', base, tcpChecker({ logAllFailures: true }), true],
    ['the same script', miscChecker({}), miscChecker({}), true],
    ['not another port', base, tcpChecker({ connect: { address: '10.11.12.1', port: 81 } }), false],
    ['not another kind', base, httpChecker({}), false],
    ['not another delay_loop', base, tcpChecker({ delayLoopMs: 1 }), false],
    ['not another retry', base, tcpChecker({ retry: 9 }), false],
    ['not another mark', base, tcpChecker({ mark: 1 }), false],
    ['not another interface', base, tcpChecker({ bindInterface: 'eth0' }), false],
    ['not another url', httpChecker({}), httpChecker({ urls: [url({ path: '/x' })] }), false],
    ['not another pattern', httpChecker({}), httpChecker({ urls: [url({ regex: { pattern: 'x', flags: '' } })] }), false],
    ['not TLS and plain', httpChecker({}), httpChecker({ tls: { files: {} } }), false],
    ['not alpha and others', base, tcpChecker({ alpha: true }), false],
    ['not another script', miscChecker({}), miscChecker({ script: { argv: ['/bin/false'], place: base.place } }), false],
    ['not another weight of a file', fileChecker({}), fileChecker({ weight: 1 }), false],
  ];
  for (const [name, one, other, same] of rows) test(name, () => assert.equal(atOnce(share(services([one], [other]))).length, same ? 1 : 2));

  test('two checks of one server', () => {
    const [only, ...others] = atOnce(share(services([base, base])));
    assert.deepEqual([only?.subjects.length, others.length], [2, 0]);
  });
});

describe('what becomes of checks when services go and others come', () => {
  const [quick, slow, other] = [tcpChecker({ delayLoopMs: 1 }), tcpChecker({ delayLoopMs: 9 }), tcpChecker({ mark: 5 })];
  const rows: readonly {
    readonly name: string;
    /** One service each. */
    readonly before: readonly Checker[];
    readonly gone: readonly number[];
    readonly come: readonly Checker[];
    /** For each check that is looked at: how many want it, and as which of before it goes on. */
    readonly continued: readonly (readonly [subjects: number, held: number | undefined])[];
    readonly ended: readonly number[];
  }[] = [
    { name: 'nothing changes', before: [slow, quick], gone: [], come: [], continued: [], ended: [] },
    { name: 'one comes to a check that is made', before: [slow], gone: [], come: [slow], continued: [[2, 0]], ended: [] },
    { name: 'one of two goes', before: [slow, slow], gone: [0], come: [], continued: [[1, 0]], ended: [] },
    { name: 'the last goes', before: [slow, quick], gone: [1], come: [], continued: [], ended: [1] },
    { name: 'the last goes and one like it comes', before: [slow], gone: [0], come: [slow], continued: [[1, 0]], ended: [] },
    { name: 'one asks more often now', before: [slow], gone: [0], come: [quick], continued: [[1, 0]], ended: [] },
    {
      name: 'one of two asks more often now',
      before: [slow, slow],
      gone: [0],
      come: [quick],
      continued: [
        [1, 0],
        [1, undefined],
      ],
      ended: [],
    },
    { name: 'one asks something else now', before: [slow], gone: [0], come: [other], continued: [[1, undefined]], ended: [0] },
    {
      name: 'the same rhythm goes before the same question',
      before: [slow, quick, other],
      gone: [0, 1, 2],
      come: [quick, tcpChecker({ delayLoopMs: 5 })],
      continued: [
        [1, 1],
        [1, 0],
      ],
      ended: [2],
    },
  ];
  for (const { name, before, gone, come, ...expected } of rows)
    test(name, () => {
      const all = services(...before.map((checker) => [checker]));
      const checks = atOnce(share(all));
      const held = new Map(checks.map((check) => [check.identity, check]));
      const wanted = atOnce(share(services(...come.map((checker) => [checker]))));
      const { continued, ended } = atOnce(carryOver(wanted, held, new Set(gone.map((at) => all[at]!))));
      const at = (check: SharedCheck | undefined) => (check === undefined ? undefined : checks.indexOf(check));
      assert.deepEqual({ continued: continued.map((each) => [each.check.subjects.length, at(each.held)]), ended: ended.map(at) }, expected);
    });
});

interface Played {
  readonly log: string[];
  readonly events: string[];
  readonly health: ReturnType<typeof startHealth>;
  /** Probes that were started, the latest last. */
  readonly probes: Done[];
  run(ms: number): void;
}

/** Health on a clock that a test moves, with probes that a test answers. */
function play(all: readonly VirtualServer[], more: Partial<HealthOptions> = {}): Played {
  let now = 0;
  const timers = new Map<() => void, number>();
  const played = { log: [] as string[], events: [] as string[], probes: [] as Done[] };
  const health = startHealth({
    services: all,
    log: (text) => played.log.push(text),
    onChange: () => played.events.push('change'),
    onEvent: ({ kind, state, service, stopping }) => played.events.push(`${kind} ${state} ${service.name}${stopping ? ' stopping' : ''}`),
    random: () => 0,
    clock: {
      now: () => now,
      at: (time, callback) => {
        const timer = (): void => callback();
        timers.set(timer, time);
        return () => timers.delete(timer);
      },
    },
    probe: (_checker, _url, done) => {
      played.probes.push(done);
      return () => {};
    },
    ...more,
  });
  const run = (ms: number): void => {
    const until = now + ms;
    for (
      let [next] = [...timers].sort(([, one], [, two]) => one - two);
      next !== undefined && next[1] <= until;
      [next] = [...timers].sort(([, one], [, two]) => one - two)
    ) {
      now = Math.max(now, next[1]);
      timers.delete(next[0]);
      next[0]();
    }
    now = until;
  };
  run(0);
  return { ...played, health, run };
}

const VS80 = '[203.0.113.10]:tcp:80';
const VS81 = '[203.0.113.10]:tcp:81';

test('a shared probe decides for everybody, and is told once', () => {
  const { probes, log, events, health } = play(services([tcpChecker({})], [tcpChecker({})]));
  assert.equal(probes.length, 1);
  log.length = 0;
  probes[0]?.(FAILED);
  assert.deepEqual(
    health.state().services.map(({ realServers }) => realServers[0]?.up),
    [false, false],
  );
  assert.deepEqual(events, [`server DOWN ${VS80}`, `quorum DOWN ${VS80}`, `server DOWN ${VS81}`, `quorum DOWN ${VS81}`, 'change']);
  assert.deepEqual(log, [
    `Check of [10.11.12.1]:tcp:80 for VS ${VS80}: refused`,
    'TCP connection to [10.11.12.1]:tcp:80 failed.',
    'TCP_CHECK on service [10.11.12.1]:tcp:80 failed.',
    `Check of [10.11.12.1]:tcp:80 for VS ${VS81}: refused`,
    `Lost quorum 1-0=1 > 0 for VS ${VS80}`,
    `Lost quorum 1-0=1 > 0 for VS ${VS81}`,
  ]);
});

test('who comes to a check that is known starts with what is known', async () => {
  const { probes, health, run } = play(services([tcpChecker({})]));
  probes[0]?.(FAILED);
  await health.reload(services([tcpChecker({})], [tcpChecker({})]));
  run(1);
  assert.equal(probes.length, 1);
  assert.deepEqual(
    health.state().services.map(({ quorumUp }) => quorumUp),
    [false, false],
  );
});

test('a check ends with the last who wants it', async () => {
  const { probes, health, run } = play(services([tcpChecker({})], [tcpChecker({})]));
  probes[0]?.(PASSED);
  await health.reload(services([], [tcpChecker({})]));
  run(7000);
  assert.equal(probes.length, 2);
  probes[1]?.(PASSED);
  await health.reload(services([], []));
  run(60_000);
  assert.equal(probes.length, 2);
});

describe('weights of checks', () => {
  test('follow a script, and count for the quorum', () => {
    const [service] = services([miscChecker({ dynamic: true })]);
    const { probes, health, events, run } = play([{ ...service!, quorum: 5 }]);
    probes[0]?.({ kind: 'passed', weight: { set: 3 } });
    assert.equal(health.state().services[0]?.realServers[0]?.effectiveWeight, 3);
    assert.deepEqual(events, [`quorum DOWN ${VS80}`, 'change']);
    run(6000);
    probes[1]?.(PASSED);
    run(200);
    assert.equal(health.state().services[0]?.realServers[0]?.effectiveWeight, undefined);
    assert.deepEqual(events.slice(2), [`quorum UP ${VS80}`, 'change']);
  });

  test('add up, but never below 0', () => {
    const signals = new TestSignals();
    const { health } = play(services([fileChecker({ weight: 2 }), fileChecker({ name: 'other', weight: 1, reverse: true })]), { signals });
    const weight = (): number | undefined => health.state().services[0]?.realServers[0]?.effectiveWeight;
    signals.file_('load', 3);
    assert.equal(weight(), 16);
    signals.file_('other', 4);
    assert.equal(weight(), 12);
    signals.file_('other', 400);
    assert.equal(weight(), 0);
    signals.file_('load', 0);
    signals.file_('other', 0);
    assert.equal(weight(), undefined);
  });
});

describe('what tells by itself', () => {
  test('a file without a weight is a failure unless it holds 0', () => {
    const signals = new TestSignals();
    const { health, log } = play(services([fileChecker({})]), { signals });
    const up = (): boolean | undefined => health.state().services[0]?.realServers[0]?.up;
    signals.file_('load', 0);
    assert.equal(up(), true);
    signals.file_('load', 1);
    assert.equal(up(), false);
    assert.ok(log.includes(`Check of [10.11.12.1]:tcp:80 for VS ${VS80}: track_file load holds 1`));
    signals.file_('load', 0);
    assert.equal(up(), true);
  });

  test('reverse turns that round, and a very small product is a failure too', () => {
    const signals = new TestSignals();
    const { health } = play(services([fileChecker({ reverse: true })], [fileChecker({ name: 'other', weight: 2 ** 31 - 1 })]), { signals });
    const up = (): (boolean | undefined)[] => health.state().services.map(({ realServers }) => realServers[0]?.up);
    signals.file_('load', 0);
    signals.file_('other', -1);
    assert.deepEqual(up(), [false, true]);
    signals.file_('load', 7);
    signals.file_('other', -2);
    assert.deepEqual(up(), [true, false]);
  });

  test('a BFD session takes its servers with it', () => {
    const signals = new TestSignals();
    const { health, log, events } = play(services([bfdChecker({ alpha: true })]), { signals });
    assert.equal(health.state().services[0]?.quorumUp, false);
    events.length = 0;
    signals.bfd_('session', true);
    assert.ok(log.includes('BFD check of [session] RS([10.11.12.1]:tcp:80) is UP'));
    signals.bfd_('session', false);
    assert.deepEqual(
      events.filter((event) => event.startsWith('server')),
      [`server UP ${VS80}`, `server DOWN ${VS80}`],
    );
    assert.ok(log.includes('BFD check of [session] RS([10.11.12.1]:tcp:80) is DOWN'));
  });

  test('is not listened to any longer than it is wanted', async () => {
    const signals = new TestSignals();
    const { health } = play(services([fileChecker({})]), { signals });
    assert.equal(signals.listeners, 1);
    await health.reload(services([]));
    assert.equal(signals.listeners, 0);
  });
});

describe('events', () => {
  test('a first failure of a server that was not assumed to be up is told', () => {
    const { probes, events } = play(services([tcpChecker({ alpha: true })]));
    assert.deepEqual(events, [`quorum DOWN ${VS80}`]);
    probes[0]?.(FAILED);
    assert.deepEqual(events.slice(1), [`server DOWN ${VS80}`]);
  });

  test('a first success of a server that was assumed to be up is not', () => {
    const { probes, events } = play(services([tcpChecker({})]));
    probes[0]?.(PASSED);
    assert.deepEqual(events, []);
  });

  test('what a reload takes away is told to be down', async () => {
    const { events, health } = play(services([tcpChecker({})], [tcpChecker({})]));
    await health.reload(services([tcpChecker({})]));
    assert.deepEqual(events, [`server DOWN ${VS81}`, `quorum DOWN ${VS81}`]);
  });

  test('the end is told of services with omega', () => {
    const [one, other] = services([tcpChecker({})], [tcpChecker({})]);
    const { events, health } = play([{ ...one!, omega: true }, other!]);
    health.close();
    assert.deepEqual(events, [`server DOWN ${VS80} stopping`, `quorum DOWN ${VS80} stopping`]);
  });

  test('who forwards hears of each change at once, and takes together what it wants to', () => {
    const { events, probes } = play(services([tcpChecker({ mark: 1 })], [tcpChecker({ mark: 2 })], [tcpChecker({ mark: 3 })]));
    for (const done of probes) done(FAILED);
    assert.equal(events.filter((event) => event === 'change').length, 3);
  });
});

describe('ha_suspend', () => {
  test('nothing is asked while the address is elsewhere, and what is known stays', () => {
    let held = false;
    let changed = (): void => {};
    const addresses = {
      holds: () => held,
      onChange: (listener: () => void) => {
        changed = listener;
        return () => {};
      },
    };
    const [service] = services([tcpChecker({})]);
    const { probes, run, log } = play([{ ...service!, haSuspend: true }], { addresses });
    run(60_000);
    assert.equal(probes.length, 0);
    held = true;
    changed();
    assert.equal(log.at(-1), `Activating healthchecker for service [10.11.12.1]:tcp:80 for VS ${VS80}`);
    run(6000);
    assert.equal(probes.length, 1);
    probes[0]?.(FAILED);
    held = false;
    changed();
    assert.equal(log.at(-1), `Suspending healthchecker for service [10.11.12.1]:tcp:80 for VS ${VS80}`);
    run(60_000);
    assert.equal(probes.length, 1);
  });

  test('a shared probe goes on as long as one service wants it', () => {
    const [one, other] = services([tcpChecker({})], [tcpChecker({})]);
    const { probes } = play([{ ...one!, haSuspend: true }, other!], { addresses: { holds: () => false, onChange: () => () => {} } });
    assert.equal(probes.length, 1);
  });
});

class TestSignals implements Signals {
  readonly #files = new Map<string, Set<(value: number) => void>>();
  readonly #sessions = new Map<string, Set<(up: boolean) => void>>();

  get listeners(): number {
    return [...this.#files.values(), ...this.#sessions.values()].reduce((sum, { size }) => sum + size, 0);
  }

  readonly file = (name: string, tell: (value: number) => void): (() => void) => listen(this.#files, name, tell);
  readonly bfd = (name: string, tell: (up: boolean) => void): (() => void) => listen(this.#sessions, name, tell);

  file_(name: string, value: number): void {
    for (const tell of this.#files.get(name) ?? []) tell(value);
  }

  bfd_(name: string, up: boolean): void {
    for (const tell of this.#sessions.get(name) ?? []) tell(up);
  }
}

function listen<Value>(all: Map<string, Set<(value: Value) => void>>, name: string, tell: (value: Value) => void): () => void {
  const listeners = all.get(name) ?? new Set();
  all.set(name, listeners.add(tell));
  return () => listeners.delete(tell);
}
