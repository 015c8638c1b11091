// Tracked files: read when inotify tells of them, and every few seconds all the same, for where it does not.

import { constants, type FSWatcher, statSync, watch, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TrackFile } from '../config/tracking.js';
import { fileValue } from './file-value.js';

export interface FilesOptions {
  /** Called for every change. */
  readonly learned: (name: string, value: number) => void;
  readonly log: (text: string) => void;
}

const EVERY_MS = 2000;
/** As keepalived: what stands further behind is not read. */
const READ_BYTES = 127;

type Tell = (value: number) => void;

export class Files {
  readonly #options: FilesOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #rubbish = new Set<string>();
  readonly #values = new Map<string, number>();
  readonly #listeners = new Set<{ readonly name: string; readonly tell: Tell }>();
  /** Files that are being read, and whether they have changed since. */
  readonly #reading = new Map<string, boolean>();
  #files: readonly TrackFile[] = [];
  #watchers: readonly FSWatcher[] = [];

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
    this.#timer.unref();
  }

  /** `seen`: what has been read already, by name. */
  watch(files: readonly TrackFile[], seen: ReadonlyMap<string, number>): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#files = files;
    for (const { name } of files) this.#note(name, seen.get(name) ?? this.#values.get(name) ?? 0);
    this.#watchers = [...new Set(files.map(({ path }) => dirname(path)))].flatMap((directory) => this.#watch(directory));
    this.#look();
  }

  /** At once if it is known, and whenever it changes. Returns how to stop that. */
  on(name: string, tell: Tell): () => void {
    const listener = { name, tell };
    this.#listeners.add(listener);
    const value = this.#values.get(name);
    if (value !== undefined) tell(value);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#files = [];
    this.#listeners.clear();
    clearInterval(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #look(): void {
    for (const file of this.#files) void this.#read(file);
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
    for (const file of this.#files) if (dirname(file.path) === directory) void this.#read(file);
  }

  /** However many changes there are, a file is read once at a time and once more at the end. */
  async #read(file: TrackFile): Promise<void> {
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
    // It may have gone with a reload meanwhile.
    if (!this.#files.includes(file)) return;
    const found = fileValue(text);
    const { log } = this.#options;
    if (found.kind === 'value') this.#rubbish.delete(file.name);
    else if (!this.#rubbish.has(file.name)) {
      this.#rubbish.add(file.name);
      log(
        found.kind === 'rubbish'
          ? `Track file ${file.name}: ${file.path} holds no number; it counts as 0`
          : `Invalid number read from ${file.path} - ignoring`,
      );
    }
    if (found.kind !== 'out of range') this.#note(file.name, found.kind === 'value' ? found.value : 0);
  }

  #note(name: string, value: number): void {
    if (this.#values.get(name) === value) return;
    this.#values.set(name, value);
    this.#options.learned(name, value);
    for (const listener of [...this.#listeners]) if (listener.name === name) listener.tell(value);
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
