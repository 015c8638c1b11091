// A real server of the lab: `node server.js NAME` answers HTTP on 80 and 8080 and echoes UDP on 7777, IPv4 and IPv6, always with its name.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { payload } from './payload.js';

const HTTP_PORTS = [80, 8080];
const UDP_PORT = 7777;

/** What the server prints once it listens everywhere. */
export const LISTENING = 'listening';

const PAGES: Readonly<Record<string, (response: ServerResponse, name: string, url: URL) => void>> = {
  '/': (response, name) => response.end(`${name}\n`),
  '/health': (response) => response.end('healthy\n'),
  '/big': (response, _name, url) => sendBig(response, Number(url.searchParams.get('bytes'))),
};

async function main(name: string): Promise<void> {
  await Promise.all([...HTTP_PORTS.map((port) => serveHttp(name, port)), echoUdp(name)]);
  console.log(LISTENING);
}

async function serveHttp(name: string, port: number): Promise<void> {
  const server = createServer((request, response) => answer(name, request, response)).listen(port, '::');
  await once(server, 'listening');
}

function answer(name: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://server');
  response.setHeader('x-server', name);
  const page = PAGES[url.pathname];
  if (page) page(response, name, url);
  else response.writeHead(404).end();
}

function sendBig(response: ServerResponse, bytes: number): void {
  response.setHeader('content-length', bytes);
  Readable.from(payload(bytes)).pipe(response);
}

async function echoUdp(name: string): Promise<void> {
  const socket = createSocket('udp6');
  socket.on('message', (message, from) => socket.send(`${name} ${message}`, from.port, from.address));
  socket.bind(UDP_PORT, '::');
  await once(socket, 'listening');
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] ?? 'nameless');
