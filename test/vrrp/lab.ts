// Two routers on two switches (pub and priv), in network namespaces named with this process's id; what a killed run left behind is swept.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { GlobalDefs, VrrpInstance } from '../../control/config/model.js';
import type { VrrpInstanceStatus } from '../../control/vrrp/driver.js';
import { vrrpGlobal } from './instance.js';

export type Side = 'a' | 'b';
export type Network = 'pub' | 'priv';

const PREFIX = 'nv-';
const SIDES: readonly Side[] = ['a', 'b'];
const SUBNETS = { pub: { v4: '10.77.1', v6: 'fe80::1:' }, priv: { v4: '10.77.2', v6: 'fe80::2:' } } as const;
let labs = 0;

export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Deletes the namespaces of processes that are gone, and ends what still runs in them. */
export function sweep(): void {
  const names = ip('netns', 'list').match(new RegExp(`^${PREFIX}\\d+-\\S+`, 'gm')) ?? [];
  for (const name of names.filter((each) => !isAlive(Number(each.split('-')[1])))) {
    removeNamespace(name);
    rmSync(join(tmpdir(), name.replace(/-[^-]+$/, '')), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function removeNamespace(name: string): void {
  for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {} // It has ended by itself.
  }
  ip('netns', 'del', name);
}

export interface Running {
  /** Whom it asks for links and addresses: ip(8), or netlink as natlb itself does. */
  readonly host?: 'shell' | 'native';
  readonly global?: Partial<GlobalDefs>;
}

export class Lab {
  private readonly name = `${PREFIX}${process.pid}-${labs++}`;
  readonly directory = join(tmpdir(), this.name);
  private readonly children: ChildProcess[] = [];

  constructor() {
    mkdirSync(this.directory);
    for (const space of ['lan', ...SIDES]) ip('netns', 'add', `${this.name}-${space}`);
    const lan = `${this.name}-lan`;
    for (const network of ['pub', 'priv'] as const) {
      ip('-n', lan, 'link', 'add', network, 'type', 'bridge', 'mcast_snooping', '0', 'stp_state', '0');
      ip('-n', lan, 'link', 'set', network, 'up');
      for (const [i, side] of SIDES.entries()) this.plug(side, network, i + 1);
    }
  }

  /** Gives the router an interface on that network, made anew. */
  plug(side: Side, network: Network, host: number): void {
    const lan = `${this.name}-lan`;
    const router = this.namespace(side);
    const port = `${network}-${side}`;
    ip('-n', lan, 'link', 'add', port, 'type', 'veth', 'peer', 'name', network, 'netns', router);
    ip('-n', lan, 'link', 'set', port, 'master', network, 'up');
    const { v4, v6 } = SUBNETS[network];
    ip('-n', router, 'link', 'set', network, 'addrgenmode', 'none');
    ip('-n', router, 'link', 'set', network, 'up');
    ip('-n', router, 'addr', 'add', `${v4}.${host}/24`, 'dev', network);
    ip('-n', router, 'addr', 'add', `${v6}${host}/64`, 'dev', network, 'nodad');
  }

  namespace(side: Side | 'lan'): string {
    return `${this.name}-${side}`;
  }

  /** Takes away or gives back the carrier of one router's interface, at the switch. */
  cable(side: Side, network: Network, state: 'up' | 'down'): void {
    ip('-n', this.namespace('lan'), 'link', 'set', `${network}-${side}`, state);
  }

  /** Which routers hold the address, as `a`, `b`, `ab` or ``. */
  holders(address: string): string {
    return SIDES.filter((side) => ip('-n', this.namespace(side), '-o', 'addr').includes(` ${address}/`)).join('');
  }

  natlb(side: Side, instances: readonly VrrpInstance[], group: readonly string[] = [], running: Running = {}): Natlb {
    const { host = 'shell', global = {} } = running;
    const file = join(this.directory, `${side}.json`);
    writeConfig(file, instances, group, global);
    const program = join(import.meta.dirname, 'router.js');
    return new Natlb(this.start(side, process.execPath, [program, file, host]), file, group);
  }

  /** Debian's keepalived, VRRP only, in the foreground. */
  keepalived(side: Side, config: string): ChildProcess {
    const base = join(this.directory, side);
    writeFileSync(`${base}.conf`, config);
    const files = ['-f', `${base}.conf`, '-p', `${base}.pid`, '-r', `${base}.vrrp.pid`];
    return this.start(side, 'keepalived', ['-P', '-n', '-l', '-D', ...files]);
  }

  /** Puts packets on a network as the router of that side would, each with its own IP header. */
  async inject(side: Side, network: Network, packets: readonly Uint8Array[], destination?: string): Promise<void> {
    const lines = packets.map((packet) => `${Buffer.from(packet).toString('hex')}\n`);
    const sender = this.start(side, process.execPath, [
      join(import.meta.dirname, 'sender.js'),
      network,
      ...(destination === undefined ? [] : [destination]),
    ]);
    sender.stdin?.end(lines.join(''));
    await new Promise((resolve) => sender.once('exit', resolve));
  }

  /** Everything on one network, as text, for as long as the lab stands. */
  capture(network: Network, ...filter: readonly string[]): { lines: string[] } {
    const lines: string[] = [];
    const child = this.start('lan', 'tcpdump', ['-lnni', network, ...filter]);
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => lines.push(line));
    return { lines };
  }

  /** Is it answered within a second? */
  ping(from: Side | 'lan', address: string): boolean {
    try {
      ip('netns', 'exec', this.namespace(from), 'ping', '-c1', '-W1', address);
      return true;
    } catch {
      return false;
    }
  }

  /** Any program, ended with the lab. */
  start(side: Side | 'lan', command: string, args: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.namespace(side), command, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stderr.resume();
    this.children.push(child);
    return child;
  }

  async remove(): Promise<void> {
    await Promise.all(this.children.map((child) => ended(child, 'SIGKILL')));
    for (const space of ['lan', ...SIDES]) removeNamespace(`${this.name}-${space}`);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function writeConfig(file: string, instances: readonly VrrpInstance[], group: readonly string[], global: Partial<GlobalDefs> = {}): void {
  const syncGroups = group.length === 0 ? [] : [{ name: 'VG1', members: group, places: {} }];
  writeFileSync(file, JSON.stringify({ instances, syncGroups, global: vrrpGlobal(global) }));
}

/** `ip netns exec` becomes the command, so the signal reaches the command itself. */
export function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

/** A running router program. */
export class Natlb {
  readonly logs: string[] = [];
  readonly child: ChildProcess;
  private readonly file: string;
  private readonly group: readonly string[];
  private readonly asked = new Map<string, (status: readonly VrrpInstanceStatus[]) => void>();

  constructor(child: ChildProcess, file: string, group: readonly string[]) {
    this.child = child;
    this.file = file;
    this.group = group;
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => this.heard(JSON.parse(line)));
  }

  status(): Promise<readonly VrrpInstanceStatus[]> {
    const id = String(this.asked.size);
    return new Promise((resolve) => {
      this.asked.set(id, resolve);
      this.tell(`status ${id}`);
    });
  }

  reload(instances: readonly VrrpInstance[]): void {
    writeConfig(this.file, instances, this.group);
    this.tell('reload');
  }

  tell(command: string): void {
    this.child.stdin?.write(`${command}\n`);
  }

  async stop(): Promise<void> {
    this.tell('stop');
    await new Promise<void>((resolve) => {
      if (this.child.exitCode !== null) return resolve();
      this.child.once('exit', () => resolve());
    });
  }

  private heard(line: { log?: string; id?: string; status?: readonly VrrpInstanceStatus[] }): void {
    if (line.log !== undefined) this.logs.push(line.log);
    if (line.id !== undefined && line.status !== undefined) this.asked.get(line.id)?.(line.status);
  }
}

/** Polls until it holds, and says what was found instead when it does not in time. Resolves to the milliseconds it took. */
export async function eventually<Value>(
  what: string,
  found: () => Value | Promise<Value>,
  wanted: Value,
  withinMs = 8000,
): Promise<number> {
  const start = performance.now();
  for (;;) {
    const value = await found();
    const took = performance.now() - start;
    if (value === wanted) return took;
    if (took > withinMs)
      throw new Error(`${what}: expected ${JSON.stringify(wanted)} within ${withinMs} ms, found ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
