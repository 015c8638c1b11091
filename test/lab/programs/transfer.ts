// One transfer with a real client, and what became of it: whether the bytes are the same, who served, whom the server took the client for.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../process.js';
import type { Outcome } from '../report.js';
import type { Host } from '../topology.js';
import type { ProgramsLab } from './lab.js';
import { UPLOADS } from './servers.js';
import { SERVERS } from './services.js';

export interface Transfer {
  readonly intact: boolean;
  /** Empty if none was known. */
  readonly server: string;
  /** The server saw the address the client has. */
  readonly ownAddress: boolean;
  readonly error?: string;
}

/** No transfer of the lab takes this long unless it stands still. */
const LIMIT_MS = 15_000;
/** A lost SYN is sent again after 1, 3 and 7 seconds. */
export const CONNECT_SECONDS = '4';

/** Runs a client; one that fails or says nothing is a failed transfer that says why. */
export async function client(
  from: Host,
  command: readonly string[],
  input?: string,
): Promise<{ stdout: string; stderr: string; error?: string }> {
  const options = { namespace: from.namespace, limitMs: LIMIT_MS };
  const { status, stdout, stderr } = await attempt(command, input === undefined ? options : { ...options, input });
  if (status === 0) return { stdout, stderr };
  const why = status === 137 ? `not done in ${LIMIT_MS / 1000} s` : `exit status ${status}`;
  return { stdout, stderr, error: `${command[0]}: ${why}: ${stderr.trim().split('\n').slice(-3).join(' / ')}` };
}

/** The same for every step made of transfers: all intact, every client known by its own address. `servers`: who must have had a share. */
export function summed(transfers: readonly Transfer[], servers: readonly string[] = []): Outcome {
  const byServer: Record<string, number> = {};
  for (const { server } of transfers.filter(({ server }) => server !== '')) byServer[server] = (byServer[server] ?? 0) + 1;
  const errors = [...new Set(transfers.map(({ error }) => error).filter((error) => error !== undefined))];
  const [intact, ownAddress] = (['intact', 'ownAddress'] as const).map((what) => transfers.filter((transfer) => transfer[what]).length);
  return {
    ok: intact === transfers.length && ownAddress === transfers.length && errors.length === 0 && servers.every((name) => byServer[name]),
    measured: { transfers: transfers.length, intact, ownAddress, byServer, errors: errors.length > 0 ? errors : undefined },
  };
}

export function hashOf(file: string): string {
  return existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : 'no such file';
}

/** Hashes a file the lab has no more use for. */
export function consumed(lab: ProgramsLab, file: string): boolean {
  const intact = hashOf(file) === lab.payloadHash;
  rmSync(file, { force: true });
  return intact;
}

/** Where an upload has arrived. */
export function uploaded(lab: ProgramsLab, name: string): { server: string; file: string } {
  const found = SERVERS.map((server) => ({ server, file: join(lab.place(server), UPLOADS, name) })).filter(({ file }) => existsSync(file));
  return found.length === 1 && found[0] ? found[0] : { server: '', file: '' };
}

/** As in a URL. */
export function hostPart(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
