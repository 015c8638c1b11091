// What the command line says about how long and how much to measure.

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly flows: number;
  /** Of each failover. */
  readonly trials: number;
}
