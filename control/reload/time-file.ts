// Follows reload_time_file: a reload is due when it says, sooner or later when it changes, and not at all when it goes.

import { type FSWatcher, readFileSync, unlinkSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Operating } from '../config/model.js';
import { type Calendar, scheduleOf } from './schedule.js';

export interface TimeFileOptions {
  readonly log: (text: string) => void;
  readonly reload: () => void;
}

/** The date may be set anew meanwhile: nobody waits longer without looking. */
const LONGEST_WAIT_MS = 60_000;

export class TimeFile {
  readonly #options: TimeFileOptions;
  #operating: Pick<Operating, 'reloadTimeFile' | 'reloadRepeat'> = {};
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #due: number | undefined;

  constructor(options: TimeFileOptions) {
    this.#options = options;
  }

  /** At the start, and after every reload. */
  follow(operating: Pick<Operating, 'reloadTimeFile' | 'reloadRepeat'> = {}): void {
    this.close();
    this.#operating = operating;
    const { reloadTimeFile: path } = operating;
    if (path === undefined) return;
    try {
      this.#watcher = watch(dirname(path), (_, name) => {
        if (name === basename(path)) this.#look(path);
      });
      this.#watcher.on('error', () => this.close());
    } catch (problem) {
      this.#options.log(`No reload will be scheduled by ${path}: ${(problem as Error).message}`);
      return;
    }
    this.#look(path);
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#cancel();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#due = undefined;
  }

  #look(path: string): void {
    const text = textOf(path);
    const before = this.#due;
    this.#cancel();
    if (text === undefined || text === '') {
      if (before !== undefined) this.#options.log(`The reload that ${path} scheduled is cancelled`);
      return;
    }
    const schedule = scheduleOf(text, Date.now(), localCalendar);
    if (schedule.kind === 'malformed')
      this.#options.log(`${path}: expected [[YY]YY-MM-DD ]HH:MM:SS[Z], found '${schedule.line}': no reload is scheduled`);
    if (schedule.kind !== 'at') return;
    if (schedule.atMs !== before) this.#options.log(`A reload is scheduled for ${new Date(schedule.atMs).toISOString()}`);
    this.#await(path, schedule.atMs);
  }

  #await(path: string, atMs: number): void {
    this.#due = atMs;
    const waitMs = atMs - Date.now();
    this.#timer = setTimeout(
      () => {
        if (Date.now() >= atMs) this.#reload(path);
        else this.#await(path, atMs);
      },
      Math.min(Math.max(0, waitMs), LONGEST_WAIT_MS),
    );
  }

  /** Removed, or a time without a date would come again every day. */
  #reload(path: string): void {
    this.#cancel();
    if (this.#operating.reloadRepeat === undefined) {
      try {
        unlinkSync(path);
      } catch (problem) {
        this.#options.log(`${path} cannot be removed: ${(problem as Error).message}`);
      }
    }
    this.#options.log(`Reloading as ${path} scheduled`);
    this.#options.reload();
  }
}

const localCalendar: Calendar = ({ date, hour, minute, second, isUtc }, nowMs) => {
  const now = new Date(nowMs);
  const today = isUtc
    ? { year: now.getUTCFullYear(), month: now.getUTCMonth() + 1, day: now.getUTCDate() }
    : { year: now.getFullYear(), month: now.getMonth() + 1, day: now.getDate() };
  const { year, month, day } = date ?? today;
  return isUtc ? Date.UTC(year, month - 1, day, hour, minute, second) : new Date(year, month - 1, day, hour, minute, second).getTime();
};

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
