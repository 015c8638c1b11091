// A TCP connection through the router that says something all the time, and knows how long it had to wait for an answer.

import type { Program } from '../lab/process.js';
import { type Place, PORT, VIP } from './place.js';

const SERVER = (port: number) => `
require('net').createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(${port}, () => console.log('listens'));
`;

/** Says one byte every 20 ms and prints, for each that comes back, its waiting time. */
const CLIENT = (port: number) => `
const said = [];
const socket = require('net').connect(${port}, '${VIP}', () => {
  console.log('connected');
  setInterval(() => { said.push(performance.now()); socket.write('x'); }, 20);
});
socket.setNoDelay(true);
socket.on('data', (data) => { for (const _ of data) console.log(Math.round(performance.now() - said.shift())); });
socket.on('error', (error) => console.log(error.code));
socket.on('close', () => { console.log('closed'); process.exit(); });
`;

export class Talk {
  readonly #client: Program;
  /** How long each answer took. */
  readonly waitsMs: number[] = [];
  connected = false;
  closed = false;

  constructor(place: Place, port = PORT) {
    this.#client = place.program('client', `client-${port}`, CLIENT(port));
    this.#client.onLine((line) => {
      if (line === 'connected') this.connected = true;
      else if (/^\d+$/.test(line)) this.waitsMs.push(Number(line));
      else this.closed = true;
    });
  }
}

export function listen(place: Place, port = PORT): Promise<void> {
  return new Promise((resolve) => {
    place.program('server', `server-${port}`, SERVER(port)).onLine(() => resolve());
  });
}
