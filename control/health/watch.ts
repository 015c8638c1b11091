// Runs one checker: its timer, its probe, its state. At most one of the two is under way.

import type { Checker } from '../config/model.js';
import { type CheckerEffect, type CheckerEvent, type CheckerState, step } from './checker.js';
import type { Cancel, Done } from './connection.js';
import type { CheckerHealth } from './pool.js';
import { probeHttp } from './probe-http.js';
import { probeTcp } from './probe-tcp.js';

export type News = Extract<CheckerEffect, { kind: 'decided' | 'hindered' }>;

/** setTimeout cannot wait longer; a timer that fires early is armed again by the state machine. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Watch {
  /** Two watches of the same identity are one and the same check. */
  readonly identity: string;
  #checker: Checker;
  #state: CheckerState | undefined;
  #timer: NodeJS.Timeout | undefined;
  #cancel: Cancel | undefined;
  readonly #tell: (news: News, checker: Checker) => void;

  constructor(identity: string, checker: Checker, tell: (news: News, checker: Checker) => void) {
    this.identity = identity;
    this.#checker = checker;
    this.#tell = tell;
  }

  start(random: number): void {
    this.#handle({ kind: 'start', random });
  }

  get health(): CheckerHealth {
    return this.#state ?? { up: !this.#checker.alpha };
  }

  /** The same question with other delays, or another place in the file. */
  adopt(checker: Checker): void {
    const retimed = checker.delayLoopMs !== this.#checker.delayLoopMs;
    this.#checker = checker;
    if (retimed) this.#handle({ kind: 'retimed' });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#cancel?.();
  }

  #handle(event: CheckerEvent): void {
    const { state, effects } = step(this.#checker, this.#state, event, performance.now());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: CheckerEffect): void {
    if (effect.kind === 'wake') this.#wake(effect.at - performance.now());
    else if (effect.kind === 'probe') this.#cancel = probe(this.#checker, effect.url, (result) => this.#handle(result));
    else this.#tell(effect, this.#checker);
  }

  #wake(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#handle({ kind: 'due' }), Math.min(Math.max(Math.ceil(inMs), 0), LONGEST_TIMER_MS));
  }
}

/** An HTTP_GET without a url asks for nothing more than a connection. */
function probe(checker: Checker, url: number, done: Done): Cancel {
  const asked = checker.kind === 'http' ? checker.urls[url] : undefined;
  return checker.kind === 'http' && asked !== undefined ? probeHttp(checker, asked, done) : probeTcp(checker, done);
}
