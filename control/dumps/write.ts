// Writes a dump where only its owner may write, and whole or not at all: whoever reads it meanwhile has the one before.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Destination } from './file-names.js';

const OTHERS_MAY_WRITE = 0o022;

/** Returns the path. Throws with a message for the operator. */
export async function writeDump({ directory, name }: Destination, pieces: Iterable<string>): Promise<string> {
  await mustBePrivate(directory);
  const path = join(directory, name);
  const temporary = join(directory, `.${name}.${randomBytes(6).toString('hex')}`);
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    await writeAll(file, pieces).finally(() => file.close());
    await rename(temporary, path);
  } catch (problem) {
    await unlink(temporary).catch(() => {});
    throw problem;
  }
  return path;
}

export async function mustBePrivate(directory: string): Promise<void> {
  const { uid, mode } = await stat(directory);
  if (uid !== 0 && uid !== process.getuid?.()) throw new Error(`${directory} belongs to user ${uid}`);
  if ((mode & OTHERS_MAY_WRITE) !== 0) throw new Error(`others may write to ${directory}`);
}

/** Timers and packets come between the pieces. */
async function writeAll(file: FileHandle, pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) {
    await file.appendFile(piece);
    await turn();
  }
}
