// The signals natlb is led by, heard from the first moment on: one that comes while it starts must not end it half-way.

export interface Signals {
  /** Resolves at the first that asks to end; those after it change nothing, for the end is under way. */
  readonly stop: Promise<NodeJS.Signals>;
  /** From now on, and once for all that came before. */
  onHangup(listener: () => void): void;
}

export function hearSignals(): Signals {
  let early = false;
  let hangup = () => {
    early = true;
  };
  process.on('SIGHUP', () => hangup());
  return {
    stop: new Promise((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
    }),
    onHangup: (listener) => {
      hangup = listener;
      if (early) listener();
    },
  };
}
