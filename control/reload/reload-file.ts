// reload_file: is there, empty, while the configuration is read, so that nobody changes it meanwhile; who made it waits for it to go.

import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/model.js';

/** Returns what to do when all has been read. */
export function markReading({ global }: Config, runDir: string, log: (text: string) => void): () => void {
  const configured = global.operating?.reloadFile;
  if (configured === undefined) return () => {};
  const path = configured === true ? join(runDir, 'keepalived.reload') : configured;
  const attempt = (act: () => void) => {
    try {
      act();
    } catch (problem) {
      log(`reload_file ${path}: ${(problem as Error).message}`);
    }
  };
  attempt(() => closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o644)));
  return () => attempt(() => unlinkSync(path));
}
