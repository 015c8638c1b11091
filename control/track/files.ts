// Tracked files: read when inotify tells of them, and every few seconds all the same, for where it does not.

import { constants, type FSWatcher, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TrackFile } from '../config/tracking.js';
import { fileValue } from './file-value.js';

export interface FilesOptions {
  readonly files: readonly TrackFile[];
  readonly learned: (file: TrackFile, value: number) => void;
  readonly log: (text: string) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 2000;
/** As keepalived: what stands further behind is not read. */
const READ_BYTES = 127;

export class Files {
  readonly #options: FilesOptions;
  readonly #watchers: FSWatcher[];
  readonly #timer: NodeJS.Timeout;
  readonly #rubbish = new Set<string>();
  /** Files that are being read, and whether they have changed since. */
  readonly #reading = new Map<string, boolean>();
  #closed = false;

  constructor(options: FilesOptions) {
    this.#options = options;
    const directories = new Set(options.files.map(({ path }) => dirname(path)));
    this.#watchers = [...directories].flatMap((directory) => this.#watch(directory));
    this.#timer = setInterval(() => this.look(), options.everyMs ?? EVERY_MS);
    this.#timer.unref();
  }

  look(): void {
    for (const file of this.#options.files) void this.#read(file);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  /** The directory, not the file: it may be removed and put there again. */
  #watch(directory: string): FSWatcher[] {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#lookInto(directory));
      watcher.on('error', () => {}); // The timer goes on.
      return [watcher];
    } catch {
      return [];
    }
  }

  #lookInto(directory: string): void {
    for (const file of this.#options.files) if (dirname(file.path) === directory) void this.#read(file);
  }

  /** However many changes there are, a file is read once at a time and once more at the end. */
  async #read(file: TrackFile): Promise<void> {
    if (this.#closed) return;
    if (this.#reading.has(file.name)) {
      this.#reading.set(file.name, true);
      return;
    }
    this.#reading.set(file.name, false);
    const text = await readStart(file.path);
    const changed = this.#reading.get(file.name) ?? false;
    this.#reading.delete(file.name);
    this.#heed(file, text);
    if (changed) void this.#read(file);
  }

  #heed(file: TrackFile, text: string): void {
    if (this.#closed) return;
    const found = fileValue(text);
    const { learned, log } = this.#options;
    if (found.kind === 'value') this.#rubbish.delete(file.name);
    else if (!this.#rubbish.has(file.name)) {
      this.#rubbish.add(file.name);
      log(
        found.kind === 'rubbish'
          ? `Track file ${file.name}: ${file.path} holds no number; it counts as 0`
          : `Invalid number read from ${file.path} - ignoring`,
      );
    }
    if (found.kind !== 'out of range') learned(file, found.kind === 'value' ? found.value : 0);
  }
}

/** What the files say now; those that say nothing sensible say 0. */
export async function readFiles(files: readonly TrackFile[]): Promise<Map<string, number>> {
  const texts = await Promise.all(files.map(({ path }) => readStart(path)));
  return new Map(
    texts.map((text, i) => {
      const found = fileValue(text);
      return [files[i]?.name ?? '', found.kind === 'value' ? found.value : 0];
    }),
  );
}

/** What a regular file says, at once; anything else says 0 until it has been read without waiting. */
export function readNow({ path }: TrackFile): number {
  try {
    if (!statSync(path).isFile()) return 0;
    const found = fileValue(readFileSync(path, 'latin1').slice(0, READ_BYTES));
    return found.kind === 'value' ? found.value : 0;
  } catch {
    return 0;
  }
}

/** A file that is not there, or cannot be read, holds nothing. A pipe that nobody writes to must not hold us up. */
async function readStart(path: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, null);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

/** `init_file`: at the start only, never at a reload. */
export function initialise(files: readonly TrackFile[], log: (text: string) => void): void {
  for (const { name, path, initial } of files) {
    if (initial === undefined) continue;
    try {
      // To open a pipe would wait for a reader.
      if (initial.overwrite && statSync(path, { throwIfNoEntry: false })?.isFile() === false)
        throw new Error(`${path} is not a regular file`);
      writeFileSync(path, `${initial.value}\n`, { flag: initial.overwrite ? 'w' : 'wx' });
    } catch (problem) {
      const { code, message } = problem as NodeJS.ErrnoException;
      if (code !== 'EEXIST') log(`Unable to initialise track file ${name}: ${message}`);
    }
  }
}
