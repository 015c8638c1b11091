// What is said about a handful of measurements of one thing.

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** (max − min) / median: above 0.25 a comparison is worth nothing. */
  readonly spread: number;
}

export const WIDEST_SPREAD = 0.25;

export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  const [min, max] = [at(0), at(sorted.length - 1)];
  return { median, min, max, spread: median === 0 ? 0 : (max - min) / median };
}
