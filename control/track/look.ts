// What can be seen before anything is started: the values in files, and how many processes there are.

import type { Tracking } from '../config/tracking.js';
import { readFiles } from './files.js';
import { type Fact, type Facts, keyOf } from './judge.js';
import { enough, matches } from './process.js';
import { readProcesses } from './process-list.js';

export async function look({ files, processes }: Tracking): Promise<Facts> {
  const values = await readFiles(files);
  const found = processes.length === 0 ? [] : await readProcesses(processes.some(({ fullCommand }) => fullCommand));
  const counted = processes.map((tracked): [string, Fact] => {
    const count = found.filter((each) => matches(tracked, each)).length;
    return [keyOf('process', tracked.name), { kind: 'state', well: enough(tracked, count) }];
  });
  const read = [...values].map(([name, value]): [string, Fact] => [keyOf('file', name), { kind: 'value', value }]);
  return new Map([...read, ...counted]);
}

/** Of files, by name. */
export function valuesIn(facts: Facts): Map<string, number> {
  return new Map([...facts].flatMap(([key, fact]) => (fact.kind === 'value' ? [[key.replace(/^file /, ''), fact.value]] : [])));
}
