// Packets per second of 60-byte UDP through natlb and through nftables, in one run, in turns; see bench/README.md for the method.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import {
  CLIENT,
  CLIENTS,
  macOf,
  makeNetwork,
  ROUTER,
  removeNetwork,
  SERVER,
  SERVER_PORT,
  SERVERS,
  SERVICE,
  SERVICE_PORT,
  setThreadedNapi,
} from './network.js';
import type { Options } from './options.js';
import { progress, type Result } from './report.js';
import { ROUTERS, type Router } from './routers.js';
import { type Summary, summarize, WIDEST_SPREAD } from './statistics.js';
import { table } from './table.js';

/** What the generator prints. */
interface Measured {
  readonly seconds: number;
  readonly received: number;
  readonly busySeconds: number;
  readonly offered: number;
  readonly checked: number;
  readonly wrong: number;
  readonly firstFault: string;
  readonly servers: number;
}

/** Which CPU does the kernel's part of the router's work: a userspace router brings a CPU of its own, the kernel's does not unless told. */
interface Layout {
  readonly name: string;
  readonly threadedNapi: boolean;
}

interface Row {
  readonly layout: string;
  readonly router: string;
  readonly packetsPerSecond: Summary;
  readonly packetsPerCpuSecond: Summary;
  readonly offeredPerSecond: Summary;
  readonly samplesChecked: number;
  readonly samplesWrong: number;
}

const TOP = join(import.meta.dirname, '..', '..');
const GENERATOR_CPU = 0;
const ROUTER_CPU = 1;
const WARM_UP_SECONDS = 0.7;

const LAYOUTS: readonly Layout[] = [
  { name: 'all of the router on one CPU of its own', threadedNapi: true },
  { name: "the kernel's part on the sender's CPU", threadedNapi: false },
];

export async function benchNamespaces(options: Options): Promise<Result> {
  if (process.getuid?.() !== 0) throw new Error('the namespaces benchmark makes network namespaces and loads XDP programs: run it as root');
  execFileSync('make', ['-s', '-C', join(TOP, 'bench', 'generator')], { stdio: ['ignore', 'inherit', 'inherit'] });
  const sweep = (): void => removeNetwork();
  process
    .once('SIGINT', () => process.exit(130))
    .once('SIGTERM', () => process.exit(143))
    .once('exit', sweep);
  try {
    makeNetwork();
    const rows: Row[] = [];
    for (const layout of LAYOUTS) rows.push(...(await measureLayout(layout, options)));
    return { name: 'namespaces', text: textOf(rows, options), figures: { ...options, frameBytes: 60, routes: 'client → server', rows } };
  } finally {
    sweep();
  }
}

/** A/B/A/B: every router once a round, so that what else the machine does falls on all of them. */
async function measureLayout(layout: Layout, options: Options): Promise<Row[]> {
  const measured = new Map<Router, Measured[]>(ROUTERS.map((router) => [router, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const [router, results] of measured) {
      const result = await measureOnce(router, layout, options);
      results.push(result);
      progress(`${layout.name}, round ${round} of ${options.rounds}, ${router.name}: ${mega(result.received / result.seconds)} Mpps`);
    }
  }
  return [...measured].map(([router, results]) => rowOf(layout, router, results));
}

async function measureOnce(router: Router, layout: Layout, options: Options): Promise<Measured> {
  const stop = await router.start(ROUTER_CPU);
  try {
    setThreadedNapi(layout.threadedNapi, ROUTER_CPU);
    return generate(router, options);
  } finally {
    await stop();
  }
}

function generate({ path }: Router, options: Options): Measured {
  const words = {
    'client-namespace': CLIENT,
    'server-namespace': SERVER,
    out: path.out,
    in: path.in,
    'source-mac': macOf(CLIENT, path.out),
    'target-mac': path.routed ? macOf(ROUTER, 'nbpub') : macOf(SERVER, path.in),
    flows: options.flows,
    clients: CLIENTS,
    service: SERVICE,
    port: SERVICE_PORT,
    servers: path.routed ? SERVERS.join(',') : SERVICE,
    'server-port': path.routed ? SERVER_PORT : SERVICE_PORT,
    ttl: path.routed ? 63 : 64,
    cpu: GENERATOR_CPU,
    'warm-up': WARM_UP_SECONDS,
    seconds: options.seconds,
  };
  const program = join(TOP, 'build', 'bench', 'traffic');
  const args = Object.entries(words).map(([key, value]) => `${key}=${value}`);
  return JSON.parse(execFileSync(program, [`${program}.bpf.o`, ...args], { encoding: 'utf8' })) as Measured;
}

function rowOf(layout: Layout, router: Router, results: readonly Measured[]): Row {
  const wrong = results.find((result) => result.wrong > 0);
  if (wrong !== undefined)
    throw new Error(`${router.name} forwards wrongly: ${wrong.wrong} of ${wrong.checked} samples, first a wrong ${wrong.firstFault}`);
  if (results.some((result) => result.checked === 0)) throw new Error(`${router.name} forwarded nothing that could be checked`);
  return {
    layout: layout.name,
    router: router.name,
    packetsPerSecond: summarize(results.map(({ received, seconds }) => received / seconds)),
    packetsPerCpuSecond: summarize(results.map(({ received, busySeconds }) => received / busySeconds)),
    offeredPerSecond: summarize(results.map(({ offered, seconds }) => offered / seconds)),
    samplesChecked: results.reduce((sum, { checked }) => sum + checked, 0),
    samplesWrong: results.reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

function textOf(rows: readonly Row[], options: Options): string {
  const title = `60-byte UDP, ${options.flows} flows at random, client → server, ${options.rounds} rounds of ${options.seconds} s in turns: median (min-max)`;
  return [
    title,
    ...LAYOUTS.map((layout) =>
      layoutText(
        layout,
        rows.filter((row) => row.layout === layout.name),
      ),
    ),
  ].join('\n\n');
}

function layoutText(layout: Layout, rows: readonly Row[]): string {
  const base = rows.find((row) => row.router === 'nftables DNAT');
  const head = ['router', 'Mpps', '× nftables', 'M/CPU-s', '× nftables', 'offered Mpps', 'samples'];
  const lines = rows.map((row) => [
    row.router,
    spread(row.packetsPerSecond),
    ratio(row.packetsPerSecond, base?.packetsPerSecond),
    spread(row.packetsPerCpuSecond),
    ratio(row.packetsPerCpuSecond, base?.packetsPerCpuSecond),
    mega(row.offeredPerSecond.median),
    `${row.samplesChecked} right`,
  ]);
  return `${layout.name}:\n${table(head, lines)}`;
}

function mega(perSecond: number): string {
  return (perSecond / 1e6).toFixed(3);
}

function spread({ median, min, max }: Summary): string {
  return `${mega(median)} (${mega(min)}-${mega(max)})`;
}

/** A figure that will not stand still is marked instead of believed. */
function ratio(own: Summary, base: Summary | undefined): string {
  if (base === undefined) return '';
  const unsteady = own.spread > WIDEST_SPREAD || base.spread > WIDEST_SPREAD;
  return `${(own.median / base.median).toFixed(2)}${unsteady ? ' ?' : ''}`;
}
