// What the namespace benchmark compares: one row each, with how it is started in the router's namespace and stopped again.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { inNamespace, ROUTER, run, SERVER_PORT, SERVERS, SERVICE, SERVICE_PORT } from './network.js';

export interface Router {
  readonly name: string;
  /** Where frames are generated and where they are counted. */
  readonly path: { readonly out: string; readonly in: string; readonly routed: boolean };
  /** Starts it on `cpu`; the value stops it. */
  readonly start: (cpu: number) => Promise<() => Promise<void>>;
}

const TOP = join(import.meta.dirname, '..', '..');
const THROUGH_THE_ROUTER = { out: 'nbcli', in: 'nbsrv', routed: true };
const LONGEST_START_MS = 20_000;

/** Ended with the benchmark, however that ends. */
const started = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

export const ROUTERS: readonly Router[] = [
  { name: 'no router (ceiling)', path: { out: 'nbout', in: 'nbin', routed: false }, start: async () => async () => {} },
  { name: 'nftables DNAT', path: THROUGH_THE_ROUTER, start: startNftables },
  { name: 'natlb AF_XDP', path: THROUGH_THE_ROUTER, start: (cpu) => startNatlb('af_xdp', cpu) },
  { name: 'natlb AF_PACKET', path: THROUGH_THE_ROUTER, start: (cpu) => startNatlb('af_packet', cpu) },
];

async function startNftables(): Promise<() => Promise<void>> {
  const servers = SERVERS.map((server, index) => `${index} : ${server} . ${SERVER_PORT}`).join(', ');
  const rules = `table ip bench {
  chain prerouting {
    type nat hook prerouting priority dstnat
    ip daddr ${SERVICE} udp dport ${SERVICE_PORT} dnat ip to numgen inc mod ${SERVERS.length} map { ${servers} }
  }
}`;
  const folder = mkdtempSync(join(tmpdir(), 'natlb-bench-'));
  const file = join(folder, 'bench.nft');
  writeFileSync(file, rules);
  inNamespace(ROUTER, 'nft', '-f', file);
  return async () => {
    inNamespace(ROUTER, 'nft', 'delete', 'table', 'ip', 'bench');
    rmSync(folder, { recursive: true });
  };
}

async function startNatlb(backend: string, cpu: number): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'natlb-bench-'));
  const file = join(folder, 'keepalived.conf');
  writeFileSync(file, configuration());
  const command = ['taskset', '-c', String(cpu), join(TOP, 'natlb'), 'run', '-f', file, '--run-dir', folder, '--backend', backend];
  const child = spawn('ip', ['netns', 'exec', ROUTER, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.add(child);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await running(child, folder, output);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(): string {
  return [
    `virtual_server ${SERVICE} ${SERVICE_PORT} {`,
    ...['  lvs_sched rr', '  lvs_method NAT', '  protocol UDP'],
    ...SERVERS.flatMap((server) => [`  real_server ${server} ${SERVER_PORT} {`, '    weight 1', '  }']),
    '}',
    '',
  ].join('\n');
}

/** Asks it until its data plane says that it forwards. */
async function running(child: ChildProcess, runDir: string, output: readonly string[]): Promise<void> {
  const deadline = Date.now() + LONGEST_START_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    if (stateOf(runDir) === 'running') return;
    await sleep(200);
  }
  throw new Error(`natlb did not start to forward:\n${output.join('')}`);
}

function stateOf(runDir: string): string {
  try {
    const status = JSON.parse(run(join(TOP, 'natlb'), 'status', '--run-dir', runDir, '--json')) as { dataplane: { state: string } };
    return status.dataplane.state;
  } catch {
    return 'starting'; // nobody listens there yet
  }
}

async function end(child: ChildProcess): Promise<void> {
  started.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(late);
}
