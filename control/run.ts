// `natlb run`: the service in the foreground. SIGHUP reloads, SIGTERM and SIGINT end it gracefully.

import { resolve } from 'node:path';
import { DEFAULT_RUN_DIR } from './cli/client.js';
import { fileSystem } from './config/file.js';
import type { Config, Finding } from './config/model.js';
import { render } from './config/render.js';
import type { Bus } from './dbus/driver.js';
import { serveBus } from './dbus/service.js';
import { configLines, dump } from './dumps/driver.js';
import type { DumpName } from './dumps/names.js';
import { addon } from './host/addon.js';
import { lockRunDir, type RunDirLock } from './host/lock.js';
import { openHost } from './host/netlink.js';
import { claimNetwork } from './host/network-claim.js';
import { keepPidFile } from './host/pid-file.js';
import { inTurn, type Step } from './in-turn.js';
import { type Log, type LogFormat, logToFile, logToStream, openLog } from './log.js';
import { type Metrics, startMetrics } from './metrics/server.js';
import { configDiff } from './reload/diff.js';
import { readApart } from './reload/loader.js';
import { markReading } from './reload/reload-file.js';
import { Reloader, type ReloadOutcome } from './reload/reloader.js';
import { TimeFile } from './reload/time-file.js';
import { idOption, type Overrides, Router } from './router.js';
import { runCeremony } from './scripts/ceremony.js';
import { hearRealTimeSignals, type Signals } from './signals.js';
import { controlSocketPath, type Handlers, startControlSocket } from './socket.js';
import type { Status } from './status.js';
import { packageVersion } from './version.js';

export interface RunArguments extends Overrides {
  readonly file: string;
  readonly metrics?: { readonly address: string; readonly port: number };
  readonly pidFile?: string;
  /** Instead of standard error. */
  readonly logFile?: string;
  readonly logFormat?: LogFormat;
  readonly dumpsConfig?: true;
  /** What there is to know about the command line. */
  readonly notices?: readonly string[];
}

/** As keepalived: 3, the configuration cannot be run; and as sysexits, 71: the system refused something. */
const EXIT = { ok: 0, refused: 71, cannotRun: 3 } as const;

/** Resolves with the exit status when natlb was told to end, or could not start; then nothing of it is left. */
export async function run(args: RunArguments, signals: Signals): Promise<number> {
  const { log, close } = logOf(args);
  for (const notice of args.notices ?? []) log(notice);
  const opened: Step[] = [];
  const end = await serve(args, { signals, log, opened }).catch((problem: Error) => problem);
  await inTurn(opened.reverse(), log);
  // The last line is the one an operator looks at first.
  if (end instanceof Error) log(`Cannot run: ${end.message}`);
  await close();
  return end instanceof Error ? EXIT.refused : end;
}

function logOf({ logFile, logFormat = 'text' }: RunArguments): { readonly log: Log; readonly close: () => Promise<void> } {
  const journal = process.env.JOURNAL_STREAM !== undefined;
  if (logFile === undefined) return { log: openLog(logToStream(process.stderr), { journal, format: logFormat }), close: async () => {} };
  const file = logToFile(logFile);
  return { log: openLog(file, { format: logFormat }), close: () => file.close() };
}

interface Surroundings {
  readonly signals: Signals;
  readonly log: Log;
  /** How to close what was opened, in the order of opening. */
  readonly opened: Step[];
}

async function serve(args: RunArguments, { signals, log, opened }: Surroundings): Promise<number> {
  const host = openHost({ warn: log });
  opened.push(() => host.close());
  const { known: started, findings } = await readApart({ file: args.file, ...idOption(args), host });
  report(findings);
  if (started === undefined) return EXIT.cannotRun;
  const { config } = started;
  const runDir = resolve(args.runDir ?? config.settings.runDir ?? DEFAULT_RUN_DIR);
  const socketPath = controlSocketPath(runDir);
  const lock = own(runDir);
  opened.push(() => lock.release());
  if (args.pidFile !== undefined) opened.push(keepPidFile(args.pidFile));
  const claim = await claimNetwork();
  opened.push(() => claim.release());
  const version = packageVersion();
  log(`natlb ${version} starts with ${args.file}, run directory ${runDir}`);
  await runCeremony('startup', config.notifications?.startup, log, signals.stop);
  const router = await Router.start({
    config,
    overrides: args,
    runDir,
    host,
    log,
    version,
    onChange: () => host.sdNotify(`STATUS=${args.file}`),
  });
  opened.push(() => runCeremony('shutdown', router.config.notifications?.shutdown, log));
  // After the router: the last states are told too.
  const buses: Bus[] = [];
  opened.push(() => buses[0]?.close());
  opened.push(() => router.close());
  const apply = async (next: Config) => {
    const times = await router.apply(next);
    buses[0]?.reloaded();
    timeFile.follow(next.global.operating);
    return times;
  };
  const onReading = (running: Config) => markReading(running, runDir, log);
  const reloader = new Reloader({ started, ...idOption(args), host, log, apply, onReading });
  opened.push(() => reloader.close());
  const status = async () => ({ ...(await router.status()), config: reloader.status() });
  const metrics = await openMetrics(args.metrics ?? config.settings.metrics, status, log);
  opened.push(() => metrics?.close());
  const timeFile = new TimeFile({ log, reload: () => hangup() });
  opened.push(() => timeFile.close());
  timeFile.follow(config.global.operating);
  const reload = (trialMs?: number) => notifying(host.sdNotify, () => reloader.reload(trialMs));
  const dumping = { runDir, log, config: () => router.config, status, clearCounters: () => router.clearCounters() };
  const dumpLogged = (name: DumpName) => void dump(name, dumping).catch((problem: Error) => log(`Nothing is dumped: ${problem.message}`));
  signals.onDump(dumpLogged);
  hearRealTimeSignals(addon.onSignal, dumpLogged);
  const hangup = () => void reload().catch((problem: Error) => log(`Reload failed: ${problem.message}`));
  const serviceName = config.notifications?.dbus?.serviceName;
  const bus = serveBus({ serviceName, router, log, dump: dumpLogged, reload: hangup });
  if (bus !== undefined) buses.push(bus);
  const handlers: Handlers = {
    status,
    reload: ({ rollbackAfterMs }) => reload(rollbackAfterMs),
    confirm: async () => reloader.confirm(),
    diff: async ({ file }) => configDiff(file ?? router.config.file, router.config, await reloader.read(file)),
    explain: (question) => router.explain(question),
    dump: ({ name }) => dump(name, dumping),
    trace: (verdicts) => router.trace(verdicts),
    flows: (question) => router.flows(question),
  };
  const socket = await startControlSocket({ path: socketPath, handlers });
  opened.push(() => socket.close());
  signals.onHangup(hangup);
  if (args.dumpsConfig) for (const line of await configLines(router.config, status)) log(line);
  host.sdNotify('READY=1');

  const end = await Promise.race([signals.stop, router.refused]);
  host.sdNotify('STOPPING=1');
  if (end instanceof Error) throw end;
  log(`${end}: stopping`);
  opened.unshift(() => log('Stopped'));
  return EXIT.ok;
}

/** System calls name what they could not do, but not what for. */
function own(runDir: string): RunDirLock {
  try {
    return lockRunDir(runDir);
  } catch (problem) {
    const { message, code } = problem as NodeJS.ErrnoException;
    throw new Error(code === undefined ? message : `run directory ${runDir} cannot be used: ${message}`);
  }
}

async function notifying(notify: (text: string) => void, reload: () => Promise<ReloadOutcome>): Promise<ReloadOutcome> {
  notify('RELOADING=1');
  try {
    return await reload();
  } finally {
    notify('READY=1');
  }
}

type Asking = () => Promise<Status>;

async function openMetrics(at: Config['settings']['metrics'], status: Asking, log: Log): Promise<Metrics | undefined> {
  if (at === undefined) return undefined;
  const metrics = await startMetrics({ ...at, status, log });
  log(`Metrics on http://${metrics.address}:${metrics.port}/metrics`);
  return metrics;
}

function report(findings: readonly Finding[]): void {
  // Each file is read once, however much is wrong with it.
  const files = new Map<string, readonly string[]>();
  const line = (file: string, number: number): string | undefined => {
    const lines = files.get(file) ?? linesOf(file);
    files.set(file, lines);
    return lines[number - 1];
  };
  for (const finding of findings) process.stderr.write(`${render(finding, line)}\n`);
}

function linesOf(file: string): readonly string[] {
  const text = fileSystem.readFile(file);
  return text instanceof Error ? [] : text.split('\n');
}
