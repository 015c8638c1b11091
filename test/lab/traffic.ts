// The lab's hand on its client: starts client.js in the client's namespace and reads what it measured.

import { join } from 'node:path';
import type { Answer, Count, Download, LoadReading } from './client.js';
import { attempt, Program, run, until } from './process.js';
import type { Host } from './topology.js';

const CLIENT_PROGRAM = join(import.meta.dirname, 'client.js');

/** Answers that show that a load flows. */
const FLOWING = 50;

export class Client {
  readonly #host: Host;
  readonly #logFile: string;

  constructor(host: Host, dir: string) {
    this.#host = host;
    this.#logFile = join(dir, 'client.log');
  }

  get(url: string): Promise<Answer> {
    return this.#ask('get', url);
  }

  /** New connections, one after the other. */
  count(url: string, asked: number): Promise<Count> {
    return this.#ask('count', url, asked);
  }

  countOnOneConnection(url: string, asked: number): Promise<Count> {
    return this.#ask('count-on-one-connection', url, asked);
  }

  download(url: string, bytes: number): Promise<Download> {
    return this.#ask('download', url, bytes);
  }

  udpEcho(address: string, port: number, asked: number): Promise<Count> {
    return this.#ask('udp', address, port, asked);
  }

  load(url: string, perSecond: number): Load {
    return new Load(this.#host, this.#logFile, url, perSecond);
  }

  async #ask<T>(...args: (string | number)[]): Promise<T> {
    const command = [process.execPath, CLIENT_PROGRAM, ...args.map(String)];
    return JSON.parse(await run(command, { namespace: this.#host.namespace, limitMs: 180_000 })) as T;
  }
}

/** Requests at a fixed rate, going on until `stop`. */
export class Load {
  readonly #program: Program;
  #reading: LoadReading | undefined;

  constructor(host: Host, logFile: string, url: string, perSecond: number) {
    const command = [process.execPath, CLIENT_PROGRAM, 'load', url, String(perSecond)];
    this.#program = new Program('load', command, { namespace: host.namespace, logFile, readStdout: true });
    this.#program.onLine((line) => {
      this.#reading = JSON.parse(line) as LoadReading;
    });
  }

  /** Waits until a good number of requests more than now have been answered. */
  async flowing(limitMs = 15_000): Promise<void> {
    const goal = (this.#reading?.answered ?? 0) + FLOWING;
    await until('requests of the load are answered', limitMs, () => (this.#reading?.answered ?? 0) >= goal);
  }

  async stop(): Promise<LoadReading> {
    await this.#program.stop();
    if (!this.#reading) throw new Error(`the load measured nothing: ${this.#program.tail(5)}`);
    return this.#reading;
  }
}

export interface Pings {
  readonly sent: number;
  readonly answered: number;
}

export async function ping(from: Host, address: string, sent = 3): Promise<Pings> {
  const command = ['ping', '-n', '-c', String(sent), '-i', '0.2', '-W', '1', address];
  const { stdout, stderr } = await attempt(command, { namespace: from.namespace });
  const answered = /(\d+) received/.exec(stdout)?.[1];
  if (answered === undefined) throw new Error(`ping ${address}: ${stderr || stdout}`);
  return { sent, answered: Number(answered) };
}
