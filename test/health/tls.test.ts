// SSL_GET against servers on loopback. certificates/: an authority, a server and a client of it, and another authority; valid for a century.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { HttpUrl, Tls } from '../../control/config/checker.js';
import type { ProbeResult } from '../../control/health/checker.js';
import { type HttpChecker, probeHttp } from '../../control/health/probe-http.js';
import { httpChecker, url } from './models.js';

const CERTIFICATES = join(import.meta.dirname, '../../../test/health/certificates');
const file = (name: string): string => join(CERTIFICATES, name);
const pem = (name: string): Buffer => readFileSync(file(name));

const SERVER: TlsOptions = { cert: pem('server.pem'), key: pem('server.key') };
const PATIENT = { connectTimeoutMs: 10_000 };
const IMPATIENT = { connectTimeoutMs: 300 };

function get(port: number, tls: Tls, values: Partial<HttpChecker> = {}, asked: Partial<HttpUrl> = {}): Promise<ProbeResult> {
  const checker = httpChecker({ ...PATIENT, connect: { address: '127.0.0.1', port }, tls, ...values });
  return new Promise((done) => probeHttp(checker, url(asked), done));
}

function show(result: ProbeResult): string {
  if (result.kind === 'passed') return 'passed';
  return result.kind === 'unable' ? `unable: ${result.reason}` : `${result.fault}: ${result.reason}`;
}

const well = (socket: TLSSocket): void => void socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nwell'));

describe('SSL_GET', () => {
  test('passes over TLS', async () => {
    await withTls(SERVER, well, async (port) => assert.equal(show(await get(port, { files: {} })), 'passed'));
  });

  test('believes any certificate where there is no ca', async () => {
    await withTls({ ...SERVER }, well, async (port) => assert.equal(show(await get(port, { files: {} })), 'passed'));
  });

  test('believes a certificate that leads to ca, whatever name is in it', async () => {
    await withTls(SERVER, well, async (port) => assert.equal(show(await get(port, { files: { ca: file('ca.pem') } })), 'passed'));
  });

  test('believes no other where there is a ca', async () => {
    await withTls(SERVER, well, async (port) =>
      assert.match(show(await get(port, { files: { ca: file('other.pem') } })), /^refused: TLS: (unable to verify|UNABLE_TO|self.signed)/i),
    );
  });

  test('shows its own certificate, of a key with a password too', async () => {
    const demanding = { ...SERVER, ca: pem('ca.pem'), requestCert: true, rejectUnauthorized: true };
    const files = { certificate: file('client.pem'), key: file('client.encrypted.key'), password: 'secret' };
    await withTls(demanding, well, async (port) => {
      assert.equal(show(await get(port, { files })), 'passed');
      assert.match(show(await get(port, { files: {} })), /^(broken|refused|no response): /);
    });
  });

  test('says which file it cannot read, and nothing about the server', async () => {
    assert.match(show(await get(1, { files: { ca: '/nowhere.pem' } })), /^unable: cannot read \/nowhere\.pem of SSL \{ \}: /);
  });

  const names: readonly (readonly [string, Tls['sni'], Partial<HttpChecker>, Partial<HttpUrl>, string | false])[] = [
    ['no server name unless it is asked to', undefined, { virtualHost: 'www.example' }, {}, false],
    ['the name it is given', { name: 'sni.example' }, { virtualHost: 'www.example' }, { virtualHost: 'api.example' }, 'sni.example'],
    ['else that of the url', {}, { virtualHost: 'www.example' }, { virtualHost: 'api.example' }, 'api.example'],
    ['else that of the check', {}, { virtualHost: 'www.example' }, {}, 'www.example'],
    ['else none', {}, {}, {}, false],
  ];
  for (const [name, sni, checker, asked, expected] of names) {
    test(`sends ${name}`, async () => {
      const seen: (string | false | null)[] = [];
      const note = (socket: TLSSocket): void => {
        seen.push(socket.servername as string | false | null);
        well(socket);
      };
      await withTls(SERVER, note, async (port) => {
        assert.equal(show(await get(port, { files: {}, ...(sni && { sni }) }, checker, asked)), 'passed');
      });
      assert.equal(seen[0] || false, expected);
    });
  }

  for (const compliant of [true, false]) {
    test(`${compliant ? 'says goodbye where it shall be compliant' : 'hangs up otherwise'}`, async () => {
      let ended = (): void => {};
      const end = new Promise<boolean>((resolve) => {
        ended = () => resolve(true);
        setTimeout(() => resolve(false), compliant ? 10_000 : 500).unref();
      });
      const stay = (socket: TLSSocket): void => {
        socket.once('end', ended).once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      };
      await withTls({ ...SERVER }, stay, async (port) => {
        assert.equal(show(await get(port, { files: {}, ...(compliant && { compliant }) })), 'passed');
        // Either way the connection ends; only goodbye is an end before it.
        if (compliant) assert.equal(await end, true);
      });
    });
  }
});

describe('SSL_GET fails, and ends, with a server that', () => {
  const rows: readonly (readonly [string, (socket: Socket) => void, Partial<HttpChecker>, RegExp])[] = [
    ['speaks no TLS', (socket) => socket.end('HTTP/1.0 400 Bad Request\r\n\r\n'), {}, /^refused: TLS: /],
    ['sends rubbish', (socket) => socket.write(Buffer.alloc(70_000, 0xa5)), {}, /^refused: TLS: /],
    ['says nothing', (socket) => socket.resume(), IMPATIENT, /^connect timeout: no TLS handshake within 0\.3 s/],
    ['closes at once', (socket) => socket.end(), {}, /^refused: /],
    ['resets', (socket) => socket.resetAndDestroy(), {}, /^(refused|connect): .*connection (reset|was closed)/],
    ['greets byte by byte without end', (socket) => drip(socket), IMPATIENT, /^(connect timeout|refused): /],
  ];
  for (const [name, behave, values, expected] of rows)
    test(name, async () => {
      await withTcp(behave, async (port) => assert.match(show(await get(port, { files: {} }, values)), expected));
    });
});

/** The head of a handshake record of 16 KiB, and then what belongs in it, slowly. */
function drip(socket: Socket): void {
  socket.write(Buffer.from([0x16, 3, 3, 0x3f, 0xff]));
  const timer = setInterval(() => socket.write(Buffer.of(2)), 20);
  socket.once('close', () => clearInterval(timer));
}

async function withTls(options: TlsOptions, behave: (socket: TLSSocket) => void, use: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createTlsServer(options, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    behave(socket);
  });
  server.on('connection', (socket) => sockets.add(socket)).on('tlsClientError', () => {});
  await used(server.listen(0, '127.0.0.1'), sockets, use);
}

async function withTcp(behave: (socket: Socket) => void, use: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    behave(socket);
  });
  await used(server.listen(0, '127.0.0.1'), sockets, use);
}

async function used(
  server: ReturnType<typeof createServer>,
  sockets: ReadonlySet<Socket>,
  use: (port: number) => Promise<void>,
): Promise<void> {
  await once(server, 'listening');
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
