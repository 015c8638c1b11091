// The command line of natlb.

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type { Io } from './cli/args.js';
import { check } from './cli/check.js';
import { diff } from './cli/diff.js';
import { explain } from './cli/explain.js';
import { flows } from './cli/flows.js';
import { ipvsadm } from './cli/ipvsadm.js';
import { confirm, reload } from './cli/reload.js';
import { status } from './cli/status.js';
import { trace } from './cli/trace.js';
import { parseEndpoint } from './config/address.js';
import type { Config } from './config/model.js';
import type { RunArguments } from './run.js';
import { hearSignals } from './signals.js';

const USAGE = `natlb run -f FILE [--run-dir DIR] [--backend auto|af_xdp|af_packet] [--metrics ADDRESS:PORT] [-i ID]
natlb check -f FILE [--json] [-i ID]
natlb diff [FILE] [--json] [--run-dir DIR]
natlb reload [--rollback-after TIME] [--json] [--run-dir DIR]
natlb confirm [--run-dir DIR]
natlb status [--run-dir DIR] [--json]
natlb flows [--service NAME|ADDRESS:PORT] [--client ADDRESS[/LENGTH][:PORT]] [--server ADDRESS[:PORT]] [--state STATE] [--json|--count]
natlb explain tcp|udp|sctp CLIENT:PORT SERVICE:PORT [--json]
natlb trace --write FILE [--verdict VERDICT[,VERDICT…]] [--client ADDRESS] [--count PACKETS] [--seconds SECONDS]
natlb ipvsadm -Ln [-t|-u|--sctp-service ADDRESS:PORT | -f MARK [-6]] [--stats|--rate|--thresholds|--persistent-conn] [--exact]
natlb ipvsadm -Lnc | -L --timeout | -Sn
`;

const BACKENDS = ['auto', 'af_xdp', 'af_packet'] as const;
const DEFAULT_FILE = '/etc/keepalived/keepalived.conf';

class Usage extends Error {}

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
  '--help': async () => {
    io.out(USAGE);
    return 0;
  },
};

/** Signals first: to load the service takes longer than a service manager may wait before it sends the first. */
async function runCommand(args: string[]): Promise<number> {
  const signals = hearSignals();
  const wanted = runArguments(args);
  const { run } = await import('./run.js');
  return run(wanted, signals);
}

function runArguments(args: string[]): RunArguments {
  const { values } = parse(args, {
    file: { type: 'string', short: 'f' },
    'run-dir': { type: 'string' },
    backend: { type: 'string' },
    metrics: { type: 'string' },
    'config-id': { type: 'string', short: 'i' },
  });
  return {
    file: values.file ?? DEFAULT_FILE,
    ...(values['run-dir'] === undefined ? {} : { runDir: values['run-dir'] }),
    ...(values.backend === undefined ? {} : { backend: backend(values.backend) }),
    ...(values.metrics === undefined ? {} : { metrics: endpoint(values.metrics) }),
    ...(values['config-id'] === undefined ? {} : { configId: values['config-id'] }),
  };
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
    throw new Usage((problem as Error).message);
  }
}

function backend(name: string): Config['settings']['backend'] {
  const found = BACKENDS.find((one) => one === name);
  if (found === undefined) throw new Usage(`--backend ${name}: expected ${BACKENDS.join(', ')}`);
  return found;
}

function endpoint(text: string): { address: string; port: number } {
  const parsed = parseEndpoint(text);
  if (parsed === undefined) throw new Usage(`--metrics ${text}: expected ADDRESS:PORT`);
  return { address: parsed.address.text, port: parsed.port };
}

async function main([name = '--help', ...args]: string[]): Promise<number> {
  const command = commands[name === '-h' ? '--help' : name];
  try {
    if (command === undefined) throw new Usage(`no such command: ${name}`);
    return await command(args);
  } catch (problem) {
    if (problem instanceof Usage) {
      io.error(`natlb: ${problem.message}\n${USAGE}`);
      return 2;
    }
    io.error(`natlb: ${problem instanceof Error ? problem.message : problem}\n`);
    return 1;
  }
}

// Whoever read, head or less, has seen enough.
if (process.argv[2] !== 'run')
  process.stdout.on('error', (problem: NodeJS.ErrnoException) => process.exit(problem.code === 'EPIPE' ? 0 : 1));
process.exitCode = await main(process.argv.slice(2));
if (process.argv[2] === 'run') process.exit();
