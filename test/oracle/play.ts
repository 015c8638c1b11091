// Runs inside the guest: plays sequences through IPVS and through natlb, and writes down what differed. guest.ts starts it.
//   play.js JSON-OF-WHAT-TO-PLAY ETH0 ETH1 IPVSADM       (descriptors from taps.py)

import { writeFileSync } from 'node:fs';
import { DIFFERENCES } from './differences.js';
import { FEATURES } from './features.js';
import { Ipvs } from './ipvs.js';
import { Natlb } from './natlb.js';
import { Sequence } from './sequence.js';

export interface Wanted {
  readonly seed: number;
  readonly packets: number;
  /** Only this sequence, told in full. */
  readonly sequence?: number;
  /** Only features whose name contains this. */
  readonly feature?: string;
}

export interface Failure {
  readonly feature: string;
  readonly sequence: number;
  readonly what: string;
  readonly transcript: readonly string[];
}

export interface Report {
  readonly features: Readonly<Record<string, { readonly packets: number; readonly sequences: number }>>;
  readonly differences: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  readonly failed: number;
}

/** More are counted and not told. */
const MOST_FAILURES = 20;
const MOST_FAILURES_OF_A_FEATURE = 3;

function play({ seed, packets, sequence: only, feature: name = '' }: Wanted, ipvs: Ipvs, natlb: Natlb): Report {
  const chosen = FEATURES.filter((feature) => feature.name.includes(name));
  const totals: Record<string, { packets: number; sequences: number }> = {};
  const differences: Record<string, number> = Object.fromEntries(DIFFERENCES.map((row) => [row.name, 0]));
  const failures: Failure[] = [];
  let failed = 0;
  for (let number = only ?? 0, played = 0; played < packets && (only === undefined || number === only); number++) {
    const feature = chosen[number % chosen.length]!;
    const sequence = new Sequence(ipvs, natlb, feature, seed, number);
    const what = sequence.run();
    ipvs.reset();
    played += Math.max(1, sequence.packets);
    const sofar = totals[feature.name] ?? { packets: 0, sequences: 0 };
    totals[feature.name] = { packets: sofar.packets + sequence.packets, sequences: sofar.sequences + 1 };
    for (const used of sequence.used) differences[used] = (differences[used] ?? 0) + 1;
    if (what !== undefined || only !== undefined) {
      failed += what === undefined ? 0 : 1;
      const told = failures.filter((one) => one.feature === feature.name).length;
      if (failures.length < MOST_FAILURES && told < MOST_FAILURES_OF_A_FEATURE) {
        failures.push({ feature: feature.name, sequence: number, what: what ?? 'nothing', transcript: sequence.transcript });
      }
    }
  }
  return { features: totals, differences, failures, failed };
}

function main([wanted = '{}', ...taps]: readonly string[]): void {
  const report = play(JSON.parse(wanted) as Wanted, new Ipvs(taps.map(Number)), new Natlb());
  writeFileSync('/run/scratch/report', JSON.stringify(report));
}

main(process.argv.slice(2));
