// The FIFOs that state changes are written to. Nobody may be reading: then lines wait in the FIFO, and once it is full they are lost, as
// keepalived has it; natlb itself never waits.

import { execFile } from 'node:child_process';
import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Fifo, FifoName } from '../config/model.js';
import type { Log } from '../log.js';
import { type RunningScript, runScript } from '../scripts/run.js';
import type { Side } from './notices.js';

export interface Fifos {
  /** Those that stay the same stay open, and so do their readers. */
  reload(fifos: readonly Fifo[]): void;
  write(side: Side, line: string): void;
  /** Their readers find the end of what was written, and are ended if they go on for this long. */
  close(withinMs: number): Promise<void>;
}

const READ_BY: Readonly<Record<FifoName, readonly Side[]>> = {
  notify_fifo: ['vrrp', 'lvs'],
  vrrp_notify_fifo: ['vrrp'],
  lvs_notify_fifo: ['lvs'],
};
/** Lines that come while the FIFO is being made. */
const WAITING = 1000;
/** As keepalived makes them. */
const MODE = '644';
const RECORD = 'fifos';

const command = promisify(execFile);

interface Open {
  readonly fifo: Fifo;
  opened: Promise<void>;
  /** Undefined while it is being made; null when it cannot be had. */
  descriptor: number | null | undefined;
  created: boolean;
  reader: RunningScript | undefined;
  readonly waiting: string[];
}

/** `runDir`: where it is written down which FIFOs were made, so that what is left by a kill can be told from what is somebody's own. */
export function openFifos(runDir: string, log: Log): Fifos {
  const record = join(runDir, RECORD);
  let made = readRecord(record);
  let open: readonly Open[] = [];

  function note(change: (paths: Set<string>) => void): void {
    const paths = new Set(made);
    change(paths);
    made = [...paths];
    try {
      writeFileSync(record, made.map((path) => `${path}\n`).join(''));
    } catch (problem) {
      log(`Cannot write ${record}: ${(problem as Error).message}`);
    }
  }

  async function make(one: Open): Promise<void> {
    const { path } = one.fifo;
    const there = kindAt(path);
    if (there === 'nothing') await command('mkfifo', ['-m', MODE, path]);
    one.created = there === 'nothing' || made.includes(path);
    if (there === 'nothing') own(one.fifo, log);
    if (one.created) note((paths) => paths.add(path));
    if (!open.includes(one)) return;
    openEnd(one);
    if (one.fifo.script !== undefined) one.reader = startReader(one.fifo, one.fifo.script, log);
    for (const line of one.waiting.splice(0)) put(one, line, log);
  }

  function fail(one: Open, problem: Error): void {
    one.descriptor = null;
    one.waiting.length = 0;
    log(`Unable to open ${one.fifo.name} ${one.fifo.path}: ${problem.message.trim()}`);
  }

  async function end(one: Open, withinMs: number): Promise<void> {
    await one.opened;
    const { path } = one.fifo;
    // First the name: a reader that opens it again and again must not find it.
    if (one.created) {
      unlinkQuietly(path);
      note((paths) => paths.delete(path));
    }
    if (typeof one.descriptor === 'number') closeSync(one.descriptor);
    one.descriptor = null;
    if (one.reader !== undefined) await endReader(one.reader, withinMs);
  }

  return {
    reload(fifos) {
      const before = open;
      const kept = before.filter((one) => fifos.some((fifo) => same(fifo, one.fifo)));
      const gone = before.filter((one) => !kept.includes(one));
      const started = fifos.filter((fifo) => !kept.some((one) => same(fifo, one.fifo))).map(unopened);
      open = [...kept, ...started];
      const ended = new Map(gone.map((one) => [one.fifo.path, end(one, READER_MS)]));
      // One that only changes is made when the one before it is gone, reader and all, or that would read what is not for it.
      for (const one of started) {
        const before = ended.get(one.fifo.path);
        const made = before === undefined ? make(one) : before.then(() => make(one));
        one.opened = made.catch((problem: Error) => fail(one, problem));
      }
      for (const path of made.filter((path) => !fifos.some((fifo) => fifo.path === path) && !gone.some(({ fifo }) => fifo.path === path))) {
        if (kindAt(path) === 'fifo') unlinkQuietly(path);
        note((paths) => paths.delete(path));
      }
    },
    write(side, line) {
      for (const one of open.filter(({ fifo }) => READ_BY[fifo.name].includes(side)))
        if (one.descriptor === undefined && one.waiting.length < WAITING) one.waiting.push(line);
        else put(one, line, log);
    },
    async close(withinMs) {
      await Promise.all(open.map((one) => end(one, withinMs)));
      open = [];
    },
  };
}

const READER_MS = 1000;

function unopened(fifo: Fifo): Open {
  return { fifo, opened: Promise.resolve(), descriptor: undefined, created: false, reader: undefined, waiting: [] };
}

function readRecord(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

function kindAt(path: string): 'nothing' | 'fifo' | 'other' {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'nothing' : stats.isFIFO() ? 'fifo' : 'other';
}

function own({ name, path, owner }: Fifo, log: Log): void {
  if (owner === undefined || process.geteuid?.() !== 0) return;
  try {
    chownSync(path, owner.uid, owner.gid);
  } catch {
    log(`Failed to set uid:gid for ${name} ${path}`);
  }
}

/** For reading too, so that it opens without a reader and no write is answered with SIGPIPE. */
function openEnd(one: Open): void {
  const { path, owner } = one.fifo;
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  const stats = fstatSync(descriptor);
  if (!stats.isFIFO() || (stats.uid !== process.geteuid?.() && stats.uid !== owner?.uid)) {
    closeSync(descriptor);
    throw new Error('it is not a FIFO of ours or of its user');
  }
  one.descriptor = descriptor;
}

function startReader({ name, path }: Fifo, script: NonNullable<Fifo['script']>, log: Log): RunningScript {
  const reader = runScript(script, { timeoutMs: Number.POSITIVE_INFINITY, arguments: [path], log });
  void reader.ended.then((end) => {
    if (end.kind === 'failed') log(`Error exec-ing command '${script.argv[0]}': ${end.reason}`);
    else log(`${name.replaceAll('_', ' ')} script terminated`);
  });
  return reader;
}

function put(one: Open, line: string, log: Log): void {
  if (typeof one.descriptor !== 'number') return;
  try {
    writeSync(one.descriptor, line);
  } catch (problem) {
    // Full: nobody reads, or not fast enough.
    const { code, message } = problem as NodeJS.ErrnoException;
    if (code !== 'EAGAIN') log(`${one.fifo.name.replaceAll('_', ' ')} write error: ${message}`);
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already.
  }
}

async function endReader(reader: RunningScript, withinMs: number): Promise<void> {
  const late = setTimeout(() => reader.stop(), withinMs);
  await reader.ended;
  clearTimeout(late);
}

function same(a: Fifo, b: Fifo): boolean {
  return identity(a) === identity(b);
}

function identity({ name, path, owner, script }: Fifo): string {
  return JSON.stringify([name, path, owner, script?.argv, script?.user]);
}
