// Dumps on demand: which signal writes which files, and where.

import type { Config, Dumps } from '../config/model.js';
import type { Status } from '../status.js';
import { checkText, parentText, vrrpText } from './data-text.js';
import { type DumpFile, destinationOf } from './file-names.js';
import { type DumpedInstance, jsonDump } from './json-dump.js';
import type { DumpName } from './names.js';
import { statsText } from './stats-text.js';
import { writeDump } from './write.js';

export interface DumpOptions {
  readonly runDir: string;
  readonly log: (text: string) => void;
  readonly config: () => Config;
  readonly status: () => Promise<Status>;
  readonly clearCounters: () => void;
}

interface Dump {
  readonly file: DumpFile;
  readonly pieces: Iterable<string>;
}

type Maker = (config: Config, status: Status) => readonly Dump[];

const MAKERS: Readonly<Record<DumpName, Maker>> = { DATA: dataDumps, STATS: statsDumps, STATS_CLEAR: statsDumps, JSON: jsonDumps };

/** Returns the paths of what was written. Throws with a message for the operator. */
export async function dump(name: DumpName, { runDir, log, config, status, clearCounters }: DumpOptions): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const each of MAKERS[name](config(), await status())) paths.push(await write(each, runDir, log));
  if (name === 'STATS_CLEAR') clearCounters();
  log(`Wrote ${paths.join(', ')}${name === 'STATS_CLEAR' ? ' and cleared the counters' : ''}`);
  return paths;
}

/** What --dump-conf shows. */
export async function configLines(config: Config, status: () => Promise<Status>): Promise<readonly string[]> {
  const pieces = dataDumps(config, await status()).flatMap((each) => [...each.pieces]);
  return pieces.join('').trimEnd().split('\n');
}

/** Where others may write, they could put a link in its place, or read half of it. */
async function write({ file, pieces }: Dump, runDir: string, log: (text: string) => void): Promise<string> {
  const { configured: _, ...usual } = file;
  if (file.configured === undefined) return writeDump(destinationOf(usual, runDir), pieces);
  const all = [...pieces];
  try {
    return await writeDump(destinationOf(file, runDir), all);
  } catch (problem) {
    log(`Nothing is written to ${file.configured}: ${(problem as Error).message}; it goes to ${runDir} instead`);
    return writeDump(destinationOf(usual, runDir), all);
  }
}

function dataDumps(config: Config, status: Status): readonly Dump[] {
  const dumps = dumpsOf(config);
  const file = { usual: 'keepalived.data', ...named(dumps, dumps.data) };
  return [
    { file: { ...file, part: '_parent' }, pieces: [parentText(config)] },
    { file, pieces: [vrrpText(dumped(config, status), config.syncGroups)] },
    { file: { ...file, part: '_check' }, pieces: checkText(config.virtualServers, status.virtualServers) },
  ];
}

function statsDumps(config: Config, status: Status): readonly Dump[] {
  const dumps = dumpsOf(config);
  return [{ file: { usual: 'keepalived.stats', ...named(dumps, dumps.stats) }, pieces: [statsText(status.instances)] }];
}

function jsonDumps(config: Config, status: Status): readonly Dump[] {
  const dumps = dumpsOf(config);
  const text = jsonDump(dumped(config, status), dumps.jsonVersion ?? 1);
  return [{ file: { usual: 'keepalived.json', ...named(dumps, dumps.json) }, pieces: [text] }];
}

function dumpsOf({ global: { operating } }: Config): Dumps {
  return operating?.dumps ?? {};
}

function named({ instance }: Dumps, configured: string | undefined): Pick<DumpFile, 'configured' | 'instance'> {
  return { ...(configured === undefined ? {} : { configured }), ...(instance === undefined ? {} : { instance }) };
}

/** Between a reload and the end of what it began an instance may be in one and not yet in the other. */
function dumped(config: Config, status: Status): readonly DumpedInstance[] {
  const statuses = new Map(status.instances.map((instance) => [instance.name, instance]));
  return config.instances.flatMap((instance) => {
    const known = statuses.get(instance.name);
    return known === undefined ? [] : [{ instance, status: known }];
  });
}
