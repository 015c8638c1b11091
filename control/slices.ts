// Long work in slices, between which timers and packets come: an advert that is due every 100 ms must not wait for thousands of services.

import { setImmediate as turn } from 'node:timers/promises';

/** Work that may be left and gone on with wherever it yields. */
export type Steps<Result = void> = Generator<undefined, Result, undefined>;

const SLICE_MS = 4;

/** The first slice at once. */
export async function inSlices<Result>(steps: Steps<Result>, now: () => number = () => performance.now()): Promise<Result> {
  for (;;) {
    const untilMs = now() + SLICE_MS;
    do {
      const next = steps.next();
      if (next.done) return next.value;
    } while (now() < untilMs);
    await turn();
  }
}

export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const next = steps.next();
    if (next.done) return next.value;
  }
}
