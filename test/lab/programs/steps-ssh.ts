// Steps with OpenSSH: a pipe through a remote command, files through sftp, and who the servers say is there.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../report.js';
import { type Caller, PAYLOAD, type ProgramsLab } from './lab.js';
import { FILES, UPLOADS } from './servers.js';
import { likewise, MAIN, SERVERS } from './services.js';
import { CONNECT_SECONDS, client, consumed, hostPart, lastLine, summed, type Transfer, uploaded } from './transfer.js';

export async function ssh(lab: ProgramsLab): Promise<Outcome> {
  const transfers: Transfer[] = [];
  for (const address of [MAIN.v4, MAIN.v6]) {
    for (const _ of SERVERS) transfers.push(await pipe(lab, lab.client, address));
    transfers.push(await sftp(lab, address));
  }
  return summed(transfers, SERVERS);
}

/** Up through standard input and back through standard output of one session, both at the same time. */
export async function pipe(lab: ProgramsLab, from: Caller, address: string, port = 22): Promise<Transfer> {
  const file = join(lab.dir, lab.newName());
  const remote = 'echo "$LAB_SERVER $SSH_CLIENT" >&2; exec cat';
  const script = 'exec < "$1" > "$2"; shift 2; exec "$@"';
  const command = ['ssh', ...options(lab), '-p', String(port), `root@${address}`, remote];
  const { stderr, error } = await client(from, ['sh', '-ec', script, 'sh', lab.payload, file, ...command]);
  const [server = '', seen] = lastLine(stderr).split(' ');
  return { server, ownAddress: seen === likewise(from, address), intact: consumed(lab, file), ...(error && { error }) };
}

/** One session that fetches a file and brings one. */
async function sftp(lab: ProgramsLab, address: string): Promise<Transfer> {
  const name = lab.newName();
  const file = join(lab.dir, name);
  const batch = `get ${FILES}/${PAYLOAD} ${file}\nput ${lab.payload} ${UPLOADS}/${name}\n`;
  const { error } = await client(lab.client, ['sftp', '-b', '-', ...options(lab), `root@${hostPart(address)}`], batch);
  const { server, file: arrived } = uploaded(lab, name);
  const intact = [consumed(lab, file), consumed(lab, arrived)].every(Boolean);
  const ownAddress = server !== '' && logins(lab, server).includes(`Accepted publickey for root from ${likewise(lab.client, address)} `);
  return { server, ownAddress, intact, ...(error && { error }) };
}

function logins(lab: ProgramsLab, server: string): string {
  return readFileSync(lab.logOf(server, 'sshd'), 'utf8');
}

function options(lab: ProgramsLab): string[] {
  const settings = [
    `ConnectTimeout=${CONNECT_SECONDS}`,
    'BatchMode=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'IdentitiesOnly=yes',
  ];
  return ['-F', 'none', '-i', lab.secrets.userKey, ...settings.flatMap((setting) => ['-o', setting])];
}
