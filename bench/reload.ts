// A reload of 2277 services with 37 205 servers in a natlb that runs: where the time goes, and how late the loop that keeps the VRRP timers is.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../control/cli/client.js';
import type { ReloadTimes } from '../control/reload/reloader.js';
import type { Options } from './options.js';
import { progress, type Result } from './report.js';
import { type Summary, summarize } from './statistics.js';
import { table } from './table.js';

const SERVICES = 2277;
const SERVERS = 37_205;
const NATLB = join(import.meta.dirname, '../../natlb');
const NAMESPACE = `natlb-bench-${process.pid}`;
const DIRECTORY = `/dev/shm/${NAMESPACE}`;
const FILE = join(DIRECTORY, 'keepalived.conf');
const LOG = join(DIRECTORY, 'log');
const RUN_DIR = join(DIRECTORY, 'run');
const START_LIMIT_MS = 120_000;
const RELOAD_LIMIT_MS = 120_000;

interface Kind {
  readonly name: string;
  /** The configuration of a round. */
  readonly write: (round: number) => string;
}

const KINDS: readonly Kind[] = [
  { name: 'nothing changed', write: () => configuration(() => 1) },
  { name: 'one weight changed', write: (round) => configuration((server) => (server === 4711 ? 2 + (round % 2) : 1)) },
  { name: 'every weight changed', write: (round) => configuration(() => 10 + round) },
];

interface Row {
  readonly name: string;
  readonly times: Readonly<Record<keyof ReloadTimes, Summary>>;
}

const STEPS: readonly (readonly [step: keyof ReloadTimes, what: string])[] = [
  ['parseMs', 'parse'],
  ['checkMs', 'check'],
  ['compareMs', 'compare'],
  ['readMs', 'all read'],
  ['healthMs', 'checkers'],
  ['vrrpMs', 'VRRP'],
  ['guardMs', 'guard'],
  ['snapshotMs', 'snapshot'],
  ['dataplaneMs', 'data plane'],
  ['loopMs', 'loop busy'],
  ['latestMs', 'loop late'],
];

export async function benchReload({ rounds }: Options): Promise<Result> {
  if (process.getuid?.() !== 0) throw new Error('the reload benchmark makes a network namespace: run it as root');
  mkdirSync(DIRECTORY);
  process.once('exit', sweep);
  try {
    makeNetwork();
    writeFileSync(
      FILE,
      configuration(() => 1),
    );
    const rows = await withNatlb(async () => {
      const measured: Row[] = [];
      for (const kind of KINDS) measured.push(await measure(kind, rounds));
      return measured;
    });
    return { name: 'reload', text: textOf(rows), figures: rows };
  } finally {
    sweep();
  }
}

async function withNatlb<Value>(work: () => Promise<Value>): Promise<Value> {
  progress(`reload: starting with ${SERVICES} services`);
  const command = ['netns', 'exec', NAMESPACE, NATLB, 'run', '-f', FILE, '--run-dir', RUN_DIR, '--backend', 'af_packet'];
  const natlb = spawn('ip', command, { stdio: ['ignore', 'ignore', openSync(LOG, 'w')] });
  const ended = new Promise<never>((_, reject) => {
    natlb.once('exit', (code) => reject(new Error(`natlb ended with status ${code}:\n${lastLines(readFileSync(LOG, 'utf8'))}`)));
  });
  ended.catch(() => {});
  const server = spawn('ip', [
    'netns',
    'exec',
    NAMESPACE,
    process.execPath,
    '-e',
    "require('net').createServer((s) => s.destroy()).listen(8080)",
  ]);
  try {
    await Promise.race([running(), ended]);
    return await Promise.race([work(), ended]);
  } finally {
    natlb.kill('SIGTERM');
    server.kill();
    await ended.catch(() => {});
  }
}

async function running(): Promise<void> {
  for (const startedMs = performance.now(); performance.now() - startedMs < START_LIMIT_MS; await pause(200)) {
    const status = await ask(RUN_DIR, { what: 'status' }, RELOAD_LIMIT_MS).catch(() => undefined);
    if (status?.dataplane.state === 'running') return;
  }
  throw new Error('natlb does not run');
}

async function measure({ name, write }: Kind, rounds: number): Promise<Row> {
  const all: ReloadTimes[] = [];
  // The first is for what was there before.
  for (let round = 0; round <= rounds; round++) {
    writeFileSync(FILE, write(round));
    const { times, message } = await ask(RUN_DIR, { what: 'reload' }, RELOAD_LIMIT_MS);
    if (times === undefined) throw new Error(message);
    progress(`reload: ${name}, ${round} of ${rounds}: the loop was busy for ${times.loopMs.toFixed(0)} ms`);
    if (round > 0) all.push(times);
    await pause(500);
  }
  const summaries = STEPS.map(([step]) => [step, summarize(all.map((times) => times[step] ?? 0))]);
  return { name, times: Object.fromEntries(summaries) };
}

/** Every server is well, and checked so seldom that little of it falls into the measurement. */
function configuration(weightOf: (server: number) => number): string {
  const head =
    'vrrp_instance VI_1 {\n interface eth0\n version 3\n virtual_router_id 51\n priority 100\n advert_int 0.1\n virtual_ipaddress {\n  203.0.113.10\n }\n}\n';
  return head + Array.from({ length: SERVICES }, (_, at) => service(at, weightOf)).join('');
}

function service(at: number, weightOf: (server: number) => number): string {
  const [from, to] = [Math.floor((SERVERS * at) / SERVICES), Math.floor((SERVERS * (at + 1)) / SERVICES)];
  const servers = Array.from({ length: to - from }, (_, i) => realServer(from + i, weightOf(from + i)));
  return `virtual_server 203.0.113.10 ${1000 + at} {\n  delay_loop 4000\n  lb_algo wrr\n  lb_kind NAT\n  protocol TCP\n${servers.join('')}}\n`;
}

function realServer(at: number, weight: number): string {
  const address = `10.${10 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
  return `  real_server ${address} 8080 {\n    weight ${weight}\n    TCP_CHECK {\n      connect_ip 127.${10 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}\n      connect_port 8080\n    }\n  }\n`;
}

function lastLines(log: string): string {
  return log.split('\n').slice(-12).join('\n');
}

function makeNetwork(): void {
  ip('netns', 'add', NAMESPACE);
  ip('-n', NAMESPACE, 'link', 'set', 'lo', 'up');
  ip('-n', NAMESPACE, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
  for (const name of ['eth0', 'eth1']) ip('-n', NAMESPACE, 'link', 'set', name, 'up');
  ip('-n', NAMESPACE, 'addr', 'add', '203.0.113.9/24', 'dev', 'eth0');
  ip('-n', NAMESPACE, 'addr', 'add', '10.0.0.9/8', 'dev', 'eth1');
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function sweep(): void {
  try {
    execFileSync('ip', ['netns', 'del', NAMESPACE], { stdio: 'ignore' });
  } catch {
    // It was not made, or is gone already.
  }
  rmSync(DIRECTORY, { recursive: true, force: true });
}

function textOf(rows: readonly Row[]): string {
  const lines = rows.map(({ name, times }) => [name, ...STEPS.map(([step]) => times[step].median.toFixed(1))]);
  return `reload of ${SERVICES} services with ${SERVERS} servers, milliseconds\n${table(['', ...STEPS.map(([, what]) => what)], lines)}`;
}
