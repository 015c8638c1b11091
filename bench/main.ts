// `npm run bench -- [engine|schedulers|memory|health|failover|namespaces|reload]… [--json] [--rounds N] [--seconds S] [--flows N] [--trials N]`:
// measures natlb; see bench/README.md.

import { parseArgs } from 'node:util';

import { benchEngine } from './engine.js';
import { benchFailover } from './failover.js';
import { benchHealth } from './health.js';
import { benchMemory } from './memory.js';
import { benchNamespaces } from './namespaces.js';
import type { Options } from './options.js';
import { benchReload } from './reload.js';
import { machine, type Result } from './report.js';
import { benchSchedulers } from './schedulers.js';

const BENCHES: Readonly<Record<string, (options: Options) => Promise<Result>>> = {
  engine: benchEngine,
  schedulers: benchSchedulers,
  memory: benchMemory,
  health: benchHealth,
  failover: benchFailover,
  namespaces: benchNamespaces,
  reload: benchReload,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      flows: { type: 'string' },
      trials: { type: 'string' },
    },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
  const options = {
    rounds: number(values.rounds, 5),
    seconds: number(values.seconds, 1.5),
    flows: number(values.flows, 10_000),
    trials: number(values.trials, 20),
  };
  const chosen = names.map(benchNamed);
  const results: Result[] = [];
  for (const bench of chosen) results.push(await bench(options));
  const { cpu, cpus, kernel, node } = machine();
  if (values.json) console.log(JSON.stringify({ machine: machine(), results: results.map(({ name, figures }) => ({ name, figures })) }));
  else console.log([`${cpu}, ${cpus} CPUs, Linux ${kernel}, Node ${node}`, ...results.map(({ text }) => text)].join('\n\n'));
}

function benchNamed(name: string): (options: Options) => Promise<Result> {
  const bench = BENCHES[name];
  if (bench === undefined) throw new Error(`no benchmark called ${name}; there are ${Object.keys(BENCHES).join(', ')}`);
  return bench;
}

function number(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0)) throw new Error(`expected a positive number, found ${text}`);
  return value;
}

await main();
