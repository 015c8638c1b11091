// What a metric is: a row with a name, what it says, and how it is read from one sample of everything.

import type { Stats } from '../../dataplane/protocol.js';
import type { Status } from '../status.js';

export interface ProcessReading {
  readonly userCpuSeconds: number;
  readonly systemCpuSeconds: number;
  readonly residentBytes: number;
  readonly openFiles: number;
  readonly openFilesLimit: number;
  readonly nodeVersion: string;
  /** Longest time the event loop that keeps the VRRP timers was late, within about the last minute. */
  readonly loopLagSeconds: number;
}

export interface Sample {
  readonly status: Status;
  readonly process: ProcessReading;
}

export type Labels = Readonly<Record<string, string | number>>;
export type Point = readonly [labels: Labels, value: number];

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly points: (sample: Sample) => readonly Point[];
}

export function one(read: (sample: Sample) => number | undefined): Metric['points'] {
  return (sample) => {
    const value = read(sample);
    return value === undefined ? [] : [[{}, value]];
  };
}

export function fromStats(read: (stats: Stats) => number): Metric['points'] {
  return one(({ status }) => (status.dataplane.stats === undefined ? undefined : read(status.dataplane.stats)));
}

export const bool = (value: boolean): number => (value ? 1 : 0);
export const seconds = (ms: number): number => ms / 1000;
