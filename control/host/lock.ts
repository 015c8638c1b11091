// The run directory belongs to one natlb at a time: made private to root, locked, with the process id inside.

import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { addon } from './addon.js';

const PID_FILE = 'natlb.pid';

export interface RunDirLock {
  /** Gives the lock back. The directory and its files stay: flows outlive the process. */
  release(): void;
}

/** Throws with a message for the operator when the directory cannot be used or another natlb uses it. */
export function lockRunDir(path: string): RunDirLock {
  makePrivate(path);
  const file = join(path, PID_FILE);
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
  try {
    if (!addon.lock(fd))
      throw new Error(`run directory ${path} is in use by another natlb (${holder(file)}); give this one another --run-dir`);
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { release: () => release(fd) };
}

function makePrivate(path: string): void {
  makeDirectories(path);
  const { uid, mode } = statSync(path);
  // Whoever may write here could steer the data plane.
  if (uid !== process.getuid?.()) throw new Error(`run directory ${path} belongs to user ${uid}, not to the one who runs natlb`);
  if ((mode & 0o077) !== 0) chmodSync(path, 0o700);
}

/** mkdirSync's own `recursive` never comes back below /proc, where making a directory fails with ENOENT for ever. */
function makeDirectories(path: string): void {
  if (existsSync(path)) return;
  makeDirectories(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function holder(file: string): string {
  const pid = readOrNothing(file).trim();
  return pid === '' ? 'just starting' : `process ${pid}`;
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function release(fd: number): void {
  ftruncateSync(fd);
  closeSync(fd);
}
