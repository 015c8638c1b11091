// The metrics server over real HTTP on loopback, in use and in misuse.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Metrics, startMetrics } from '../../control/metrics/server.js';
import type { Status } from '../../control/status.js';
import { STATS, STATUS, withoutDataplane } from '../cli/sample-status.js';
import { readPage } from './page.js';
import { promtool, WITHOUT_PROMTOOL } from './promtool.js';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

async function started(t: TestContext, status: () => Promise<Status> = async () => STATUS, address = '127.0.0.1'): Promise<Metrics> {
  const metrics = await startMetrics({ address, port: 0, status, log: () => undefined });
  t.after(() => metrics.close());
  return metrics;
}

async function get({ address, port }: Metrics, path: string, method = 'GET', body?: string): Promise<Answer> {
  const asked = request({ host: address, port, path, method, agent: false });
  asked.end(body);
  const [response] = await once(asked, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const type = String(response.headers['content-type']);
  return { status: response.statusCode, type, body: Buffer.concat(chunks).toString(), headers: response.headers };
}

/** Bytes as they are over TCP; what came back until the server closed. */
async function raw({ address, port }: Metrics, bytes: string): Promise<string> {
  const socket = connect(port, address, () => socket.write(bytes));
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

test('metrics server: a scrape is the status of now, in the text format', async (t) => {
  let received = STATS.received;
  const metrics = await started(t, async () => {
    received += 1;
    return { ...STATUS, dataplane: { ...STATUS.dataplane, stats: { ...STATS, received } } };
  });
  const first = await get(metrics, '/metrics');
  const second = await get(metrics, '/metrics?x=1');
  assert.deepEqual([first.status, first.type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  assert.equal(readPage(first.body).get('natlb_packets_received_total'), STATS.received + 1);
  assert.equal(readPage(second.body).get('natlb_packets_received_total'), STATS.received + 2);
});

test('metrics server: promtool has nothing to say about a real page', { skip: WITHOUT_PROMTOOL }, async (t) => {
  const { body } = await get(await started(t), '/metrics');
  assert.equal(promtool(body), '');
});

test('metrics server: the process metrics are those of this process', async (t) => {
  const page = readPage((await get(await started(t), '/metrics')).body);
  const resident = page.get('process_resident_memory_bytes') ?? 0;
  assert.ok(resident > 20e6 && resident < 2e9, `${resident} bytes`);
  assert.ok((page.get('process_open_fds') ?? 0) > 5);
  assert.ok((page.get('process_cpu_seconds_total') ?? 0) > 0);
  const lag = page.get('natlb_event_loop_lag_seconds') ?? -1;
  assert.ok(lag >= 0 && lag < 60, `${lag} seconds`);
});

test('metrics server: an event loop that was held up shows in its lag', async (t) => {
  const metrics = await started(t);
  await get(metrics, '/metrics'); // so the lag is being watched by now
  const until = performance.now() + 200;
  while (performance.now() < until);
  const lag = readPage((await get(metrics, '/metrics')).body).get('natlb_event_loop_lag_seconds') ?? 0;
  assert.ok(lag > 0.15, `${lag} seconds`);
});

test('metrics server: scrapes at the same time share one sample', async (t) => {
  let samples = 0;
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const metrics = await started(t, async () => {
    samples += 1;
    await gate;
    return STATUS;
  });
  const scrapes = Promise.all(Array.from({ length: 10 }, () => get(metrics, '/metrics')));
  // A page that needs no sample comes last on the way in, so when it is there the ten have been taken up.
  for (let tries = 0; tries < 20; tries++) await get(metrics, '/');
  release();
  const answers = await scrapes;
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(samples, 1);
});

test('metrics server: the landing page leads to the metrics', async (t) => {
  const { status, type, body } = await get(await started(t), '/');
  assert.deepEqual([status, type], [200, 'text/html; charset=utf-8']);
  assert.match(body, /<a href="\/metrics">/);
});

test('metrics server: healthy and ready while the data plane runs, only healthy while it does not', async (t) => {
  let status: Status = STATUS;
  const metrics = await started(t, async () => status);
  assert.equal((await get(metrics, '/-/healthy')).status, 200);
  assert.equal((await get(metrics, '/-/ready')).status, 200);
  status = withoutDataplane(STATUS);
  assert.equal((await get(metrics, '/-/healthy')).status, 200);
  const ready = await get(metrics, '/-/ready');
  assert.deepEqual([ready.status, ready.body], [503, 'the data plane is not running (dead)\n']);
});

test('metrics server: when no status is to be had the answer says why, and the next scrape works', async (t) => {
  let fails = true;
  const metrics = await started(t, async () => {
    if (fails) throw new Error('not yet');
    return STATUS;
  });
  const failed = await get(metrics, '/metrics');
  assert.deepEqual([failed.status, failed.body], [503, 'not yet\n']);
  fails = false;
  assert.equal((await get(metrics, '/metrics')).status, 200);
});

test('metrics server: a status that cannot cross to the thread is an answer too, not a crash', async (t) => {
  const metrics = await started(t, async () => ({ ...STATUS, version: (() => '') as unknown as string }));
  const { status, body } = await get(metrics, '/metrics');
  assert.equal(status, 503);
  assert.match(body, /could not be cloned/);
});

test('metrics server: HEAD has the headers of GET and no body', async (t) => {
  const { status, body, headers } = await get(await started(t), '/metrics', 'HEAD');
  assert.deepEqual([status, body], [200, '']);
  assert.ok(Number(headers['content-length']) > 1_000);
});

test('metrics server: other paths are 404, other methods 405 with the methods there are', async (t) => {
  const metrics = await started(t);
  for (const path of ['/nothing', '/metrics/', '//', '/..%2f', '/metrics%00']) assert.equal((await get(metrics, path)).status, 404, path);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await get(metrics, '/metrics', method, 'x');
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
  }
});

const JUNK = [
  { name: 'a header too large', bytes: `GET /metrics HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`, answer: /^HTTP\/1\.1 431 / },
  { name: 'what is no HTTP', bytes: '\x16\x03\x01\x02\x00\x01\r\n\r\n', answer: /^HTTP\/1\.1 400 / },
  { name: 'a request without a host', bytes: 'GET /metrics HTTP/1.1\r\n\r\n', answer: /^HTTP\/1\.1 400 / },
  {
    name: 'a body announced and never sent',
    bytes: 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n',
    answer: /^HTTP\/1\.1 405 [\s\S]*Connection: close/,
  },
  { name: 'half a request, and then nothing', bytes: 'GET /metrics HTTP/1.1\r\nHos', answer: /^HTTP\/1\.1 408 / },
];

for (const { name, bytes, answer } of JUNK) {
  test(`metrics server: ${name} ends the connection, and the next scrape works`, async (t) => {
    const metrics = await started(t);
    assert.match(await raw(metrics, bytes), answer);
    assert.equal((await get(metrics, '/metrics')).status, 200);
  });
}

test('metrics server: an address in use is an error that names it', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const start = startMetrics({ address: '127.0.0.1', port, status: async () => STATUS, log: () => undefined });
  await assert.rejects(
    start,
    new RegExp(`^Error: metrics: cannot listen on 127\\.0\\.0\\.1:${port}: the address is in use; choose another`),
  );
});

test('metrics server: an address of no interface is an error that says so', async () => {
  const start = startMetrics({ address: '192.0.2.1', port: 0, status: async () => STATUS, log: () => undefined });
  await assert.rejects(start, /^Error: metrics: cannot listen on 192\.0\.2\.1:0: no interface has this address/);
});

test('metrics server: it listens on IPv6 too', async (t) => {
  const metrics = await started(t, async () => STATUS, '::1');
  assert.equal((await get(metrics, '/-/healthy')).status, 200);
});

test('metrics server: after close nobody listens', async () => {
  const metrics = await startMetrics({ address: '127.0.0.1', port: 0, status: async () => STATUS, log: () => undefined });
  await metrics.close();
  const socket = connect(metrics.port, metrics.address);
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
});
