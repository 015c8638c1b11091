// A change that counts only when it has lasted: interfaces that bounce, processes that are started anew. Times in milliseconds.

export interface Settling {
  /** What counts. */
  readonly well: boolean;
  /** When what is seen, which is the contrary, will count. */
  readonly changesAt: number | undefined;
}

export interface Delays {
  readonly toWellMs: number;
  readonly toUnwellMs: number;
}

export function settled(well: boolean): Settling {
  return { well, changesAt: undefined };
}

/** Seen now; whoever returns before his time has never been away. */
export function see({ toWellMs, toUnwellMs }: Delays, state: Settling, well: boolean, now: number): Settling {
  if (well === state.well) return state.changesAt === undefined ? state : settled(well);
  if (state.changesAt !== undefined) return settle(state, now);
  const delayMs = well ? toWellMs : toUnwellMs;
  return delayMs === 0 ? settled(well) : { well: state.well, changesAt: now + delayMs };
}

export function settle(state: Settling, now: number): Settling {
  return state.changesAt !== undefined && now >= state.changesAt ? settled(!state.well) : state;
}
