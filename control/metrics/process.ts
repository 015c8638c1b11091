// Reads what the control process uses. Both halves are process-wide; only the loop lag must be measured on the thread it is about.

import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessReading } from './metric.js';

const LAG_RESOLUTION_MS = 20;
const LAG_WINDOW_MS = 30_000;

export interface LoopLag {
  readonly seconds: () => number;
  readonly stop: () => void;
}

/** The longest lag in the last one to two windows: a peak stays visible to every scraper, however many there are. */
export function watchLoopLag(): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  histogram.enable();
  let before = 0;
  const timer = setInterval(() => {
    before = histogram.max;
    histogram.reset();
  }, LAG_WINDOW_MS).unref();
  return {
    // The histogram holds nanoseconds between its own ticks, so its resolution is part of every value.
    seconds: () => Math.max(0, Math.max(before, histogram.max) / 1e9 - LAG_RESOLUTION_MS / 1e3),
    stop: () => {
      clearInterval(timer);
      histogram.disable();
    },
  };
}

/** Reads /proc, so it runs on the render thread. */
export function readProcess(loopLagSeconds: number): ProcessReading {
  const { user, system } = process.cpuUsage();
  return {
    userCpuSeconds: user / 1e6,
    systemCpuSeconds: system / 1e6,
    residentBytes: process.memoryUsage.rss(),
    openFiles: readdirSync('/proc/self/fd').length,
    openFilesLimit: Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.POSITIVE_INFINITY),
    nodeVersion: process.version,
    loopLagSeconds,
  };
}
