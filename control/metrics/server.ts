// Starts the thread that serves /metrics and hands it one Status per scrape: the loop that keeps the VRRP timers does nothing longer.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Status } from '../status.js';
import type { FromRender, RenderStart, ToRender } from './messages.js';
import { type LoopLag, watchLoopLag } from './process.js';

export interface MetricsOptions {
  readonly address: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly status: () => Promise<Status>;
  readonly log: (text: string) => void;
}

export interface Metrics {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

const RESTART_DELAY_MS = 1_000;
const HEAP_LIMIT_MB = 256;

type Listening = Extract<FromRender, { kind: 'listening' }>;

export async function startMetrics(options: MetricsOptions): Promise<Metrics> {
  const thread = new RenderThread(options);
  try {
    const { address, port } = await thread.start(options);
    return { address, port, close: () => thread.close() };
  } catch (error) {
    await thread.close();
    throw error;
  }
}

/** Owns the thread. One that ends by itself is started again on the same port: losing sight of a router is no reason to lose the router. */
class RenderThread {
  readonly #options: MetricsOptions;
  readonly #lag: LoopLag = watchLoopLag();
  #closing = false;
  #retry: NodeJS.Timeout | undefined;
  #worker: Worker | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
  }

  async start({ address, port }: RenderStart): Promise<Listening> {
    const worker = new Worker(new URL('./render-thread.js', import.meta.url), {
      workerData: { address, port } satisfies RenderStart,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MB },
    });
    this.#worker = worker;
    worker.on('error', (error) => this.#options.log(`metrics: ${error.message}`));
    worker.on('message', (message: FromRender) => {
      if (message.kind === 'ask') void this.#answer(worker, message.id);
    });
    const listening = await firstWord(worker).catch(async (problem: Error) => {
      // It has nothing to do, and would wait for a status for ever.
      await worker.terminate();
      throw problem;
    });
    worker.once('exit', () => this.#restart(listening, 'ended'));
    return listening;
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#retry);
    this.#lag.stop();
    await this.#worker?.terminate();
  }

  #restart(at: RenderStart, why: string): void {
    if (this.#closing) return;
    this.#options.log(`metrics: the thread that serves them ${why}; starting another`);
    this.#retry = setTimeout(() => {
      this.start(at).catch((error: Error) => this.#restart(at, `did not start (${error.message})`));
    }, RESTART_DELAY_MS);
  }

  async #answer(worker: Worker, id: number): Promise<void> {
    try {
      const status = await this.#options.status();
      worker.postMessage({ kind: 'status', id, status, loopLagSeconds: this.#lag.seconds() } satisfies ToRender);
    } catch (error) {
      worker.postMessage({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) } satisfies ToRender);
    }
  }
}

async function firstWord(worker: Worker): Promise<Listening> {
  const message = await Promise.race([wordOf(worker), once(worker, 'exit').then(() => undefined)]);
  if (message?.kind === 'listening') return message;
  throw new Error(message?.kind === 'refused' ? message.message : 'metrics: the thread that serves them ended while starting');
}

async function wordOf(worker: Worker): Promise<FromRender> {
  const [message]: FromRender[] = await once(worker, 'message');
  if (message === undefined) throw new Error('metrics: a message without content');
  return message;
}
