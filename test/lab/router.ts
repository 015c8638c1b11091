// A router of the lab: natlb as an operator starts and asks it, or Debian's keepalived in its place.

import { join } from 'node:path';
import type { Status } from '../../control/status.js';
import { alive, attempt, Program, run, until } from './process.js';
import { type Host, programsIn } from './topology.js';

export interface Router {
  readonly host: Host;
  readonly configFile: string;
  readonly logFile: string;
  start(): Promise<void>;
  /** SIGTERM; an error if it does not end in time. */
  stop(): Promise<void>;
  /** SIGKILL to everything it consists of, as if the power failed, but for the addresses that stay on the interfaces. */
  kill(): Promise<void>;
  reload(): void;
  /** The exit status it ended with although nobody asked it to: a crash. */
  readonly crashed: number | undefined;
}

export type Backend = 'auto' | 'af_xdp' | 'af_packet';

export interface NatlbOptions {
  /** The command to run; the checkout's own by default. */
  readonly natlb: string;
  readonly backend: Backend;
}

export const METRICS_ADDRESS = '127.0.0.1:9300';

abstract class RouterProgram implements Router {
  readonly host: Host;
  readonly configFile: string;
  readonly logFile: string;
  crashed: number | undefined;
  #program: Program | undefined;
  /** Whatever happens to this program from now on was meant to. */
  #doomed: Program | undefined;

  constructor(host: Host, dir: string) {
    this.host = host;
    this.configFile = join(dir, 'keepalived.conf');
    this.logFile = join(dir, 'log');
  }

  async start(): Promise<void> {
    const program = new Program(this.host.name, this.command(), { namespace: this.host.namespace, logFile: this.logFile });
    this.#program = program;
    void program.exited.then((status) => {
      if (this.#doomed !== program) this.crashed = status;
    });
  }

  async stop(): Promise<void> {
    if (!(await this.doom().stop())) throw new Error(`${this.host.name} did not end on SIGTERM`);
  }

  async kill(): Promise<void> {
    const pids = await this.processes();
    this.doom();
    // Stopped first: none is to see another die and say farewell, as a router without power cannot.
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
      for (const pid of pids) process.kill(pid, signal);
    }
    await until(`the killed processes of ${this.host.name} are gone`, 5_000, () => !pids.some(alive));
  }

  reload(): void {
    this.program.kill('SIGHUP');
  }

  protected get program(): Program {
    if (!this.#program) throw new Error(`${this.host.name} was never started`);
    return this.#program;
  }

  /** From here on its end is no crash. */
  protected doom(): Program {
    this.#doomed = this.program;
    return this.program;
  }

  protected abstract command(): string[];
  /** What `kill` kills. */
  protected abstract processes(): Promise<number[]>;
}

export class NatlbRouter extends RouterProgram {
  readonly runDir: string;
  readonly #options: NatlbOptions;

  constructor(host: Host, dir: string, options: NatlbOptions) {
    super(host, dir);
    this.runDir = join(dir, 'run');
    this.#options = options;
  }

  protected command(): string[] {
    const { natlb, backend } = this.#options;
    const place = ['-f', this.configFile, '--run-dir', this.runDir];
    return [natlb, 'run', ...place, '--backend', backend, '--metrics', METRICS_ADDRESS];
  }

  override async start(): Promise<void> {
    await super.start();
    const { program } = this;
    const ended = program.exited.then((status) => {
      throw new Error(`natlb ended with exit status ${status}: ${program.tail(3)}`);
    });
    const runs = until(`${this.host.name}'s data plane runs`, 20_000, async () => (await this.status()).dataplane.state === 'running');
    await Promise.race([ended, runs]);
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.ask('status', '--json')) as Status;
  }

  /** Waits until the status is as described. */
  statusWhen(what: string, limitMs: number, holds: (status: Status) => boolean): Promise<Status> {
    return until(`${this.host.name} reports that ${what}`, limitMs, async () => {
      const status = await this.status();
      return holds(status) ? status : undefined;
    });
  }

  /** One of natlb's commands, as typed by an operator. */
  ask(command: string, ...args: string[]): Promise<string> {
    return run([this.#options.natlb, command, ...args, '--run-dir', this.runDir], { limitMs: 15_000 });
  }

  /** The page a Prometheus would scrape. */
  metrics(): Promise<string> {
    return run(['curl', '-sS', '--fail', '--max-time', '10', `http://${METRICS_ADDRESS}/metrics`], { namespace: this.host.namespace });
  }

  /** Kills one of the two processes, and says which pid the dataplane has or had. */
  async killOnly(which: 'control' | 'dataplane'): Promise<number> {
    const { pid, dataplane } = await this.status();
    if (dataplane.pid === undefined) throw new Error('the status names no dataplane process');
    if (which === 'control') this.doom();
    process.kill(which === 'control' ? pid : dataplane.pid, 'SIGKILL');
    return dataplane.pid;
  }

  protected async processes(): Promise<number[]> {
    const { pid, dataplane } = await this.status();
    return dataplane.pid === undefined ? [pid] : [pid, dataplane.pid];
  }
}

/** Debian's keepalived with VRRP only: it holds the addresses but forwards nothing. */
export class KeepalivedRouter extends RouterProgram {
  protected command(): string[] {
    const [pids, log] = [join(this.configFile, '..'), ['--dont-fork', '--log-console', '--log-detail', '--no-syslog']];
    const pidFiles = [`--pid=${pids}/keepalived.pid`, `--vrrp_pid=${pids}/vrrp.pid`, `--checkers_pid=${pids}/checkers.pid`];
    return ['keepalived', '--vrrp', ...log, ...pidFiles, '--use-file', this.configFile];
  }

  /** What keepalived itself says about its file: exit status and messages. */
  check(): Promise<{ status: number; stderr: string }> {
    return attempt(['keepalived', '--config-test', '--use-file', this.configFile], { namespace: this.host.namespace });
  }

  protected async processes(): Promise<number[]> {
    const everything = await Promise.all((await programsIn(this.host.namespace)).map(async (pid) => ({ pid, name: await nameOf(pid) })));
    return everything.filter(({ name }) => name === 'keepalived').map(({ pid }) => pid);
  }
}

async function nameOf(pid: number): Promise<string> {
  return (await attempt(['cat', `/proc/${pid}/comm`])).stdout.trim();
}
