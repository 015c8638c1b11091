// The lab as a whole: the network, the servers that answer in it, the client, and two routers that wait to be started.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Holders } from './holders.js';
import { Program, tail, until } from './process.js';
import { KeepalivedRouter, type NatlbOptions, NatlbRouter, type Router } from './router.js';
import { LISTENING } from './server.js';
import { NAT_VIP, NAT_VIP6, Network, runDirectory, sweep, TWO_ROUTERS, VIP, VIP6 } from './topology.js';
import { Client } from './traffic.js';

export type RouterKind = 'natlb' | 'keepalived';
type Role = 'active' | 'standby';

export interface LabOptions extends NatlbOptions {
  readonly active: RouterKind;
  readonly standby: RouterKind;
  /** What to change in the configuration files of both routers. */
  readonly edit?: (config: string) => string;
}

/** The checkout: this file is compiled to dist/test/lab. */
export const REPOSITORY = join(import.meta.dirname, '../../..');

export const RUN_ROOT = '/run';
const SERVER_PROGRAM = join(import.meta.dirname, 'server.js');
const SERVER_NAMES = ['server1', 'server2', 'server3', 'server4'];

export class Lab {
  readonly dir: string;
  readonly network: Network;
  readonly client: Client;
  readonly holders: Holders;
  readonly active: Router;
  readonly standby: Router;
  readonly #servers = new Map<string, Program>();
  readonly #seenLines = new Map<string, number>();

  private constructor(network: Network, dir: string, options: LabOptions) {
    this.dir = dir;
    this.network = network;
    this.client = new Client(network.host('client'), dir);
    this.active = this.#router('active', options.active, options);
    this.standby = this.#router('standby', options.standby, options);
    this.holders = new Holders([this.active.host, this.standby.host], [VIP, NAT_VIP, VIP6, NAT_VIP6], dir);
  }

  /** Builds everything but starts no router. */
  static async build(options: LabOptions): Promise<Lab> {
    await sweep(RUN_ROOT);
    const dir = runDirectory(RUN_ROOT, process.pid);
    mkdirSync(dir, { recursive: true });
    const lab = new Lab(await Network.build(TWO_ROUTERS), dir, options);
    try {
      await Promise.all(SERVER_NAMES.map((name) => lab.startServer(name)));
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  async startServer(name: string): Promise<void> {
    await this.killServer(name);
    const command = [process.execPath, SERVER_PROGRAM, name];
    const logFile = join(this.dir, `${name}.log`);
    rmSync(logFile, { force: true });
    const server = new Program(name, command, { namespace: this.network.host(name).namespace, logFile });
    this.#servers.set(name, server);
    await until(`${name} listens`, 20_000, () => tail(logFile, 1) === LISTENING);
  }

  async killServer(name: string): Promise<void> {
    const server = this.#servers.get(name);
    server?.kill('SIGKILL');
    await server?.exited;
  }

  /** What the routers logged since this was last asked, the end of it. */
  logged(lines: number): string {
    const heading = ({ logFile, crashed }: Router) =>
      `--- ${logFile}${crashed === undefined ? '' : `: ended by itself, exit status ${crashed}`}`;
    return [this.active, this.standby].flatMap((router) => [heading(router), ...this.#newLines(router).slice(-lines)]).join('\n');
  }

  #newLines({ logFile }: Router): string[] {
    const log = tail(logFile, Number.POSITIVE_INFINITY).split('\n');
    const seen = this.#seenLines.get(logFile) ?? 0;
    this.#seenLines.set(logFile, log.length);
    return log.slice(seen);
  }

  /** Ends all programs and removes the network; the logs stay if asked for, until a later lab sweeps them away. */
  async close(options: { keepLogs?: boolean } = {}): Promise<void> {
    await Promise.allSettled([this.active.stop(), this.standby.stop()]);
    await Promise.all([...this.#servers.keys()].map((name) => this.killServer(name)));
    await this.holders.stop();
    await this.network.remove();
    if (!options.keepLogs) rmSync(this.dir, { recursive: true, force: true });
  }

  #router(role: Role, kind: RouterKind, options: LabOptions): Router {
    const dir = join(this.dir, role);
    mkdirSync(dir, { recursive: true });
    const config = readFileSync(join(REPOSITORY, 'test/lab', role, 'keepalived.conf'), 'utf8');
    writeFileSync(join(dir, 'keepalived.conf'), options.edit?.(config) ?? config);
    const host = this.network.host(role);
    return kind === 'natlb' ? new NatlbRouter(host, dir, options) : new KeepalivedRouter(host, dir);
  }
}

/** The router as a natlb, for the steps that ask it things keepalived cannot answer. */
export function natlb(router: Router): NatlbRouter {
  if (!(router instanceof NatlbRouter)) throw new Error(`${router.host.name} is not a natlb`);
  return router;
}
