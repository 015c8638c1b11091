// The file that holds the process id for whoever wants to signal natlb, as keepalived's --pid has it.

import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';

/** Returns how to remove it. Throws with a message for the operator. */
export function keepPidFile(path: string): () => void {
  const text = `${process.pid}\n`;
  write(path, text);
  return () => {
    // Whoever was started meanwhile has written its own.
    if (readOrNothing(path) === text) unlinkSync(path);
  };
}

function write(path: string, text: string): void {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o644);
    writeSync(fd, text);
    closeSync(fd);
  } catch (problem) {
    throw new Error(`pid file ${path} cannot be written: ${(problem as Error).message}`);
  }
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
