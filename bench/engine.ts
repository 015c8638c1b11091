// Nanoseconds per packet of the pipeline on memory devices, beside what one dependent load from DRAM costs on the same machine at that time.

import Benchmark from 'benchmark';

import { EngineProcess } from './engine-process.js';
import { progress, type Result } from './report.js';
import { type Summary, summarize } from './statistics.js';
import { table } from './table.js';

interface Row {
  readonly name: string;
  readonly nanoseconds: Summary;
  /** Of the mean, in per cent, at 95 % confidence. */
  readonly marginOfError: number;
}

const FLOW_COUNTS = [1_000, 1_000_000] as const;
/** Per call: long enough that the way to the other process and back (some 0.1 ms) does not count. */
const PACKETS = 1 << 20;
const LOADS = 1 << 19;
const CHASED_BYTES = 256 << 20;
const LONGEST_SECONDS = 4;
const FEWEST_SAMPLES = 8;

export async function benchEngine(): Promise<Result> {
  const engine = new EngineProcess();
  try {
    const rows: Row[] = [];
    for (const flows of FLOW_COUNTS) rows.push(await packetRow(engine, flows));
    rows.push(await playRow(engine));
    rows.push(await loadRow(engine));
    const figures = rows.map(({ name, nanoseconds, marginOfError }) => ({ name, nanoseconds, marginOfError }));
    return { name: 'engine', text: textOf(rows), figures };
  } finally {
    engine.close();
  }
}

async function packetRow(engine: EngineProcess, flows: number): Promise<Row> {
  progress(`engine: making ${flows} connections`);
  await engine.ask(`flows ${flows}`);
  const name = `packet, ${flows.toLocaleString('en')} flows`;
  progress(`engine: ${name}`);
  return measure(name, PACKETS, async () => {
    const { packets, sent } = await engine.ask<{ packets: number; sent: number }>(`forward ${PACKETS}`);
    if (sent !== packets) throw new Error(`${packets - sent} of ${packets} packets were not sent on`);
  });
}

/** What the trace itself costs, which a NIC would do for nothing: the engine is a packet's row less this one. */
async function playRow(engine: EngineProcess): Promise<Row> {
  const name = 'of it: playing the trace';
  progress(`engine: ${name}`);
  return measure(name, PACKETS, async () => {
    await engine.ask(`play ${PACKETS}`);
  });
}

async function loadRow(engine: EngineProcess): Promise<Row> {
  const name = 'dependent load from DRAM';
  progress(`engine: ${name}`);
  await engine.ask(`chase ${CHASED_BYTES} 1`);
  const ends = new Set<number>();
  const row = await measure(name, LOADS, async () => {
    const { end } = await engine.ask<{ end: number }>(`chase ${CHASED_BYTES} ${LOADS}`);
    ends.add(end);
  });
  if (ends.size < 2) throw new Error('the loads led nowhere');
  return row;
}

/** `once` does `operations` of what is measured. */
function measure(name: string, operations: number, once: () => Promise<void>): Promise<Row> {
  return new Promise((resolve, reject) => {
    const benchmark = new Benchmark(name, {
      defer: true,
      maxTime: LONGEST_SECONDS,
      minSamples: FEWEST_SAMPLES,
      fn: (deferred) => void once().then(() => deferred.resolve(), reject),
      onError: ({ target }) => reject(target.error),
      onComplete: () => {
        const samples = benchmark.stats.sample.map((seconds) => (seconds / operations) * 1e9);
        resolve({ name, nanoseconds: summarize(samples), marginOfError: benchmark.stats.rme });
      },
    });
    benchmark.run({ async: true });
  });
}

function textOf(rows: readonly Row[]): string {
  const lines = rows.map(({ name, nanoseconds: { median, min, max }, marginOfError }) => [
    name,
    median.toFixed(1),
    `${min.toFixed(1)}-${max.toFixed(1)}`,
    `±${marginOfError.toFixed(1)} %`,
  ]);
  return `engine on memory devices: 60-byte TCP, established connections at random, both directions\n${table(['', 'ns', 'min-max', 'mean'], lines)}`;
}
