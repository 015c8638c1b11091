// Bytes of the flow table: what it takes for a number of flows, fixed parts (services, destinations, timers) apart.

import { EngineProcess } from './engine-process.js';
import { progress, type Result } from './report.js';
import { table } from './table.js';

const FLOW_COUNTS = [1_000, 1_000_000] as const;

export async function benchMemory(): Promise<Result> {
  const engine = new EngineProcess();
  try {
    const tables: { flows: number; bytes: number }[] = [];
    for (const flows of FLOW_COUNTS) {
      progress(`memory: ${flows} flows`);
      tables.push(await engine.ask(`flows ${flows}`));
    }
    return resultOf(tables);
  } finally {
    engine.close();
  }
}

function resultOf(tables: readonly { flows: number; bytes: number }[]): Result {
  const [small, large] = [tables[0], tables[tables.length - 1]];
  if (small === undefined || large === undefined) throw new RangeError('nothing was measured');
  const perFlow = (large.bytes - small.bytes) / (large.flows - small.flows);
  const lines = tables.map(({ flows, bytes }) => [flows.toLocaleString('en'), bytes.toLocaleString('en')]);
  const text = `flow table, filled to the last flow\n${table(['flows', 'bytes'], lines)}\nbytes per flow: ${perFlow.toFixed(1)}`;
  return { name: 'memory', text, figures: { tables, bytesPerFlow: perFlow, fixedBytes: small.bytes - perFlow * small.flows } };
}
