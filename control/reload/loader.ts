// Reads a configuration in a thread of its own, and takes over what it says in small pieces. The one path for start, reload and `natlb diff`.

import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Host } from '../config/host-check.js';
import type { VirtualServer } from '../config/model.js';
import type { Entry, FromLoad, Known, LoadStart, Read, ReadMessage, Rest, ToLoad } from './messages.js';

export interface ReadOptions {
  readonly file: string;
  readonly configId?: string;
  readonly host: Host;
  /** What most of it is expected to be like. */
  readonly before?: Known;
}

/** Young objects of a configuration are nearly all kept: a small nursery would copy them over and over. */
const NURSERY_MB = 64;

/** Never throws for what is in, or wrong with, the file; rejects when it cannot be read for want of memory. */
export async function readApart({ file, configId, host, before }: ReadOptions): Promise<Read> {
  const start: LoadStart = {
    file,
    ...(configId === undefined ? {} : { configId }),
    host: { interfaces: host.interfaces.map(({ name, addresses }) => ({ name, addresses })) },
    known: before?.fingerprints ?? [],
  };
  const worker = new Worker(new URL('./load-thread.js', import.meta.url), {
    workerData: start,
    resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MB },
  });
  try {
    return await take(new Inbox(worker), before);
  } finally {
    await worker.terminate();
  }
}

async function take(inbox: Inbox, before: Known | undefined): Promise<Read> {
  const { findings, rest, times } = await inbox.read();
  if (rest === undefined) return { findings, times };
  const taken = new Taken(before);
  for (let last = false; !last; ) {
    const piece = await inbox.entries();
    for (const entry of piece.entries) taken.add(entry);
    last = piece.last;
    // Timers first: messages alone would keep them waiting.
    await turn();
  }
  return { findings, known: taken.known(rest), times };
}

class Taken {
  readonly #before: Known | undefined;
  readonly #services: VirtualServer[] = [];
  readonly #fingerprints: string[] = [];

  constructor(before: Known | undefined) {
    this.#before = before;
  }

  add(entry: Entry): void {
    const service = typeof entry === 'number' ? this.#before?.config.virtualServers[entry] : entry.service;
    const fingerprint = typeof entry === 'number' ? this.#before?.fingerprints[entry] : entry.fingerprint;
    if (service === undefined || fingerprint === undefined) throw new RangeError('the thread that reads names a service nobody knows');
    this.#services.push(service);
    this.#fingerprints.push(fingerprint);
  }

  known(rest: Rest): Known {
    return { config: { ...rest, virtualServers: this.#services }, fingerprints: this.#fingerprints };
  }
}

/** Messages of the thread, one awaited after the other; its end, when one was awaited, is the error. */
class Inbox {
  readonly #worker: Worker;
  readonly #ended: Promise<never>;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#ended = new Promise((_, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the thread that reads it ended with status ${code}`)));
    });
    this.#ended.catch(() => {});
  }

  async read(): Promise<ReadMessage> {
    const message = await this.#next();
    if (message.kind !== 'read') throw new RangeError(`expected what was read, got ${message.kind}`);
    return message;
  }

  async entries(): Promise<Extract<FromLoad, { kind: 'entries' }>> {
    this.#worker.postMessage('next' satisfies ToLoad);
    const message = await this.#next();
    if (message.kind !== 'entries') throw new RangeError(`expected virtual servers, got ${message.kind}`);
    return message;
  }

  #next(): Promise<FromLoad> {
    return Promise.race([new Promise<FromLoad>((resolve) => this.#worker.once('message', resolve)), this.#ended]);
  }
}
