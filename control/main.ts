// The command line of natlb.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Io, UsageError } from './cli/args.js';
import { check } from './cli/check.js';
import { diff } from './cli/diff.js';
import { explain } from './cli/explain.js';
import { flows } from './cli/flows.js';
import { genhash } from './cli/genhash.js';
import { ipvsadm } from './cli/ipvsadm.js';
import { confirm, reload } from './cli/reload.js';
import { type Asked, readRunOptions } from './cli/run-options.js';
import { signal, signum } from './cli/signal.js';
import { status } from './cli/status.js';
import { trace } from './cli/trace.js';
import { hearSignals } from './signals.js';
import { packageVersion } from './version.js';

const USAGE = `natlb run -f FILE [--run-dir DIR] [--backend auto|af_xdp|af_packet] [--metrics ADDRESS:PORT] [-i ID] [--log-format text|json]
natlb check -f FILE [--json] [-i ID]
natlb diff [FILE] [--json] [--run-dir DIR]
natlb reload [--rollback-after TIME] [--json] [--run-dir DIR]
natlb confirm [--run-dir DIR]
natlb signal STOP|RELOAD|DATA|STATS|STATS_CLEAR|JSON [--run-dir DIR]
natlb genhash -s ADDRESS -p PORT -u URL [-S [-I]] [-V VIRTUALHOST] [-P 1.0|1.0c|1.1]
natlb status [--run-dir DIR] [--json]
natlb flows [--service NAME|ADDRESS:PORT] [--client ADDRESS[/LENGTH][:PORT]] [--server ADDRESS[:PORT]] [--state STATE] [--json|--count]
natlb explain tcp|udp|sctp CLIENT:PORT SERVICE:PORT [--json]
natlb trace --write FILE [--verdict VERDICT[,VERDICT…]] [--client ADDRESS] [--count PACKETS] [--seconds SECONDS]
natlb ipvsadm -Ln [-t|-u|--sctp-service ADDRESS:PORT | -f MARK [-6]] [--stats|--rate|--thresholds|--persistent-conn] [--exact]
natlb ipvsadm -Lnc | -L --timeout | -Sn
natlb [OPTION…]: as natlb run, with the options of keepalived(8), of which -t, --signum=NAME, --genhash and -v do not run anything
`;

const DEFAULT_FILE = '/etc/keepalived/keepalived.conf';

const io: Io = {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
  drained: async () => {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  },
};

const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  run: (args) => runCommand(args),
  check: (args) => checkCommand(args),
  diff: (args) => diff(args, io),
  reload: (args) => reload(args, io),
  confirm: (args) => confirm(args, io),
  status: (args) => status(args, io),
  explain: (args) => explain(args, io),
  flows: (args) => flows(args, io),
  trace: (args) => trace(args, io),
  ipvsadm: (args) => ipvsadm(args, io),
  signal: (args) => signal(args, io),
  genhash: (args) => genhash(args, io),
};

/** `natlb run …`, and keepalived's own command line, which has no commands. */
async function runCommand(args: string[]): Promise<number> {
  const asked = readRunOptions(args);
  switch (asked.kind) {
    case 'run':
      return runService(asked);
    case 'check':
      return configTest(asked);
    case 'signum':
      return signum(asked.name, io);
    case 'genhash':
      return genhash(args.slice(1 + args.findIndex((arg) => arg === '--genhash' || arg === '-T')), io);
    case 'version':
      return printed(`natlb ${packageVersion()}\n`);
    case 'help':
      return printed(USAGE);
  }
}

/** Signals first: to load the service takes longer than a service manager may wait before it sends the first. */
async function runService({ options, notices }: Extract<Asked, { kind: 'run' }>): Promise<number> {
  const signals = hearSignals(options);
  if (options.umask !== undefined) process.umask(options.umask);
  const { run } = await import('./run.js');
  return run({ ...options, file: options.file ?? DEFAULT_FILE, notices }, signals);
}

/** keepalived's --config-test, which can write what it finds to a file. */
async function configTest({ file = DEFAULT_FILE, logFile, ...id }: Extract<Asked, { kind: 'check' }>): Promise<number> {
  const said: string[] = [];
  const err = logFile === undefined ? io.error : (text: string) => void said.push(text);
  const status = await check({ file, json: false, ...id }, { out: err, err });
  if (logFile !== undefined) writeFileSync(logFile, said.join(''));
  return status;
}

function printed(text: string): number {
  io.out(text);
  return 0;
}

function checkCommand(args: string[]): Promise<number> {
  const { values } = parse(args, {
    file: { type: 'string', short: 'f' },
    json: { type: 'boolean' },
    'config-id': { type: 'string', short: 'i' },
  });
  const id = values['config-id'];
  return check(
    { file: values.file ?? DEFAULT_FILE, json: values.json ?? false, ...(id === undefined ? {} : { configId: id }) },
    { out: io.out, err: io.error },
  );
}

type Options = NonNullable<Parameters<typeof parseArgs>[0]>['options'];

function parse<O extends Options>(args: string[], options: O) {
  try {
    return parseArgs({ args, options });
  } catch (problem) {
    throw new UsageError((problem as Error).message);
  }
}

async function main(words: string[]): Promise<number> {
  const [name = '--help', ...args] = words;
  try {
    if (name.startsWith('-')) return await runCommand(words.length === 0 ? [name] : words);
    const command = commands[name];
    if (command === undefined) throw new UsageError(`no such command: ${name}`);
    return await command(args);
  } catch (problem) {
    if (problem instanceof UsageError) {
      io.error(`natlb: ${problem.message}\n${USAGE}`);
      return 2;
    }
    io.error(`natlb: ${problem instanceof Error ? problem.message : problem}\n`);
    return 1;
  }
}

// Whoever read, head or less, has seen enough.
const running = process.argv[2] === 'run' || process.argv[2]?.startsWith('-');
if (!running) process.stdout.on('error', (problem: NodeJS.ErrnoException) => process.exit(problem.code === 'EPIPE' ? 0 : 1));
process.exitCode = await main(process.argv.slice(2));
if (running) process.exit();
