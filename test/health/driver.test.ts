// The health driver with real servers on loopback: what it tells, logs and keeps.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type { CheckerTiming } from '../../control/config/checker.js';
import type { RealServer, VirtualServer } from '../../control/config/model.js';
import { type Health, startHealth } from '../../control/health/driver.js';
import type { HealthEvent } from '../../control/health/events.js';
import { httpChecker, realServer, tcpChecker, url, virtualServer } from './models.js';

const VS = '[203.0.113.10]:tcp:80';
const DEADLINE_MS = 5000;
const NO_LIMIT = { upperThreshold: 0, lowerThreshold: 0 };

/** Quick checks: what they decide is known within milliseconds. */
const QUICK: Partial<CheckerTiming> = { delayLoopMs: 20, delayBeforeRetryMs: 5, retry: 1, connectTimeoutMs: 1000 };

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

class Watched {
  readonly log: string[] = [];
  readonly events: string[] = [];
  changes = 0;
  readonly health: Health;
  readonly #waiting = new Set<() => void>();

  constructor(services: readonly VirtualServer[], random = 0) {
    const log = (text: string): void => {
      this.log.push(text);
      for (const look of this.#waiting) setImmediate(look);
    };
    const onEvent = ({ kind, state }: HealthEvent): number => this.events.push(`${kind} ${state}`);
    this.health = startHealth({ services, log, onChange: () => this.#change(), onEvent, random: () => random });
    cleanups.push(() => this.health.close());
  }

  /** Waits for a log line, which comes with every decision. */
  logged(text: string): Promise<void> {
    return this.#until(() => this.log.includes(text), `not logged: ${text}`);
  }

  changed(times: number): Promise<void> {
    return this.#until(() => this.changes === times, `not changed ${times} times, but ${this.changes}`);
  }

  #change(): void {
    this.changes++;
    for (const look of this.#waiting) setImmediate(look);
  }

  #until(reached: () => boolean, otherwise: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error(`${otherwise}; but:\n${this.log.join('\n')}`))), DEADLINE_MS);
      const look = (): void => {
        if (reached()) settle(resolve);
      };
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        how();
      };
      this.#waiting.add(look);
      look();
    });
  }

  forget(): void {
    this.log.length = 0;
  }
}

describe('a service', () => {
  test('starts with its servers up, and says what it checks', async () => {
    const server = await serve();
    const watched = new Watched([serviceOf(server.real)], 0.999);
    assert.deepEqual(watched.health.status(), [
      {
        name: '[203.0.113.10]:tcp:80',
        identity: { kind: 'address', protocol: 'tcp', address: '203.0.113.10', port: 80 },
        listeners: [{ address: '203.0.113.10', protocol: 'tcp', firstPort: 80, lastPort: 80 }],
        scheduler: 'rr',
        schedulerFlags: [],
        onePacket: false,
        quorumUp: true,
        quorum: 1,
        sorryServerActive: false,
        realServers: [{ address: '127.0.0.1', port: server.port, configuredWeight: 1, ...NO_LIMIT, up: true, checks: 1, failedChecks: 0 }],
      },
    ]);
    assert.deepEqual(watched.log, [`Activating healthchecker for service ${server.name} for VS ${VS}`]);
  });

  test('of a firewall mark is named by it, and its servers have no protocol', async () => {
    const server = await serve();
    const marked = serviceOf(server.real, { identity: { kind: 'fwmark', mark: 80, family: 4 } });
    const watched = new Watched([marked, serviceOf(server.real)], 0.999);
    assert.deepEqual(watched.log, [
      `Activating healthchecker for service [127.0.0.1]:none:${server.port} for VS FWM 80`,
      `Activating healthchecker for service ${server.name} for VS ${VS}`,
    ]);
    assert.deepEqual(
      watched.health.state().services.map(({ name }) => name),
      ['FWM 80', VS],
    );
  });

  test('loses a server that dies and its quorum with it, and regains both', async () => {
    const server = await serve();
    const watched = new Watched([serviceOf(server.real, { sorryServer: { address: '127.0.0.1', port: 9 } })]);
    await watched.logged(`TCP connection to ${server.name} success.`);
    assert.equal(watched.changes, 0);

    await server.stop();
    watched.forget();
    await watched.logged(`Lost quorum 1-0=1 > 0 for VS ${VS}`);
    assert.deepEqual(watched.log, [
      `Check of ${server.name} for VS ${VS}: connection refused`,
      `TCP connection to ${server.name} failed.`,
      `TCP_CHECK on service ${server.name} failed after 1 retries.`,
      `Lost quorum 1-0=1 > 0 for VS ${VS}`,
    ]);
    assert.equal(watched.changes, 1);
    const [down] = watched.health.status();
    assert.deepEqual([down!.quorumUp, down!.sorryServerActive], [false, true]);
    assert.deepEqual(down!.realServers[0], {
      ...{ address: '127.0.0.1', port: server.port, configuredWeight: 1, ...NO_LIMIT },
      ...{ up: false, checks: 1, failedChecks: 1, lastFailure: 'connection refused' },
    });

    watched.forget();
    await server.start();
    await watched.logged(`Gained quorum 1+0=1 <= 1 for VS ${VS}`);
    assert.deepEqual(watched.log, [`TCP connection to ${server.name} success.`, `Gained quorum 1+0=1 <= 1 for VS ${VS}`]);
    await watched.changed(2);
    assert.deepEqual(watched.events, ['server DOWN', 'quorum DOWN', 'server UP', 'quorum UP']);
    assert.equal(watched.health.state().services[0]?.realServers[0]?.up, true);
  });

  test('of alpha servers starts without a quorum', async () => {
    const server = await serve({ alpha: true });
    const watched = new Watched([serviceOf(server.real)]);
    assert.deepEqual(watched.log.slice(1), [`Starting with quorum down 1-0=1 > 0 for VS ${VS}`]);
    await watched.logged(`Gained quorum 1+0=1 <= 1 for VS ${VS}`);
  });

  test('has a server up only while all its checks are', async () => {
    const [good, bad] = [await serve(), await serve()];
    await bad.stop();
    const real = { ...good.real, checkers: [...good.real.checkers, ...bad.real.checkers] };
    const watched = new Watched([serviceOf(real)]);
    await watched.logged(`Lost quorum 1-0=1 > 0 for VS ${VS}`);
    const server = watched.health.status()[0]!.realServers[0]!;
    assert.deepEqual([server.up, server.checks, server.failedChecks], [false, 2, 1]);
  });

  test('asks an HTTP server for every url', async () => {
    const asked: string[] = [];
    const server = await serve({}, (request) => {
      asked.push(request.split(' ')[1] ?? '');
      return request.includes('/bad') ? 'HTTP/1.0 500 Oh\r\n\r\n' : 'HTTP/1.0 200 OK\r\n\r\n';
    });
    const urls = ['/one', '/two', '/bad'].map((path) => url({ path }));
    const check = httpChecker({ ...QUICK, retry: 0, urls, connect: { address: '127.0.0.1', port: server.port } });
    const watched = new Watched([serviceOf({ ...server.real, checkers: [check] })]);
    await watched.logged(`HTTP_CHECK on service ${server.name} failed.`);
    assert.deepEqual(asked.slice(0, 3), ['/one', '/two', '/bad']);
    assert.ok(watched.log.includes(`Check of ${server.name} for VS ${VS}: /bad: status 500, expected 200-299`));
    assert.ok(watched.log.includes(`HTTP status code error to server ${server.name}.`));
  });

  test('keeps a server whose check cannot be made, and says so once', async () => {
    const server = await serve({ bindAddress: '192.0.2.1' });
    const watched = new Watched([serviceOf(server.real)]);
    const text = `TCP_CHECK on service ${server.name} could not be made: bind EADDRNOTAVAIL 192.0.2.1. Rescheduling.`;
    await watched.logged(text);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(watched.log.filter((line) => line === text).length, 1);
    assert.equal(watched.health.status()[0]?.realServers[0]?.up, true);
  });
});

describe('a reload', () => {
  test('lets unchanged checks go on with what they know', async () => {
    const server = await serve();
    const service = serviceOf(server.real);
    await server.stop();
    const watched = new Watched([service]);
    await watched.logged(`Lost quorum 1-0=1 > 0 for VS ${VS}`);
    watched.forget();
    await watched.health.reload([structuredClone(service)]);
    assert.deepEqual(watched.log, []);
    assert.equal(watched.health.status()[0]?.quorumUp, false);
    await server.start();
    await watched.logged(`Gained quorum 1+0=1 <= 1 for VS ${VS}`);
  });

  test('with other delays keeps what is known and follows the new delays', async () => {
    const server = await serve({ delayLoopMs: 3_600_000 });
    const watched = new Watched([serviceOf(server.real)]);
    await watched.logged(`TCP connection to ${server.name} success.`);
    await server.stop();
    await watched.health.reload([serviceOf({ ...server.real, checkers: [checkOf(server.port)] })]);
    await watched.logged(`Lost quorum 1-0=1 > 0 for VS ${VS}`);
  });

  test('judges the quorum anew', async () => {
    const [one, two] = [await serve(), await serve()];
    await two.stop();
    const services = (quorum: number): VirtualServer[] => [virtualServer({ quorum, realServers: [one.real, two.real] })];
    const watched = new Watched(services(1));
    await watched.logged(`TCP_CHECK on service ${two.name} failed.`);
    watched.forget();
    await watched.health.reload(services(2));
    assert.deepEqual(watched.log, [`Lost quorum 2-0=2 > 1 for VS ${VS}`]);
    await watched.health.reload(services(1));
    assert.deepEqual(watched.log.slice(1), [`Gained quorum 1+0=1 <= 1 for VS ${VS}`]);
  });

  test('ends the checks of servers that are gone and starts those of new ones', async () => {
    const [old, fresh] = [await serve(), await serve()];
    const watched = new Watched([serviceOf(old.real)]);
    await watched.logged(`TCP connection to ${old.name} success.`);
    await old.stop();
    await watched.health.reload([serviceOf(fresh.real)]);
    watched.forget();
    await watched.logged(`TCP connection to ${fresh.name} success.`);
    assert.deepEqual(
      watched.log.filter((line) => line.includes(old.name)),
      [],
    );
    assert.equal(watched.health.state().services[0]?.realServers.length, 1);
  });
});

test('what is closed says nothing any more', async () => {
  const server = await serve();
  const watched = new Watched([serviceOf(server.real)]);
  watched.forget();
  watched.health.close();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual([watched.log, watched.changes], [[], 0]);
});

test('what is closed while it probes says nothing any more', async () => {
  let asked = (): void => undefined;
  const request = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const server = await serve({}, () => {
    asked();
    return undefined;
  });
  const check = httpChecker({ ...QUICK, retry: 0, connectTimeoutMs: 30, connect: { address: '127.0.0.1', port: server.port } });
  const watched = new Watched([serviceOf({ ...server.real, checkers: [check] })]);
  await request;
  watched.forget();
  watched.health.close();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual([watched.log, watched.changes], [[], 0]);
});

test('a reload without a change leaves thousands of checks as they are', async () => {
  const server = await serve({ delayLoopMs: 60_000 });
  const services = Array.from({ length: 500 }, (_, index) =>
    virtualServer({
      port: index + 1,
      realServers: Array.from({ length: 10 }, (_unused, host) => ({ ...server.real, address: `127.0.1.${host}` })),
    }),
  );
  const watched = new Watched(services, 0.5);
  await watched.health.reload(structuredClone(services));
  assert.equal(watched.log.length, 5000, 'each began once');
});

interface Served {
  readonly port: number;
  readonly name: string;
  readonly real: RealServer;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Nothing: the request stays without an answer. */
type Respond = (request: string) => string | undefined;

async function serve(timing: Partial<CheckerTiming> = {}, respond?: Respond): Promise<Served> {
  let server = await listen(0, respond);
  const { port } = server.address() as AddressInfo;
  const real = realServer({ address: '127.0.0.1', port, checkers: [checkOf(port, timing)] });
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  cleanups.push(() => server.close());
  const start = async (): Promise<void> => {
    server = await listen(port, respond);
  };
  return { port, name: `[127.0.0.1]:tcp:${port}`, real, start, stop };
}

async function listen(port: number, respond?: Respond): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (request) => {
      const response = respond?.(request.toString());
      if (response !== undefined) socket.end(response);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function checkOf(port: number, timing: Partial<CheckerTiming> = {}): RealServer['checkers'][number] {
  return tcpChecker({ ...QUICK, connect: { address: '127.0.0.1', port }, ...timing });
}

function serviceOf(real: RealServer, values: Partial<VirtualServer> = {}): VirtualServer {
  return virtualServer({ realServers: [real], ...values });
}
