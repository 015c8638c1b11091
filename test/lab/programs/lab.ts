// The programs' lab as a whole: one router, three servers that run what services.ts names, a client, and a host far behind it.

import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUN_ROOT } from '../lab.js';
import { payload, payloadHash } from '../payload.js';
import { Program, run, tail, until } from '../process.js';
import { type NatlbOptions, NatlbRouter } from '../router.js';
import { type Host, Network, ONE_ROUTER, ONE_ROUTER_TAGGED, runDirectory, sweep } from '../topology.js';
import { FILES, makePlace, makeSecrets, type Place, PROGRAMS, type Secrets } from './servers.js';
import { keepalivedConf, type Pair, SERVERS } from './services.js';

/** What the clients send and fetch, some hundred times: two thousand full packets, and a last one that is not. */
const PAYLOAD_BYTES = 3_000_017;
export const PAYLOAD = 'payload';
/** What every server has of it. */
export const FILE_NAMES: readonly string[] = [PAYLOAD, 'second', 'third'];

export interface ProgramsOptions extends NatlbOptions {
  /** The private side is a VLAN. */
  readonly vlan: boolean;
}

/** A client, with its addresses as the servers are to see them. */
export type Caller = Host & Pair;

export class ProgramsLab {
  readonly dir: string;
  readonly network: Network;
  readonly router: NatlbRouter;
  readonly client: Caller;
  /** A client beyond the other, which routes for it. */
  readonly far: Caller;
  readonly secrets: Secrets;
  /** The file all transfers are of, and its hash. */
  readonly payload: string;
  readonly payloadHash = payloadHash(PAYLOAD_BYTES);
  readonly #running: Program[] = [];
  #seenLines = 0;
  #files = 0;

  private constructor(network: Network, dir: string, secrets: Secrets, options: NatlbOptions) {
    this.dir = dir;
    this.network = network;
    this.client = { ...network.host('client'), v4: '203.0.113.254', v6: '2001:db8:113::254' };
    this.far = { ...network.host('far'), v4: '198.51.100.7', v6: '2001:db8:51::7' };
    this.secrets = secrets;
    this.payload = join(dir, PAYLOAD);
    const place = join(dir, 'active');
    mkdirSync(place);
    const host = network.host('active');
    writeFileSync(join(place, 'keepalived.conf'), keepalivedConf(host.addressed[1] ?? ''));
    this.router = new NatlbRouter(host, place, options);
  }

  /** Builds everything and starts the servers, but not the router. */
  static async build(options: ProgramsOptions): Promise<ProgramsLab> {
    await sweep(RUN_ROOT);
    const dir = runDirectory(RUN_ROOT, process.pid);
    mkdirSync(dir, { recursive: true });
    const [network, secrets] = await Promise.all([Network.build(options.vlan ? ONE_ROUTER_TAGGED : ONE_ROUTER), makeSecrets(dir)]);
    const lab = new ProgramsLab(network, dir, secrets, options);
    try {
      writeFileSync(lab.payload, Buffer.concat([...payload(PAYLOAD_BYTES)]));
      await Promise.all(SERVERS.map((name) => lab.#startServer(name)));
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  /** Where a server keeps its files. */
  place(server: string): string {
    return join(this.dir, server);
  }

  logOf(server: string, program: string): string {
    return join(this.place(server), program, 'log');
  }

  /** A name no transfer has used yet. */
  newName(): string {
    return `transfer-${++this.#files}`;
  }

  async #startServer(server: string): Promise<void> {
    const dir = this.place(server);
    makePlace(dir);
    for (const name of FILE_NAMES) linkSync(this.payload, join(dir, FILES, name));
    const { namespace } = this.network.host(server);
    for (const { name, prepare } of PROGRAMS) {
      const own = join(dir, name);
      mkdirSync(own);
      const place: Place = { server, dir, secrets: this.secrets };
      this.#running.push(new Program(`${name} of ${server}`, prepare(place, own), { namespace, logFile: join(own, 'log') }));
    }
    await until(`all programs of ${server} listen`, 20_000, () => this.#allListen(namespace));
  }

  async #allListen(namespace: string): Promise<boolean> {
    const sockets = await run(['ss', '-Hltn'], { namespace });
    const listening = new Set(sockets.split('\n').map((line) => /:(\d+)\s+\S+\s*$/.exec(line)?.[1]));
    const missing = PROGRAMS.filter(({ ports }) => ports.some((port) => !listening.has(String(port))));
    const ended = this.#running.find(({ running }) => !running);
    if (ended) throw new Error(`${ended.name} ended: ${ended.tail(5)}`);
    if (missing.length > 0) throw new Error(`not yet: ${missing.map(({ name }) => name).join(' ')}`);
    return true;
  }

  /** Which programs ended although nobody asked them to. */
  ended(): string[] {
    return this.#running.filter(({ running }) => !running).map((program) => `${program.name}: ${program.tail(3)}`);
  }

  /** What the router logged since this was last asked, the end of it. */
  logged(lines: number): string {
    const { logFile, crashed } = this.router;
    const log = tail(logFile, Number.POSITIVE_INFINITY).split('\n');
    const fresh = log.slice(this.#seenLines);
    this.#seenLines = log.length;
    return [`--- ${logFile}${crashed === undefined ? '' : `: ended by itself, exit status ${crashed}`}`, ...fresh.slice(-lines)].join('\n');
  }

  /** Ends all programs and removes the network; the logs stay if asked for, until a later lab sweeps them away. */
  async close(options: { keepLogs?: boolean } = {}): Promise<void> {
    await Promise.allSettled([this.router.stop()]);
    for (const program of this.#running) program.kill('SIGKILL');
    await Promise.all(this.#running.map(({ exited }) => exited));
    await this.network.remove();
    if (!options.keepLogs) rmSync(this.dir, { recursive: true, force: true });
  }
}
