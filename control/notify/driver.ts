// Tells people and programs what happens: the hands for what notices.ts decides.

import type { Config } from '../config/model.js';
import type { HealthEvent } from '../health/events.js';
import type { Log } from '../log.js';
import { Crew } from './crew.js';
import { openFifos } from './fifos.js';
import { openMailer } from './mailer.js';
import { createMemory, type Notice, ofHealth, ofTransition, type Side, statesOnReload, type Transition } from './notices.js';

export interface Notifier {
  transition(transition: Transition): void;
  health(event: HealthEvent): void;
  /** From now on by this configuration; instances it leaves out are told of by the one before. */
  reload(config: Config): void;
  /** Nothing was told of states before: natlb was not ready, which is no news of any instance. */
  ready(): void;
  /** Hears every state of an instance that is told, after all others. */
  listen(listener: (transition: Transition) => void): void;
  /** Lets the programs of the end, mail and readers finish, for a few seconds at most. */
  close(): Promise<void>;
}

/** keepalived gives the programs of its end a second. */
const LAST_MS = 1000;
export const CREWS: Readonly<Record<Side, { readonly limit: number; readonly patienceMs: number }>> = {
  // What tells a switch where the addresses are waits only a moment for what hangs; in a burst nothing that has just begun hangs.
  vrrp: { limit: 100, patienceMs: 1000 },
  lvs: { limit: 100, patienceMs: 60_000 },
};

export function startNotifier(options: { readonly config: Config; readonly runDir: string; readonly log: Log }): Notifier {
  const { log } = options;
  const memory = createMemory();
  const crews = { vrrp: new Crew({ log, ...CREWS.vrrp }), lvs: new Crew({ log, ...CREWS.lvs }) };
  const fifos = openFifos(options.runDir, log);
  const mailer = openMailer(log);
  let config = options.config;
  let before = config;
  const listeners: ((transition: Transition) => void)[] = [];
  let early: Map<string, Transition> | undefined = new Map();

  fifos.reload(config.notifications?.fifos ?? []);

  function perform(notice: Notice): void {
    const { mail } = config.notifications ?? {};
    if (notice.kind === 'write') fifos.write(notice.side, notice.line);
    else if (notice.kind === 'run') run(notice);
    else if (mail !== undefined) mailer.send(mail, notice);
  }

  function run({ side, script, arguments: words, stopping }: Extract<Notice, { kind: 'run' }>): void {
    crews[side].run({ script, arguments: words, ...(stopping ? { timeoutMs: LAST_MS } : {}) });
  }

  function tell(transition: Transition): void {
    const known = transition.state === 'DELETED' ? before : config;
    const notices = ofTransition(known, memory, transition);
    for (const notice of notices) perform(notice);
    if (transition.what === 'INSTANCE' && notices.length > 0) for (const listener of listeners) listener(transition);
  }

  return {
    transition(transition) {
      if (early === undefined || transition.state === 'STOP') tell(transition);
      else early.set(`${transition.what} ${transition.name}`, transition);
    },
    health(event) {
      for (const notice of ofHealth(config, event)) perform(notice);
    },
    reload(next) {
      before = config;
      config = next;
      fifos.reload(next.notifications?.fifos ?? []);
      if (next.notifications?.fifoStatesOnReload) for (const notice of statesOnReload(next, memory)) perform(notice);
    },
    ready() {
      const held = early?.values() ?? [];
      early = undefined;
      for (const transition of held) tell(transition);
    },
    listen: (listener) => void listeners.push(listener),
    async close() {
      await Promise.all([crews.vrrp.close(2 * LAST_MS), crews.lvs.close(2 * LAST_MS), mailer.close(2 * LAST_MS)]);
      // After them: their programs may read what was written.
      await fifos.close(LAST_MS);
    },
  };
}
