// The signals natlb is led by, heard from the first moment on: one that comes while it starts must not end it half-way.

import { type DumpName, SIGNAL_NUMBERS } from './dumps/names.js';

export interface Signals {
  /** Resolves at the first that asks to end; those after it change nothing, for the end is under way. */
  readonly stop: Promise<NodeJS.Signals>;
  /** From now on, and once for all that came before. */
  onHangup(listener: () => void): void;
  /** From now on: of what has not started there is nothing to dump. */
  onDump(listener: (name: DumpName) => void): void;
}

export interface SignalOptions {
  /** keepalived's --ignore-sigint. */
  readonly ignoresInterrupt?: boolean;
}

export function hearSignals({ ignoresInterrupt = false }: SignalOptions = {}): Signals {
  let early = false;
  let hangup = () => {
    early = true;
  };
  let dump: (name: DumpName) => void = () => {};
  process.on('SIGHUP', () => hangup());
  // Without a listener the one opens Node's debugger, and the other ends the process.
  process.on('SIGUSR1', () => dump('DATA'));
  process.on('SIGUSR2', () => dump('STATS'));
  if (ignoresInterrupt) process.on('SIGINT', () => {});
  return {
    stop: new Promise((resolve) => {
      for (const signal of ignoresInterrupt ? (['SIGTERM'] as const) : (['SIGTERM', 'SIGINT'] as const))
        process.on(signal, () => resolve(signal));
    }),
    onHangup: (listener) => {
      hangup = listener;
      if (early) listener();
    },
    onDump: (listener) => {
      dump = listener;
    },
  };
}

/** Node hears no real-time signals by itself; one that nobody hears ends the process. */
export function hearRealTimeSignals(onSignal: (number: number, listener: () => void) => void, dump: (name: DumpName) => void): void {
  for (const name of ['JSON', 'STATS_CLEAR'] as const) onSignal(SIGNAL_NUMBERS[name], () => dump(name));
}
