// `keepalived -t` over many files: two at a time, in a network namespace of its own that has the interfaces of the samples.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Host } from '../../../control/config/host-check.js';

export interface Verdict {
  /** 0, 3, 4 or 5, as its manual numbers them. */
  readonly code: number;
  /** What it said, without file and line. */
  readonly said: readonly string[];
}

export const CONFIG_ID = 'main';

/** keepalived 2.2.7 as Debian builds it exits with one more than its manual says, except for 0. */
const DOCUMENTED: ReadonlyMap<string, number> = new Map([
  ['0', 0],
  ['4', 3],
  ['5', 4],
  ['6', 5],
]);

/** The interfaces the samples name. */
const INTERFACES = ['eth0', 'eth1', 'eth2', 'eth3', 'eth0.1'];

export const host: Host = {
  interfaces: ['lo', ...INTERFACES].map((name) => ({ name, addresses: [] })),
};

export const interfacesUp = INTERFACES.map((name, index) => `ip link set ${name} up && ip link set peer${index} up`).join(' && ');
export const SETUP = INTERFACES.map((name, index) => `ip link add ${name} type veth peer name peer${index}`).join(' && ');
const WORKER = (parity: number): string =>
  `for n in $(seq ${parity} 2 $1); do timeout 20 keepalived -t -i ${CONFIG_ID} -f $n.conf 2>$n.err; echo $? >$n.code; done`;

export async function keepalivedOf(texts: readonly string[]): Promise<readonly Verdict[]> {
  const directory = mkdtempSync(join(tmpdir(), 'natlb-differential-'));
  try {
    for (const [index, text] of texts.entries()) writeFileSync(join(directory, `${index}.conf`), text);
    const script = `ip link set lo up; ${SETUP} || exit 1; (${WORKER(0)}) & (${WORKER(1)}); wait`;
    await promisify(execFile)('unshare', ['--net', 'sh', '-c', script, 'sh', String(texts.length - 1)], {
      cwd: directory,
      timeout: 600_000,
    });
    return texts.map((_, index) => verdict(join(directory, String(index))));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function verdict(path: string): Verdict {
  const status = readFileSync(`${path}.code`, 'utf8').trim();
  const lines = readFileSync(`${path}.err`, 'utf8').split('\n').filter(Boolean);
  const said = lines.map((line) => line.replace(/^\((?:\S+: )?Line \d+\) /, ''));
  return { code: DOCUMENTED.get(status) ?? Number(status), said: [...new Set(said)] };
}
