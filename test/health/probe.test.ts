// Probes against real servers on loopback, the well-behaved and the others.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { execPath } from 'node:process';
import { describe, test } from 'node:test';
import type { BodyRegex, CheckerTiming, HttpUrl } from '../../control/config/checker.js';
import type { ProbeResult } from '../../control/health/checker.js';
import { type HttpChecker, probeHttp } from '../../control/health/probe-http.js';
import { probeTcp } from '../../control/health/probe-tcp.js';
import { httpChecker, tcpChecker, url } from './models.js';

/** What a server does with a connection. */
type Behaviour = (socket: Socket) => void;

/** For probes that wait for what never comes. */
const IMPATIENT = { connectTimeoutMs: 150 };

describe('TCP_CHECK', () => {
  test('passes when the server accepts', async () => {
    await withServer(ignore, async (port) => assert.deepEqual(await tcp(port), { kind: 'passed' }));
  });

  test('says that the connection was refused', async () => {
    const port = await freePort();
    assert.deepEqual(await tcp(port), { kind: 'failed', fault: 'connect', reason: 'connection refused' });
  });

  test('gives up on a server that does not answer', async () => {
    await withFullBacklog(async (port) => {
      assert.deepEqual(await tcp(port, IMPATIENT), { kind: 'failed', fault: 'connect timeout', reason: 'no connection within 0.15 s' });
    });
  });

  test('passes over IPv6', async () => {
    await withServer(
      ignore,
      async (port) => assert.deepEqual(await tcp(port, { connect: { address: '::1', port } }), { kind: 'passed' }),
      '::1',
    );
  });

  test('comes from the address it is bound to', async () => {
    const seen: (string | undefined)[] = [];
    const note: Behaviour = (socket) => {
      seen.push(socket.remoteAddress);
    };
    await withServer(note, async (port) => assert.deepEqual(await tcp(port, { bindAddress: '127.0.0.77' }), { kind: 'passed' }));
    assert.deepEqual(seen, ['127.0.0.77']);
  });

  test('can come from a fixed port again and again', async () => {
    const bindPort = await freePort();
    const seen: (number | undefined)[] = [];
    const note: Behaviour = (socket) => {
      seen.push(socket.remotePort);
    };
    await withServer(note, async (port) => {
      for (const _ of [1, 2, 3]) assert.deepEqual(await tcp(port, { bindPort }), { kind: 'passed' });
    });
    assert.deepEqual(seen, [bindPort, bindPort, bindPort]);
  });

  test('from an address this machine does not have says nothing about the server', async () => {
    await withServer(ignore, async (port) => {
      const result = await tcp(port, { bindAddress: '192.0.2.1' });
      assert.equal(result.kind, 'unable');
      assert.match(result.kind === 'unable' ? result.reason : '', /bind EADDRNOTAVAIL 192\.0\.2\.1/);
    });
  });

  test('from an address of the other family says nothing about the server', async () => {
    await withServer(ignore, async (port) => assert.equal((await tcp(port, { bindAddress: '::1' })).kind, 'unable'));
  });

  test('tells nothing once it is cancelled', async () => {
    await withServer(ignore, async (port) => {
      const told: ProbeResult[] = [];
      probeTcp(tcpChecker({ connect: { address: '127.0.0.1', port } }), (result) => told.push(result))();
      await tcp(port);
      assert.deepEqual(told, []);
    });
  });
});

const BODY = 'all is well\n';
const MD5 = createHash('md5').update(BODY).digest('hex');

interface HttpRow {
  readonly name: string;
  readonly behave: Behaviour;
  readonly url?: Partial<HttpUrl>;
  readonly checker?: Partial<HttpChecker>;
  /** `passed`, or the fault and the beginning of the reason. */
  readonly result: string;
}

const HTTP: readonly HttpRow[] = [
  { name: 'a 200 passes', behave: answer(`HTTP/1.0 200 OK\r\n\r\n${BODY}`), result: 'passed' },
  { name: 'any 2xx passes by default', behave: answer('HTTP/1.0 204 No Content\r\n\r\n'), result: 'passed' },
  { name: 'a 503 fails', behave: answer('HTTP/1.0 503 No\r\n\r\n'), result: 'status: /: status 503, expected 200-299' },
  {
    name: 'a redirect is not followed',
    behave: answer('HTTP/1.0 302 Found\r\nLocation: /elsewhere\r\n\r\n'),
    result: 'status: /: status 302, expected 200-299',
  },
  {
    name: 'the expected status may be any',
    behave: answer('HTTP/1.0 404 Not Found\r\n\r\n'),
    url: {
      statusCodes: [
        { from: 200, to: 200 },
        { from: 400, to: 404 },
      ],
    },
    result: 'passed',
  },
  {
    name: 'what was expected is told',
    behave: answer('HTTP/1.0 405 No\r\n\r\n'),
    url: {
      path: '/x',
      statusCodes: [
        { from: 200, to: 200 },
        { from: 400, to: 404 },
      ],
    },
    result: 'status: /x: status 405, expected 200 400-404',
  },
  { name: 'an HTTP/1.1 answer is as good', behave: answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'), result: 'passed' },
  { name: 'HTTP/1.1 that stays open is as good', behave: stayOpen('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'), result: 'passed' },
  { name: 'without a digest the body need not come', behave: stayOpen('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'), result: 'passed' },
  { name: 'a digest passes', behave: answer(`HTTP/1.0 200 OK\r\n\r\n${BODY}`), url: { digest: MD5 }, result: 'passed' },
  { name: 'another body fails', behave: answer('HTTP/1.0 200 OK\r\n\r\nelse'), url: { digest: MD5 }, result: 'digest: /: MD5 2954e9' },
  {
    name: 'status and digest: the status comes first',
    behave: answer(`HTTP/1.0 500 Oh\r\n\r\n${BODY}`),
    url: { digest: MD5 },
    result: 'status: /: status 500',
  },
  {
    name: 'a digest of a body that stays open ends with its length',
    behave: stayOpen(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`),
    url: { digest: MD5 },
    result: 'passed',
  },
  {
    name: 'a digest of a chunked body is that of its content',
    behave: stayOpen(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n${BODY}\r\n0\r\n\r\n`),
    url: { digest: MD5 },
    result: 'passed',
  },
  {
    name: 'or that of the chunks, as keepalived --genhash has it',
    behave: stayOpen('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
    url: { digest: createHash('md5').update('2\r\nhi\r\n0\r\n\r\n').digest('hex') },
    result: 'passed',
  },
  { name: 'a pattern passes', behave: answer(`HTTP/1.0 200 OK\r\n\r\n${BODY}`), url: pattern('all is (well|fine)'), result: 'passed' },
  {
    name: 'a pattern that is not there fails',
    behave: answer(`HTTP/1.0 200 OK\r\n\r\n${BODY}`),
    url: pattern('ill'),
    result: 'regex: /: the pattern was not found in the first 12 bytes',
  },
  {
    name: 'a pattern that must not be there fails',
    behave: answer(`HTTP/1.0 200 OK\r\n\r\n${BODY}`),
    url: pattern('WELL', { flags: 'i', inverted: true }),
    result: 'regex: /: the pattern was found in the first 12 bytes',
  },
  {
    name: 'a pattern is not looked for in the head',
    behave: answer(`HTTP/1.0 200 OK\r\nX: ill\r\n\r\n${BODY}`),
    url: pattern('ill', { inverted: true }),
    result: 'passed',
  },
  {
    name: 'a match may begin at the offsets',
    behave: answer(`HTTP/1.0 200 OK\r\n\r\n${BODY}`),
    url: pattern('well', { minOffset: 7, maxOffset: 7 }),
    result: 'passed',
  },
  {
    name: 'a match before them does not count',
    behave: answer(`HTTP/1.0 200 OK\r\n\r\n${BODY}`),
    url: pattern('well', { minOffset: 8 }),
    result: 'regex: ',
  },
  {
    name: 'nor one behind them',
    behave: answer(`HTTP/1.0 200 OK\r\n\r\n${BODY}`),
    url: pattern('well', { maxOffset: 6 }),
    result: 'regex: ',
  },
  {
    name: 'offsets are of bytes, also where letters are more than one',
    behave: answer('HTTP/1.0 200 OK\r\n\r\n\u00e4\u00e4well'),
    url: pattern('w\\w+', { flags: 'u', minOffset: 4, maxOffset: 4 }),
    result: 'passed',
  },
  {
    name: 'a pattern is found across the chunks of a body',
    behave: stayOpen('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwe\r\n2\r\nll\r\n0\r\n\r\n'),
    url: pattern('^well$'),
    result: 'passed',
  },
  {
    name: 'a pattern that takes for ever fails',
    behave: answer(`HTTP/1.0 200 OK\r\n\r\n${'a'.repeat(40)}b`),
    url: pattern('^(a+)+$'),
    result: 'regex: /: the pattern takes too long on this body',
  },
  {
    name: 'a body without end is searched as far as it is kept',
    behave: onRequest(flood),
    url: pattern('x'),
    checker: { connectTimeoutMs: 60_000 },
    result: 'regex: /: the pattern was not found in the first 1048576 bytes',
  },
  {
    name: 'a head without end fails',
    behave: onRequest((socket) => socket.write(`HTTP/1.0 200 OK\r\nX: ${'y'.repeat(70_000)}`)),
    result: 'no response: /: head longer than 64 KiB',
  },
  {
    name: 'lines of a head without end fail',
    behave: onRequest((socket) => socket.write(`HTTP/1.0 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`)),
    result: 'no response: /: head longer than 64 KiB',
  },
  {
    name: 'a redirect to itself is asked once',
    behave: answer('HTTP/1.0 301 Moved\r\nLocation: /\r\n\r\n'),
    result: 'status: /: status 301, expected 200-299',
  },
  {
    name: 'half a body fails the digest',
    behave: answer('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf'),
    url: { digest: MD5 },
    result: 'no response: /: the body ended after 4 of 99 bytes',
  },
  {
    name: 'an endless body fails the digest',
    behave: onRequest(flood),
    url: { digest: MD5 },
    checker: { connectTimeoutMs: 60_000 },
    result: 'digest: /: the body is longer than 16 MiB',
  },
  { name: 'half a head fails', behave: answer('HTTP/1.1 200 OK\r\nServ'), result: 'no response: /: the head ended after 21 bytes' },
  {
    name: 'a close without an answer fails',
    behave: onRequest((socket) => socket.end()),
    result: 'no response: /: closed without an answer',
  },
  { name: 'a reset fails', behave: onRequest((socket) => socket.resetAndDestroy()), result: 'broken: connection reset' },
  {
    name: 'a reset within the body fails the digest',
    behave: onRequest(resetLater),
    url: { digest: MD5 },
    result: 'broken: connection reset',
  },
  { name: 'silence fails', behave: ignore, checker: IMPATIENT, result: 'silence: nothing received for 0.15 s' },
  {
    name: 'silence within the head fails',
    behave: stayOpen('HTTP/1.1 200'),
    checker: IMPATIENT,
    result: 'silence: nothing received for 0.15 s',
  },
  {
    name: 'silence within the body fails the digest',
    behave: stayOpen('HTTP/1.1 200 OK\r\n\r\n'),
    url: { digest: MD5 },
    checker: IMPATIENT,
    result: 'silence: nothing',
  },
  { name: 'another protocol fails', behave: answer('SSH-2.0-OpenSSH_9.2\r\n'), result: 'no response: /: the answer is not HTTP' },
  {
    name: 'a slow answer with signs of life passes',
    behave: trickle(40, 15),
    url: { digest: md5('.'.repeat(15)) },
    checker: { connectTimeoutMs: 400, delayLoopMs: 60_000 },
    result: 'passed',
  },
  {
    name: 'a trickle without end fails when the next check is due',
    behave: trickle(40, 1000),
    url: { digest: MD5 },
    checker: { connectTimeoutMs: 400, delayLoopMs: 500 },
    result: 'silence: the answer was still not complete',
  },
];

describe('HTTP_GET', () => {
  for (const row of HTTP) {
    test(row.name, async () => {
      await withServer(row.behave, async (port) => {
        const result = show(await http(port, row.url, row.checker));
        assert.equal(result.slice(0, row.result.length), row.result);
      });
    });
  }

  test('reads a gigabyte in bounded memory, and not to its end', { timeout: 60_000 }, async () => {
    let sent = 0;
    const count = onRequest((socket) => {
      const piece = Buffer.alloc(1024 * 1024);
      const pour = (): void => {
        while (!socket.destroyed && sent < 1024 && socket.write(piece)) sent++;
      };
      socket.write('HTTP/1.0 200 OK\r\nContent-Length: 1073741824\r\n\r\n');
      socket.on('drain', pour);
      pour();
    });
    await withServer(count, async (port) => {
      const before = process.memoryUsage().rss;
      const result = show(await http(port, { digest: MD5 }, { connectTimeoutMs: 60_000 }));
      assert.equal(result, 'digest: /: the body is longer than 16 MiB');
      assert.ok(sent < 64, `${sent} MiB were taken from the server`);
      assert.ok(process.memoryUsage().rss - before < 128 * 1024 * 1024);
    });
  });

  test('says that the connection was refused', async () => {
    assert.equal(show(await http(await freePort())), 'connect: connection refused');
  });

  test('gives up on a server that does not accept', async () => {
    await withFullBacklog(async (port) =>
      assert.equal(show(await http(port, {}, IMPATIENT)), 'connect timeout: no connection within 0.15 s'),
    );
  });
});

describe('the request', () => {
  const rows: readonly (readonly [string, Partial<HttpUrl>, Partial<HttpChecker>, (port: number) => string])[] = [
    [
      'is keepalived’s',
      { path: '/health' },
      {},
      (port) => `GET /health HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    ],
    [
      'names the virtual host of the check without a port',
      {},
      { virtualHost: 'www.example.com' },
      () => 'GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: www.example.com\r\n\r\n',
    ],
    [
      'names the virtual host of the url first',
      { virtualHost: 'api.example.com' },
      { virtualHost: 'www.example.com' },
      () => 'GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: api.example.com\r\n\r\n',
    ],
    [
      'asks to close with 1.0C',
      {},
      { protocol: '1.0C', virtualHost: 'w' },
      () => 'GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: w\r\n\r\n',
    ],
    [
      'asks to close with 1.1',
      {},
      { protocol: '1.1', virtualHost: 'w' },
      () => 'GET / HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: w\r\n\r\n',
    ],
  ];
  for (const [name, asked, checker, expected] of rows) {
    test(name, async () => {
      let seen = '';
      const note = onRequest((socket, request) => {
        seen = request;
        socket.end('HTTP/1.0 200 OK\r\n\r\n');
      });
      await withServer(note, async (port) => {
        assert.equal(show(await http(port, asked, checker)), 'passed');
        assert.equal(seen, expected(port));
      });
    });
  }

  test('puts an IPv6 address in brackets', async () => {
    let seen = '';
    const note = onRequest((socket, request) => {
      seen = request;
      socket.end('HTTP/1.0 200 OK\r\n\r\n');
    });
    await withServer(
      note,
      async (port) => assert.equal(show(await http(port, {}, { connect: { address: '::1', port } })), 'passed'),
      '::1',
    );
    assert.match(seen, /\r\nHost: \[::1\]:\d+\r\n/);
  });
});

function tcp(port: number, values: Partial<CheckerTiming> = {}): Promise<ProbeResult> {
  const checker = tcpChecker({ connect: { address: '127.0.0.1', port }, ...values });
  return new Promise((done) => probeTcp(checker, done));
}

function http(port: number, asked: Partial<HttpUrl> = {}, values: Partial<HttpChecker> = {}): Promise<ProbeResult> {
  const checker = httpChecker({ connect: { address: '127.0.0.1', port }, ...values });
  return new Promise((done) => probeHttp(checker, url(asked), done));
}

function show(result: ProbeResult): string {
  if (result.kind === 'passed') return 'passed';
  return result.kind === 'unable' ? `unable: ${result.reason}` : `${result.fault}: ${result.reason}`;
}

function pattern(text: string, more: Partial<BodyRegex> = {}): Partial<HttpUrl> {
  return { regex: { pattern: text, flags: '', ...more } };
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function ignore(socket: Socket): void {
  socket.resume();
}

function onRequest(behave: (socket: Socket, request: string) => void): Behaviour {
  return (socket) => socket.once('data', (request) => behave(socket, request.toString()));
}

function answer(response: string): Behaviour {
  return onRequest((socket) => socket.end(response));
}

function stayOpen(response: string): Behaviour {
  return onRequest((socket) => socket.write(response));
}

function trickle(everyMs: number, times: number): Behaviour {
  return onRequest((socket) => {
    socket.write('HTTP/1.0 200 OK\r\n\r\n');
    let left = times;
    const timer = setInterval(() => {
      socket.write('.');
      if (--left === 0) socket.end(() => clearInterval(timer));
    }, everyMs);
    socket.once('close', () => clearInterval(timer));
  });
}

function flood(socket: Socket): void {
  const piece = Buffer.alloc(256 * 1024);
  const pour = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.write('HTTP/1.0 200 OK\r\n\r\n');
  socket.on('drain', pour);
  pour();
}

function resetLater(socket: Socket): void {
  socket.write('HTTP/1.0 200 OK\r\n\r\nhalf', () => setTimeout(() => socket.resetAndDestroy(), 30));
}

async function withServer(behave: Behaviour, use: (port: number) => Promise<void>, address = '127.0.0.1'): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    behave(socket);
  });
  try {
    await use(await listen(server, address));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** A port where connections are neither accepted nor refused: its process stands still and its queue is full. */
async function withFullBacklog(use: (port: number) => Promise<void>): Promise<void> {
  const script = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));`;
  const process = spawn(execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const fillers: Socket[] = [];
  try {
    const [line] = await once(process.stdout, 'data');
    const port = Number(line);
    process.kill('SIGSTOP');
    for (let count = 0; count < 8; count++) fillers.push(connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, 'connect')));
    await use(port);
  } finally {
    process.kill('SIGKILL');
    for (const filler of fillers) filler.destroy();
  }
}

async function listen(server: Server, address: string): Promise<number> {
  server.listen(0, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, '127.0.0.1');
  server.close();
  await once(server, 'close');
  return port;
}
