// `natlb run`: the service in the foreground. SIGHUP reloads, SIGTERM and SIGINT end it gracefully.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_RUN_DIR } from './cli/client.js';
import { loadFile } from './config/file.js';
import { checkHost } from './config/host-check.js';
import type { Config, Finding } from './config/model.js';
import { render } from './config/render.js';
import { lockRunDir } from './host/lock.js';
import { openHost } from './host/netlink.js';
import { openLog } from './log.js';
import { type Metrics, startMetrics } from './metrics/server.js';
import { idOption, type Overrides, Router } from './router.js';
import { controlSocketPath, startControlSocket } from './socket.js';

export interface RunArguments extends Overrides {
  readonly file: string;
  readonly metrics?: { readonly address: string; readonly port: number };
}

/** As keepalived: 3, the configuration cannot be run; and as sysexits, 71: the system refused something. */
const EXIT = { ok: 0, refused: 71, cannotRun: 3 } as const;

/** Resolves with the exit status when natlb was told to end. */
export async function run(args: RunArguments): Promise<number> {
  const log = openLog(process.stderr, process.env.JOURNAL_STREAM !== undefined);
  const host = openHost();
  const { config, findings } = loadFile(args.file, idOption(args));
  const all = [...findings, ...(config === undefined ? [] : checkHost(config, host))];
  report(all);
  if (config === undefined || all.some(({ severity }) => severity === 'error')) return EXIT.cannotRun;
  const runDir = args.runDir ?? config.settings.runDir ?? DEFAULT_RUN_DIR;
  const lock = lockRunDir(runDir);
  const version = packageVersion();
  log(`natlb ${version} starts with ${args.file}, run directory ${runDir}`);
  const router = await Router.start({
    config,
    overrides: args,
    runDir,
    host,
    log,
    version,
    onChange: () => host.sdNotify(`STATUS=${args.file}`),
  });
  const metrics = await openMetrics(args.metrics ?? config.settings.metrics, router, log);
  const socket = await startControlSocket({
    path: controlSocketPath(runDir),
    handlers: { status: () => router.status(), flows: () => router.flows(), reload: () => reload(router, host.sdNotify) },
  });
  process.on('SIGHUP', () => void reload(router, host.sdNotify));
  host.sdNotify('READY=1');

  const signal = await stopSignal();
  log(`${signal}: stopping`);
  host.sdNotify('STOPPING=1');
  await router.close();
  await metrics?.close();
  await socket.close();
  host.close();
  lock.release();
  log('stopped');
  return EXIT.ok;
}

async function reload(router: Router, notify: (text: string) => void) {
  notify('RELOADING=1');
  const outcome = await router.reload();
  notify('READY=1');
  return outcome;
}

async function openMetrics(at: Config['settings']['metrics'], router: Router, log: (text: string) => void): Promise<Metrics | undefined> {
  if (at === undefined) return undefined;
  const metrics = await startMetrics({ ...at, status: () => router.status(), log });
  log(`Metrics on http://${metrics.address}:${metrics.port}/metrics`);
  return metrics;
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

function report(findings: readonly Finding[]): void {
  const line = (file: string, number: number): string | undefined => {
    try {
      return readFileSync(file, 'utf8').split('\n')[number - 1];
    } catch {
      return undefined;
    }
  };
  for (const finding of findings) process.stderr.write(`${render(finding, line)}\n`);
}

function packageVersion(): string {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')).version;
}
