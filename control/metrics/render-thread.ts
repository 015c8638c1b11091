// The thread that serves /metrics: HTTP and text are made here, one sample per scrape comes from the main thread (see server.ts).

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { FromRender, RenderStart, ToRender } from './messages.js';
import type { Sample } from './metric.js';
import { readProcess } from './process.js';
import { collect } from './series.js';

/** Less than the 10 s after which Prometheus gives up, so that it hears a reason. */
const SAMPLE_LIMIT_MS = 5_000;

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';
const METRICS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

const LANDING = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>natlb</title></head>
<body><h1>natlb</h1><ul>
<li><a href="/metrics">/metrics</a></li>
<li><a href="/-/healthy">/-/healthy</a>: the control process answers</li>
<li><a href="/-/ready">/-/ready</a>: the data plane is running</li>
</ul></body></html>
`;

/** Path → page. */
const PAGES: ReadonlyMap<string, () => Promise<Page>> = new Map([
  ['/', async () => ({ status: 200, contentType: 'text/html; charset=utf-8', body: LANDING })],
  ['/metrics', () => shared(metricsPage)],
  ['/-/healthy', async () => sampled(() => text(200, 'natlb is healthy'))],
  [
    '/-/ready',
    async () =>
      sampled(({ status: { dataplane } }) =>
        dataplane.state === 'running' ? text(200, 'natlb is ready') : text(503, `the data plane is not running (${dataplane.state})`),
      ),
  ],
]);

function text(status: number, line: string): Page {
  return { status, contentType: TEXT, body: `${line}\n` };
}

const metricsPage = (): Promise<Page> =>
  sampled(async (sample) => ({ status: 200, contentType: METRICS_TEXT, body: await collect(sample).metrics() }));

async function sampled(render: (sample: Sample) => Page | Promise<Page>): Promise<Page> {
  try {
    return await render(await takeSample());
  } catch (error) {
    return text(503, error instanceof Error ? error.message : String(error));
  }
}

let pageUnderWay: Promise<Page> | undefined;

/** Scrapes that come while one is under way get the same page. */
function shared(make: () => Promise<Page>): Promise<Page> {
  pageUnderWay ??= make().finally(() => {
    pageUnderWay = undefined;
  });
  return pageUnderWay;
}

let sampleUnderWay: Promise<Sample> | undefined;

function takeSample(): Promise<Sample> {
  sampleUnderWay ??= askMain().finally(() => {
    sampleUnderWay = undefined;
  });
  return sampleUnderWay;
}

interface Waiting {
  readonly id: number;
  readonly settle: (message: ToRender) => void;
}

let waiting: Waiting | undefined;
let lastId = 0;

function askMain(): Promise<Sample> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`the control process did not answer within ${SAMPLE_LIMIT_MS} ms`)), SAMPLE_LIMIT_MS);
    const settle = (message: ToRender): void => {
      clearTimeout(limit);
      if (message.kind === 'failed') reject(new Error(message.message));
      else resolve({ status: message.status, process: readProcess(message.loopLagSeconds) });
    };
    lastId += 1;
    waiting = { id: lastId, settle };
    say({ kind: 'ask', id: lastId });
  });
}

/** An answer that comes after its limit is nobody's: the id keeps it from being taken for the next one. */
function receive(message: ToRender): void {
  if (waiting?.id === message.id) waiting.settle(message);
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const page = PAGES.get((request.url ?? '/').replace(/\?.*/, ''));
  if (page === undefined) return respond(request, response, text(404, 'not found; see /'));
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return respond(request, response, text(405, 'method not allowed'));
  }
  respond(request, response, await page());
}

function respond(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: Page): void {
  // A request with a body is answered without reading it; what comes after it on the connection is anybody's guess.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
    response.setHeader('Connection', 'close');
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function server(): Server {
  // Short limits: a scraper sends a few hundred bytes at once, and whoever does not must not hold connections.
  const options = {
    headersTimeout: 5_000,
    requestTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 65_000,
    maxHeaderSize: 8_192,
  };
  const http = createServer(options, (request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  http.maxConnections = 64;
  http.setTimeout(65_000);
  return http;
}

function listen({ address, port }: RenderStart): void {
  const http = server();
  http.once('error', (error: NodeJS.ErrnoException) => say({ kind: 'refused', message: explain(error, address, port) }));
  http.listen({ host: address, port }, () => {
    const bound = http.address() as AddressInfo;
    say({ kind: 'listening', address: bound.address, port: bound.port });
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use; choose another with --metrics ADDRESS:PORT',
  EADDRNOTAVAIL: 'no interface has this address',
  EACCES: 'permission denied',
};

function explain(error: NodeJS.ErrnoException, address: string, port: number): string {
  const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return `metrics: cannot listen on ${where}: ${REASONS[error.code ?? ''] ?? error.message}`;
}

function say(message: FromRender): void {
  main.postMessage(message);
}

function parent(): MessagePort {
  if (parentPort === null) throw new Error('render-thread runs as a worker thread');
  return parentPort;
}

const main = parent();
main.on('message', receive);
listen(workerData as RenderStart);
