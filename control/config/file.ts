// Configurations from the file system: what `natlb run`, a reload and `natlb check` call.

import { lstatSync, readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Files } from './expand.js';
import { glob } from './glob.js';
import { type Loaded, load } from './load.js';
import type { FileFacts, Programs } from './programs.js';

export interface LoadFileOptions {
  /** What `@id` lines are compared with; the first label of the host's name unless given. */
  readonly configId?: string;
}

/** More than anybody writes, less than fills the memory. */
const MAX_BYTES = 64 * 1024 * 1024;

export const fileSystem: Files = { readFile, glob: (pattern) => glob(pattern, listDirectory) };

/** Never throws for what is in, or wrong with, the file. */
export function loadFile(path: string, options: LoadFileOptions = {}, { readFile: read, glob: find }: Files = fileSystem): Loaded {
  const configId = options.configId ?? hostname().split('.')[0] ?? '';
  const surroundings = { environment: process.env, workingDirectory: process.cwd(), programs: localPrograms() };
  return load(path, read, find, { configId, hostName: hostname(), ...surroundings });
}

function readFile(path: string): string | Error {
  try {
    const { size } = statSync(path);
    return size > MAX_BYTES ? new Error(`it has ${size} bytes, ${MAX_BYTES} are the limit`) : readFileSync(path, 'utf8');
  } catch (error) {
    return plainly(error);
  }
}

/** `No such file or directory` says it; the path and the name of the system call say it twice. */
function plainly(error: unknown): Error {
  const { message } = error as Error;
  return new Error(/^[A-Z]+: ([^,]+)/.exec(message)?.[1] ?? message);
}

function listDirectory(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    // As in the shell, a directory that cannot be listed matches nothing.
    return [];
  }
}

/** What is on this machine, for who natlb is. */
function localPrograms(): Programs {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  return {
    lstat: (path) => orNothing(() => factsOf(lstatSync(path))),
    realPath: (path) => orNothing(() => realpathSync(path)),
    searchPath: (process.env.PATH ?? '/bin:/usr/bin').split(':').filter((directory) => directory !== ''),
    own: { name: `user ${uid}`, uid, gid },
  };
}

function factsOf(stats: Stats): FileFacts {
  const { uid, gid, mode } = stats;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other';
  return { kind, uid, gid, mode };
}

function orNothing<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
