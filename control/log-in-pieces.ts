// Logs what may be tens of thousands of lines a few at a time: timers and packets come in between, and the lines stay in their order.

import { setImmediate as turn } from 'node:timers/promises';
import type { Log } from './log.js';

/** What takes about a millisecond. */
const PIECE_LINES = 100;

export class LogInPieces {
  readonly #log: Log;
  #work: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** The first piece at once, when nothing else waits. */
  add(lines: Iterator<string>): void {
    if (this.#work === undefined && this.#piece(lines)) return;
    const work: Promise<void> = (this.#work ?? Promise.resolve())
      .then(() => this.#rest(lines))
      .then(() => {
        if (this.#work === work) this.#work = undefined;
      });
    this.#work = work;
  }

  async settled(): Promise<void> {
    await this.#work;
  }

  async #rest(lines: Iterator<string>): Promise<void> {
    do await turn();
    while (!this.#piece(lines));
  }

  /** True: that was the last. */
  #piece(lines: Iterator<string>): boolean {
    for (let count = 0; count < PIECE_LINES; count++) {
      const next = lines.next();
      if (next.done) return true;
      this.#log(next.value);
    }
    return false;
  }
}
