// The client of the lab: `node client.js COMMAND …` sends real requests and prints what it measured as one line of JSON.

import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { payloadHash } from './payload.js';

export interface Answer {
  readonly status: number;
  readonly server: string;
  readonly body: string;
}

/** How many of a number of questions were answered, and by whom. */
export interface Count {
  readonly asked: number;
  readonly answered: number;
  readonly byServer: Readonly<Record<string, number>>;
  /** How often each reason for a failure was met. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface Download {
  readonly bytes: number;
  readonly intact: boolean;
  readonly tookMs: number;
}

/** A load so far; times are Unix times in milliseconds. */
export interface LoadReading {
  readonly asked: number;
  readonly answered: number;
  readonly byServer: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly failures: Readonly<Record<string, number>>;
  /** When the last request that failed was sent: from then on all was well. */
  readonly lastFailureSentMs: number;
  readonly lastAnswerMs: number;
  /** The longest time in which nothing was answered, and when it began. */
  readonly longestGapMs: number;
  readonly longestGapFromMs: number;
}

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<unknown>>> = {
  get: ([url = '']) => fetchOnce(url, new Agent({ keepAlive: false })),
  count: ([url = '', asked]) => count(Number(asked), () => fetchOnce(url, new Agent({ keepAlive: false }))),
  'count-on-one-connection': ([url = '', asked]) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    return count(Number(asked), () => fetchOnce(url, agent)).finally(() => agent.destroy());
  },
  download: ([url = '', bytes]) => download(url, Number(bytes)),
  udp: ([address = '', port, asked]) => count(Number(asked), (n) => echoOnce(address, Number(port), `datagram ${n}`)),
  load: ([url = '', perSecond]) => load(url, Number(perSecond)),
};

/** No answer within this time is a failure. */
const PATIENCE_MS = 1000;

/** How often a load prints its reading. */
const READING_EVERY_MS = 100;

async function main([name = '', ...args]: readonly string[]): Promise<void> {
  const command = COMMANDS[name];
  if (!command) throw new Error(`unknown command ${name}; known: ${Object.keys(COMMANDS).join(' ')}`);
  print(await command(args));
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function fetchOnce(url: string, agent: Agent): Promise<Answer> {
  const response = await open(url, agent, PATIENCE_MS);
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode ?? 0, server: String(response.headers['x-server'] ?? ''), body: Buffer.concat(parts).toString() };
}

/** Resolves with the head of the response; the limit covers head and body. */
async function open(url: string, agent: Agent, limitMs: number): Promise<IncomingMessage> {
  const request = get(url, { agent });
  const limit = setTimeout(() => request.destroy(new Error(`no answer in ${limitMs} ms`)), limitMs);
  request.once('close', () => clearTimeout(limit));
  // What goes wrong once the head is here is an error of the response.
  request.on('error', () => undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** Asks one after the other. */
async function count(asked: number, ask: (n: number) => Promise<{ server: string }>): Promise<Count> {
  let answered = 0;
  let byServer: Readonly<Record<string, number>> = {};
  let failures: Readonly<Record<string, number>> = {};
  for (let n = 0; n < asked; n++) {
    try {
      byServer = oneMore(byServer, (await ask(n)).server);
      answered++;
    } catch (error) {
      failures = oneMore(failures, reason(error));
    }
  }
  return { asked, answered, byServer, failures };
}

function oneMore(counts: Readonly<Record<string, number>>, name: string): Readonly<Record<string, number>> {
  return { ...counts, [name]: (counts[name] ?? 0) + 1 };
}

async function download(url: string, bytes: number): Promise<Download> {
  const expected = payloadHash(bytes);
  const started = performance.now();
  const hash = createHash('sha256');
  let received = 0;
  const response = await open(`${url}/big?bytes=${bytes}`, new Agent(), 120_000);
  for await (const part of response) {
    hash.update(part as Buffer);
    received += (part as Buffer).length;
  }
  const tookMs = Math.round(performance.now() - started);
  return { bytes: received, intact: received === bytes && hash.digest('hex') === expected, tookMs };
}

/** Each datagram from a port of its own, so that each is a new flow. */
async function echoOnce(address: string, port: number, text: string): Promise<{ server: string }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.send(text, port, address);
    const [message] = (await once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Buffer];
    const [server = '', ...rest] = message.toString().split(' ');
    if (rest.join(' ') !== text) throw new Error(`sent "${text}", got "${rest.join(' ')}"`);
    return { server };
  } finally {
    socket.close();
  }
}

/** Asks on a fixed beat, whether or not the earlier ones were answered, each on a new connection, until SIGTERM. */
async function load(url: string, perSecond: number): Promise<LoadReading> {
  let reading = noLoad(Date.now());
  const beat = setInterval(() => {
    const sentMs = Date.now();
    fetchOnce(url, new Agent({ keepAlive: false })).then(
      ({ server }) => (reading = withAnswer(reading, server, Date.now())),
      (error) => (reading = withFailure(reading, sentMs, reason(error))),
    );
  }, 1000 / perSecond);
  const readings = setInterval(() => print(reading), READING_EVERY_MS);
  await once(process, 'SIGTERM');
  clearInterval(beat);
  clearInterval(readings);
  return withGap(reading, Date.now());
}

function noLoad(now: number): LoadReading {
  const nothing = { asked: 0, answered: 0, byServer: {}, failed: 0, failures: {}, lastFailureSentMs: 0 };
  return { ...nothing, lastAnswerMs: now, longestGapMs: 0, longestGapFromMs: now };
}

function withAnswer(reading: LoadReading, server: string, now: number): LoadReading {
  const { asked, answered, byServer } = reading;
  return { ...withGap(reading, now), asked: asked + 1, answered: answered + 1, byServer: oneMore(byServer, server), lastAnswerMs: now };
}

function withFailure(reading: LoadReading, sentMs: number, why: string): LoadReading {
  const { asked, failed, failures } = reading;
  const lastFailureSentMs = Math.max(reading.lastFailureSentMs, sentMs);
  return { ...reading, asked: asked + 1, failed: failed + 1, failures: oneMore(failures, why), lastFailureSentMs };
}

function withGap(reading: LoadReading, now: number): LoadReading {
  const gapMs = now - reading.lastAnswerMs;
  return gapMs > reading.longestGapMs ? { ...reading, longestGapMs: gapMs, longestGapFromMs: reading.lastAnswerMs } : reading;
}

function reason(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  return name === 'AbortError' ? `no answer in ${PATIENCE_MS} ms` : (code ?? message);
}

if (process.argv[1] === import.meta.filename) {
  await main(process.argv.slice(2)).catch((error) => {
    console.error(reason(error));
    process.exit(1);
  });
}
