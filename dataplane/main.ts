// The dataplane process: hosts the engine and answers control. Packets do not pass here; they have threads of their own.

import { unlinkSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { Engine } from './addon.js';
import type {
  FlowPiece,
  FlowQuestion,
  FromDataplane,
  Question,
  Readings,
  Snapshot,
  SnapshotChange,
  Start,
  Stats,
  ToDataplane,
  Trace,
} from './protocol.js';
import { startRateMeter } from './rate-meter.js';

const start: Start = JSON.parse(process.argv[2] ?? '{}');
const pidFile = join(start.runDir, 'dataplane.pid');

function tell(message: FromDataplane): void {
  if (process.connected) process.send?.(message);
}

/** In control's log; without control only standard error is left. */
function say(text: string): void {
  if (process.connected) tell({ kind: 'said', message: text });
  else process.stderr.write(`natlb dataplane: ${text}\n`);
}

function open(): Engine {
  try {
    const opened = new Engine({ ...start, flowFile: join(start.runDir, 'flows') });
    weigh(opened);
    return opened;
  } catch (problem) {
    const message = problem instanceof Error ? problem.message : String(problem);
    if (!process.connected) say(message);
    tell({ kind: 'failed', message });
    process.exit(1);
  }
}

/** The table takes its memory only as flows come: what cannot be had would show under the heaviest load. */
function weigh(opened: Engine): void {
  const { bytes } = opened.stats().flows;
  if (bytes <= totalmem()) return;
  const [table, machine] = [inMegabytes(bytes), inMegabytes(totalmem())];
  throw new Error(`a flow table of ${table} is more than this machine's ${machine}; choose a smaller flow_table_size`);
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}

const engine = open();
const meter = startRateMeter(() => engine.stats());
let applied: Pick<Snapshot, 'held' | 'graceMs'> | undefined;
let grace: NodeJS.Timeout | undefined;

function handle(message: ToDataplane): void {
  switch (message.kind) {
    case 'configure':
      configure(message.snapshot);
      break;
    case 'read':
      tell({ kind: 'answer', id: message.id, value: answer(message) });
      break;
    case 'stop':
      leave(0);
      break;
    default:
      message satisfies never;
  }
}

function configure(snapshot: SnapshotChange): void {
  const startedMs = performance.now();
  engine.configure(snapshot);
  applied = snapshot;
  tell({ kind: 'configured', generation: snapshot.generation, tookMs: performance.now() - startedMs });
}

function answer(question: Question): Readings[keyof Readings] {
  switch (question.what) {
    case 'stats':
      return measured(engine.stats());
    case 'rounds':
      return engine.rounds();
    case 'flows':
      return flowPiece(question.about);
    case 'explain':
      return engine.explain(question.about);
    case 'trace':
      return trace(question.about);
    default:
      return question satisfies never;
  }
}

function measured(stats: Stats): Readings['stats'] {
  const rates = meter.rates(stats);
  return { ...stats, ...(rates && { rates }) };
}

/** Who watches asks again and again; when nobody asked for so long, nobody watches. */
const WATCH_MS = 3_000;
let unwatched: NodeJS.Timeout | undefined;

function trace(verdicts: readonly string[]): Trace {
  clearTimeout(unwatched);
  unwatched = setTimeout(() => engine.endTrace(), WATCH_MS);
  return engine.trace(verdicts);
}

function flowPiece(question: FlowQuestion): FlowPiece {
  const { flows, ...piece } = engine.flows(question);
  return { ...piece, lines: flows.map((flow) => `${JSON.stringify(flow)}\n`).join('') };
}

/** Without control nobody tells the standby to wait: after the grace the addresses must be gone before it takes over. */
function withdraw(why: string): void {
  say(`${why}: withdrawing`);
  try {
    engine.withdraw(applied?.held ?? []);
  } catch (problem) {
    say(`withdrawing: ${problem}`);
  }
  leave(1);
}

function leave(code: number): never {
  meter.close();
  engine.close();
  try {
    unlinkSync(pidFile);
  } catch {
    // Whoever started next may have removed it already.
  }
  process.exit(code);
}

process.on('message', (message: ToDataplane) => {
  try {
    handle(message);
  } catch (problem) {
    const text = problem instanceof Error ? problem.message : String(problem);
    tell({ kind: 'refused', id: message.kind === 'read' ? message.id : 0, message: text });
  }
});
process.on('disconnect', () => {
  grace = setTimeout(() => withdraw('control is gone'), applied?.graceMs ?? 0);
});
// A terminal's Ctrl-C reaches both processes; only control decides. Without control, asking to end is a reason to withdraw now.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
// So does `systemctl kill`. Without a listener the one opens Node's debugger, and the other ends the process.
process.on('SIGUSR1', () => undefined);
process.on('SIGUSR2', () => undefined);
process.on('SIGTERM', () => {
  if (grace !== undefined) withdraw('asked to end');
});

// Whoever read the log may be gone with control.
process.stderr.on('error', () => undefined);

writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
if (!engine.about.flowsLast) say(`${start.runDir} is not on a tmpfs with room for the flow table: flows end with this process`);
tell({ kind: 'ready', ...engine.about });
