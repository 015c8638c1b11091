// What natlb uses of the `benchmark` package, which has no types of its own.
declare module 'benchmark' {
  interface Deferred {
    resolve(): void;
  }
  interface Options {
    readonly defer: true;
    readonly fn: (deferred: Deferred) => void;
    readonly maxTime?: number;
    readonly minSamples?: number;
    readonly onComplete?: () => void;
    readonly onError?: (event: { readonly target: { readonly error: Error } }) => void;
  }
  class Benchmark {
    constructor(name: string, options: Options);
    run(options: { readonly async: boolean }): this;
    /** Seconds for one call: every sample, its mean, and the relative margin of error in per cent at 95 %. */
    readonly stats: { readonly sample: readonly number[]; readonly mean: number; readonly rme: number };
  }
  export = Benchmark;
}
