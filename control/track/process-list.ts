// The processes of this machine, from /proc. Reading a command line may bring its pages back from swap, so it is done only when wanted.

import { readdir, readFile } from 'node:fs/promises';
import type { Process } from './process.js';

/** Read so many at once. */
const AT_ONCE = 64;

/** Zombies run no more, and what ends while it is read was not there. */
export async function readProcesses(withWords: boolean): Promise<readonly Process[]> {
  const names = await readdir('/proc');
  const ids = names.filter((name) => /^\d+$/.test(name));
  const found: Process[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const read = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => readProcess(id, withWords)));
    for (const each of read) if (each !== undefined) found.push(each);
  }
  return found;
}

async function readProcess(id: string, withWords: boolean): Promise<Process | undefined> {
  try {
    const stat = await readFile(`/proc/${id}/stat`, 'latin1');
    const end = stat.lastIndexOf(')');
    if (stat[end + 2] === 'Z') return undefined;
    const name = stat.slice(stat.indexOf('(') + 1, end);
    return { name, words: withWords ? (await readFile(`/proc/${id}/cmdline`, 'utf8')).split('\0').slice(0, -1) : [] };
  } catch {
    return undefined;
  }
}
