// A place to run natlb in: a router between a client and a server, in network namespaces named with this process's id. What a killed run left
// behind is swept.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../control/cli/client.js';
import type { Status } from '../../control/status.js';
import { alive, attempt, type Ending, Program, run, until } from '../lab/process.js';

export const SKIP = process.getuid?.() === 0 ? false : 'network namespaces need root';
export const VIP = '203.0.113.10';
export const PORT = 8080;

const PREFIX = 'nr-';
const SHARED_MEMORY = '/dev/shm';
const NATLB = join(import.meta.dirname, '../../../natlb');
const ROLES = ['client', 'router', 'server'] as const;
type Role = (typeof ROLES)[number];

/** Addresses and routes of everyone; the server's way back is the router. */
const WIRING = {
  client: ['addr add 203.0.113.254/24 dev eth0'],
  router: ['addr add 203.0.113.9/24 dev eth0', 'addr add 10.11.12.9/24 dev eth1', 'link set eth1 addrgenmode none', 'link set eth1 up'],
  server: ['addr add 10.11.12.1/24 dev eth0', 'route add default via 10.11.12.9'],
} as const;

let places = 0;

export class Place {
  readonly #name = `${PREFIX}${process.pid}-${places++}`;
  /** In memory, so that flows outlive the data plane. */
  readonly dir = join(SHARED_MEMORY, this.#name);
  readonly runDir = join(this.dir, 'run');
  readonly file = join(this.dir, 'keepalived.conf');
  readonly #programs: Program[] = [];

  private constructor() {
    mkdirSync(this.dir);
  }

  static async make(): Promise<Place> {
    await sweep();
    const place = new Place();
    for (const role of ROLES) await run(['ip', 'netns', 'add', place.namespace(role)]);
    const router = place.namespace('router');
    const cables = [`eth0 netns ${place.namespace('client')}`, `eth0 netns ${place.namespace('server')}`];
    for (const [i, peer] of cables.entries()) await ip(router, [`link add eth${i} type veth peer name ${peer}`]);
    for (const role of ROLES) {
      const links = ['link set lo up', 'link set eth0 addrgenmode none', 'link set eth0 up'];
      await ip(place.namespace(role), [...links, ...WIRING[role]]);
    }
    return place;
  }

  namespace(role: Role): string {
    return `${this.#name}-${role}`;
  }

  write(config: string): void {
    writeFileSync(this.file, config);
  }

  /** `natlb run` as typed by an operator; of an option given twice the last counts. */
  start(...options: readonly string[]): Router {
    return this.startWith({}, ...options);
  }

  startWith(environment: Readonly<Record<string, string>>, ...options: readonly string[]): Router {
    const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const natlb = [...this.#command(), ...options];
    return this.#keep(new Router(this, assignments.length === 0 ? natlb : ['env', ...assignments, ...natlb]));
  }

  /** With its log going to a shell command, such as one that ends early. */
  startPiped(reader: string): Program {
    const command = ['bash', '-c', `"$@" 2>&1 | ${reader}`, 'bash', ...this.#command()];
    const options = { namespace: this.namespace('router'), logFile: join(this.dir, 'log') };
    return this.#keep(new Program('natlb', command, options));
  }

  #command(): string[] {
    return [NATLB, 'run', '-f', this.file, '--run-dir', this.runDir, '--backend', 'af_packet'];
  }

  /** What the test itself has running here. */
  programs(): readonly Program[] {
    return this.#programs.filter((program) => program.running && !(program instanceof Router));
  }

  /** Any command line in the router, to its end. */
  attempt(command: readonly string[], limitMs = 15_000): Promise<Ending> {
    return this.attemptIn('router', command, limitMs);
  }

  attemptIn(role: Role, command: readonly string[], limitMs = 15_000): Promise<Ending> {
    return attempt(command, { namespace: this.namespace(role), limitMs });
  }

  natlb(...words: readonly string[]): Promise<Ending> {
    return this.attempt([NATLB, ...words]);
  }

  /** A Node program in one of the namespaces, ended with the place. */
  program(role: Role, name: string, source: string): Program {
    const logFile = join(this.dir, `${name}.log`);
    return this.#keep(new Program(name, [process.execPath, '-e', source], { namespace: this.namespace(role), logFile, readStdout: true }));
  }

  /** Any program in one of the namespaces, ended with the place. */
  run(role: Role, name: string, command: readonly string[]): Program {
    return this.#keep(new Program(name, command, { namespace: this.namespace(role), logFile: join(this.dir, `${name}.log`) }));
  }

  ip(command: string): Promise<void> {
    return ip(this.namespace('router'), [command]);
  }

  /** Gives the router an interface to the client, made anew. */
  async plugClient(): Promise<void> {
    await this.ip(`link add eth0 type veth peer name eth0 netns ${this.namespace('client')}`);
    await ip(this.namespace('client'), ['link set eth0 addrgenmode none', 'link set eth0 up', ...WIRING.client]);
    await ip(this.namespace('router'), ['link set eth0 addrgenmode none', 'link set eth0 up', 'addr add 203.0.113.9/24 dev eth0']);
  }

  async holds(address: string): Promise<boolean> {
    return (await this.addresses()).includes(address);
  }

  async addresses(): Promise<string[]> {
    const links = JSON.parse(await run(['ip', '-n', this.namespace('router'), '-j', 'addr'])) as { addr_info: { local: string }[] }[];
    return links.flatMap(({ addr_info }) => addr_info.map(({ local }) => local));
  }

  /** What natlb has left in the kernel and in the process table; nothing when it is gone without a trace. */
  async traces(): Promise<string[]> {
    const pids = await run(['ip', 'netns', 'pids', this.namespace('router')]);
    const addresses = await this.addresses();
    const tables = await this.attempt(['nft', 'list', 'tables']);
    const links = await this.attempt(['ip', '-d', 'link']);
    const own = ['127.0.0.1', '::1', '203.0.113.9', '10.11.12.9'];
    return [
      ...addresses.filter((address) => !own.includes(address)).map((address) => `address ${address}`),
      ...(tables.stdout.match(/table inet natlb/g) ?? []),
      ...(links.stdout.match(/prog\/xdp.*/g) ?? []),
      ...pids
        .split('\n')
        .filter(Boolean)
        .map((pid) => `process ${pid}`),
    ];
  }

  async remove(): Promise<void> {
    for (const program of this.#programs) program.kill('SIGKILL');
    await Promise.all(ROLES.map((role) => removeNamespace(this.namespace(role))));
    rmSync(this.dir, { recursive: true, force: true });
  }

  #keep<Kept extends Program>(program: Kept): Kept {
    this.#programs.push(program);
    return program;
  }
}

export async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const place = await Place.make();
  try {
    await work(place);
  } finally {
    await place.remove();
  }
}

/** A `natlb run` under way. */
export class Router extends Program {
  readonly #place: Place;

  constructor(place: Place, command: readonly string[]) {
    super('natlb', command, { namespace: place.namespace('router'), logFile: join(place.dir, 'log') });
    this.#place = place;
  }

  get log(): string {
    return this.tail(Number.POSITIVE_INFINITY);
  }

  status(): Promise<Status> {
    return ask(this.#place.runDir, { what: 'status' });
  }

  /** The status, once it is so. */
  async when(what: string, holds: (status: Status) => boolean, limitMs = 15_000): Promise<Status> {
    const said = until(`natlb says that ${what}`, limitMs, async () => {
      if (!this.running) return 'ended';
      const status = await this.status();
      return holds(status) && status;
    });
    const status = await said.catch((problem: Error) => Promise.reject(new Error(`${problem.message}\n${this.tail(20)}`)));
    if (status === 'ended') throw new Error(`natlb ended before it said that ${what}:\n${this.tail(20)}`);
    return status;
  }

  runs(): Promise<Status> {
    return this.when('its data plane runs', ({ dataplane }) => dataplane.state === 'running');
  }

  /** Runs and holds the virtual address. */
  async serves(): Promise<Status> {
    const status = await this.runs();
    await until(`${VIP} is held`, 15_000, () => this.#place.holds(VIP));
    return status;
  }

  logged(text: string | RegExp, limitMs = 10_000): Promise<true> {
    const found = () => (typeof text === 'string' ? this.log.includes(text) : text.test(this.log));
    return until(`the log says ${text}`, limitMs, () => found() || undefined) as Promise<true>;
  }
}

async function ip(namespace: string, commands: readonly string[]): Promise<void> {
  await run(['ip', '-n', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

/** What test runs left that were killed before they could clean up. */
async function sweep(): Promise<void> {
  const names = [...(await run(['ip', 'netns', 'list'])).split(/\s.*\n|\n/), ...readdirSync(SHARED_MEMORY)];
  for (const name of new Set(names)) {
    const maker = new RegExp(`^${PREFIX}(\\d+)-\\d+`).exec(name)?.[1];
    if (maker === undefined || alive(Number(maker))) continue;
    await removeNamespace(name);
    rmSync(join(SHARED_MEMORY, name), { recursive: true, force: true });
  }
}

async function removeNamespace(name: string): Promise<void> {
  const { stdout } = await attempt(['ip', 'netns', 'pids', name]);
  for (const pid of stdout.split('\n').filter(Boolean).map(Number)) {
    if (alive(pid)) process.kill(pid, 'SIGKILL');
  }
  await attempt(['ip', 'netns', 'delete', name]);
}
