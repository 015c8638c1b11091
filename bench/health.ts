// 10 000 checked servers: whether checks start in time, and what they cost. The servers are one process at many addresses of 127.0.0.0/8.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Checker } from '../control/config/checker.js';
import { startHealth } from '../control/health/driver.js';
import type { Timekeeping } from '../control/health/rota.js';
import { httpChecker, realServer, tcpChecker, virtualServer } from '../test/health/models.js';
import type { Options } from './options.js';
import { progress, type Result } from './report.js';
import { table } from './table.js';

const SERVERS = 10_000;
const PER_SERVICE = 10;
const DELAY_LOOP_MS = 6000;

const SERVER = `require('node:net').createServer((socket) => {
  socket.on('error', () => {}).once('data', () => socket.end('HTTP/1.0 200 OK\\r\\n\\r\\nwell'));
}).listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, function () { console.log(this.address().port); });`;

interface Measured extends Timekeeping {
  readonly what: string;
  readonly perSecond: number;
  /** Of one CPU. */
  readonly cpuShare: number;
  readonly loopDelayMs: number;
}

type Make = (connect: Checker['connect']) => Checker;

const KINDS: readonly { readonly what: string; readonly make: Make }[] = [
  { what: 'TCP_CHECK', make: (connect) => tcpChecker({ connect, delayLoopMs: DELAY_LOOP_MS }) },
  { what: 'HTTP_GET', make: (connect) => httpChecker({ connect, delayLoopMs: DELAY_LOOP_MS }) },
];

export async function benchHealth({ seconds }: Options): Promise<Result> {
  const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(server.stdout, 'data');
    const measured: Measured[] = [];
    for (const { what, make } of KINDS) measured.push(await measure(what, make, Number(line), Math.max(seconds, 12)));
    return resultOf(measured);
  } finally {
    server.kill();
  }
}

/** From the second round on: in the first every check is new. */
async function measure(what: string, make: Make, port: number, seconds: number): Promise<Measured> {
  progress(`health: ${SERVERS} servers, ${what}, ${seconds} s`);
  const services = Array.from({ length: SERVERS / PER_SERVICE }, (_, service) =>
    virtualServer({
      port: service + 1,
      realServers: Array.from({ length: PER_SERVICE }, (_unused, at) => serverAt(service * PER_SERVICE + at, port, make)),
    }),
  );
  const health = startHealth({ services, log: () => {}, onChange: () => {} });
  await sleep(DELAY_LOOP_MS);
  const [before, cpu, loop] = [health.timekeeping(), process.cpuUsage(), monitorEventLoopDelay({ resolution: 1 })];
  loop.enable();
  await sleep(seconds * 1000);
  const [after, { user, system }] = [health.timekeeping(), process.cpuUsage(cpu)];
  const down = health
    .state()
    .services.flatMap(({ realServers }) => realServers)
    .filter(({ up }) => !up).length;
  health.close();
  if (down > 0) throw new Error(`${down} of ${SERVERS} servers were found down`);
  const started = after.started - before.started;
  return {
    ...after,
    what,
    started,
    late: after.late - before.late,
    perSecond: started / seconds,
    cpuShare: (user + system) / 1e6 / seconds,
    loopDelayMs: loop.percentile(99) / 1e6,
  };
}

function serverAt(index: number, port: number, make: Make): ReturnType<typeof realServer> {
  const address = `127.1.${index >> 8}.${index & 255}`;
  return realServer({ address, port, checkers: [make({ address, port })] });
}

function resultOf(measured: readonly Measured[]): Result {
  const rows = measured.map(({ what, perSecond, late, worstMs, cpuShare, loopDelayMs }) => [
    what,
    perSecond.toFixed(0),
    `${late}`,
    worstMs.toFixed(1),
    `${(cpuShare * 100).toFixed(0)} %`,
    loopDelayMs.toFixed(1),
  ]);
  const text = table(['', 'checks/s', 'late > 100 ms', 'worst ms', 'of a CPU', 'loop delay p99 ms'], rows);
  return {
    name: 'health',
    text: `${SERVERS.toLocaleString('en')} checked servers, delay_loop ${DELAY_LOOP_MS / 1000}\n${text}`,
    figures: measured,
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
