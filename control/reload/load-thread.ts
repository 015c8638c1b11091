// The thread that reads a configuration: reading a large one takes seconds, and the loop that keeps the VRRP timers has none to spare.

import { createHash } from 'node:crypto';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { loadFile } from '../config/file.js';
import { checkHost } from '../config/host-check.js';
import type { Config, VirtualServer } from '../config/model.js';
import { saying } from './fingerprint.js';
import type { Entry, FromLoad, LoadStart, Rest } from './messages.js';

/** Real servers in a piece, more or less: what takes the other thread a few milliseconds. */
const PIECE_SERVERS = 250;

const main = parent();
const { file, configId, host, known } = workerData as LoadStart;
read();

function read(): void {
  const startedMs = performance.now();
  const { config, findings: found } = loadFile(file, configId === undefined ? {} : { configId });
  const parsedMs = performance.now();
  const findings = config === undefined ? found : [...found, ...checkHost(config, host)];
  const checkedMs = performance.now();
  const runnable = findings.some(({ severity }) => severity === 'error') ? undefined : config;
  const entries = compare(runnable?.virtualServers ?? []);
  const times = { parseMs: parsedMs - startedMs, checkMs: checkedMs - parsedMs, compareMs: performance.now() - checkedMs };
  say({ kind: 'read', findings, times, ...(runnable && { rest: restOf(runnable) }) });
  sendInPieces(entries);
}

function restOf({ virtualServers: _, ...rest }: Config): Rest {
  return rest;
}

function compare(services: readonly VirtualServer[]): Entry[] {
  const positions = new Map(known.map((fingerprint, position) => [fingerprint, position]));
  return services.map((service): Entry => {
    const fingerprint = createHash('md5').update(saying(service)).digest('base64');
    return positions.get(fingerprint) ?? { fingerprint, service: withoutPlaces(service) };
  });
}

/** Places are for findings, which have been made; they are half of all there is. */
function withoutPlaces(service: VirtualServer): VirtualServer {
  return { ...service, places: {}, realServers: service.realServers.map((server) => ({ ...server, places: {} })) };
}

function sendInPieces(entries: readonly Entry[]): void {
  let next = 0;
  main.on('message', () => {
    const from = next;
    for (let servers = 0; next < entries.length && servers < PIECE_SERVERS; next++) servers += weight(entries[next]);
    say({ kind: 'entries', entries: entries.slice(from, next), last: next === entries.length });
    if (next === entries.length) main.close();
  });
}

function weight(entry: Entry | undefined): number {
  return typeof entry === 'object' ? 1 + entry.service.realServers.length : 0;
}

function say(message: FromLoad): void {
  main.postMessage(message);
}

function parent(): MessagePort {
  if (parentPort === null) throw new Error('load-thread runs as a worker thread');
  return parentPort;
}
