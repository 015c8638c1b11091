// Runs a program of ours in a User Mode Linux guest, whose kernel has the real IPVS. The guest sees the host's files, read-only, at the same paths.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KERNEL = '/usr/bin/linux.uml';
const INIT = join(import.meta.dirname, '../../../test/oracle/guest-init');

/** Why there can be no guest, or false. */
export const SKIP = reasonToSkip();

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'the guest with the real IPVS needs root';
  const missing = [KERNEL, '/usr/lib/uml/modules', '/usr/sbin/ipvsadm'].filter((path) => !existsSync(path));
  return missing.length > 0 ? `${missing.join(', ')} missing (packages user-mode-linux, ipvsadm)` : false;
}

export interface GuestEnd {
  /** What the program exited with; undefined when the guest ended before it did. */
  readonly status: number | undefined;
  readonly output: string;
  /** What it wrote to /run/scratch/NAME. */
  readonly file: (name: string) => string;
}

/** Runs `program`, compiled, with these arguments and those of taps.py; `use` sees the result before its files are gone. */
export async function inGuest<T>(program: string, args: readonly string[], limitMs: number, use: (end: GuestEnd) => T): Promise<T> {
  sweep();
  const scratch = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  try {
    const init = join(scratch, 'init');
    const words = [INIT, scratch, process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    writeFileSync(init, `#!/bin/bash\nexec ${words.join(' ')}\n`);
    chmodSync(init, 0o755);
    const console = await boot(init, scratch, limitMs);
    const file = (name: string) => read(join(scratch, name));
    const status = file('status').trim();
    return use({ status: status === '' ? undefined : Number(status), output: file('output') || console, file });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** With the id of the process that made it, so that what a killed one left can be told. */
const PREFIX = 'natlb-oracle-';

function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const maker = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (maker !== undefined && !existsSync(`/proc/${maker}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The guest is many processes of the host. In a process namespace of their own, whose first one dies with us, none can be left over. */
const TIED_TO_US = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

async function boot(init: string, scratch: string, limitMs: number): Promise<string> {
  const machine = ['mem=1500M', `uml_dir=${scratch}`, 'con=null', 'con0=null,fd:1', 'quiet'];
  const root = ['rootfstype=hostfs', 'rootflags=/', 'ro', `init=${init}`];
  const child = spawn('setpriv', [...TIED_TO_US, KERNEL, ...machine, ...root], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  try {
    return await output(child);
  } finally {
    clearTimeout(limit);
  }
}

function output(child: ChildProcess): Promise<string> {
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => parts.push(part));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(parts).toString()));
  });
}
