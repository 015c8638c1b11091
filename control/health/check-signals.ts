// Tracked files and BFD sessions, as far as checks follow them.

import type { Config } from '../config/model.js';
import type { TrackFile } from '../config/tracking.js';
import { Files, readNow } from '../track/files.js';
import type { Signals } from './signals.js';
import type { Cancel } from './watch.js';

type Followed = Pick<Config, 'tracking' | 'virtualServers'>;

export class CheckSignals implements Signals {
  readonly #log: (text: string) => void;
  readonly #values = new Signal<number>();
  readonly #sessions = new Signal<boolean>();
  #files: Files | undefined;

  constructor(config: Followed, log: (text: string) => void) {
    this.#log = log;
    this.reload(config);
  }

  /** Before the checks that follow from it. */
  reload(config: Followed): void {
    this.#files?.close();
    const files = filesOf(config);
    const learned = ({ name }: TrackFile, value: number): void => this.#values.set(name, value);
    // At once: a server must not be thought well because its file has not been read yet.
    for (const file of files) this.#values.set(file.name, readNow(file));
    this.#files = files.length === 0 ? undefined : new Files({ files, learned, log: this.#log });
  }

  bfdChanged(name: string, up: boolean): void {
    this.#sessions.set(name, up);
  }

  file(name: string, tell: (value: number) => void): Cancel {
    return this.#values.follow(name, tell);
  }

  bfd(name: string, tell: (up: boolean) => void): Cancel {
    return this.#sessions.follow(name, tell);
  }

  close(): void {
    this.#files?.close();
  }
}

function filesOf({ tracking, virtualServers }: Followed): TrackFile[] {
  const checkers = virtualServers.flatMap(({ realServers }) => realServers.flatMap((server) => server.checkers));
  const used = new Set(checkers.flatMap((checker) => (checker.kind === 'file' ? [checker.name] : [])));
  return tracking.files.filter(({ name }) => used.has(name));
}

/** What is known under each name, and who wants to know. */
class Signal<Value> {
  readonly #known = new Map<string, Value>();
  readonly #listeners = new Map<string, Set<(value: Value) => void>>();

  set(name: string, value: Value): void {
    if (this.#known.get(name) === value) return;
    this.#known.set(name, value);
    for (const tell of this.#listeners.get(name) ?? []) tell(value);
  }

  follow(name: string, tell: (value: Value) => void): Cancel {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(tell));
    const known = this.#known.get(name);
    if (known !== undefined) tell(known);
    return () => listeners.delete(tell);
  }
}
