// Steps with vsftpd, curl and lftp: every way two hosts can agree on a data connection, in both directions, on two ports.

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../report.js';
import { FILE_NAMES, PAYLOAD, type ProgramsLab } from './lab.js';
import { FILES, UPLOADS } from './servers.js';
import { FTP_PORTS, likewise, MAIN, SERVERS } from './services.js';
import { CONNECT_SECONDS, client, consumed, hostPart, summed, type Transfer, uploaded } from './transfer.js';

/** How the ends agree, and the options that make curl do so and do nothing else. It is to believe the address it is told. */
const WAYS = {
  PASV: ['--disable-epsv', '--no-ftp-skip-pasv-ip'],
  EPSV: [],
  PORT: ['--disable-eprt', '--ftp-port', '-'],
  EPRT: ['--ftp-port', '-'],
} as const;
type Way = keyof typeof WAYS;

/** The address in PORT and PASV is one of IPv4. */
const ONLY_IPV4: readonly Way[] = ['PASV', 'PORT'];

export async function passive(lab: ProgramsLab): Promise<Outcome> {
  return summed(await transfers(lab, ['PASV', 'EPSV']), SERVERS);
}

export async function active(lab: ProgramsLab): Promise<Outcome> {
  return summed(await transfers(lab, ['PORT', 'EPRT']), SERVERS);
}

/** lftp sends its next commands without waiting for the answers to those before, and fetches three files at once. */
export async function lftp(lab: ProgramsLab): Promise<Outcome> {
  const sessions: Transfer[] = [];
  for (const address of [MAIN.v4, MAIN.v6]) {
    for (const mode of ['on', 'off']) sessions.push(await session(lab, address, mode));
  }
  return summed(sessions);
}

async function transfers(lab: ProgramsLab, ways: readonly Way[]): Promise<Transfer[]> {
  const done: Transfer[] = [];
  for (const way of ways) {
    for (const address of ONLY_IPV4.includes(way) ? [MAIN.v4] : [MAIN.v4, MAIN.v6]) {
      for (const port of FTP_PORTS) done.push(await download(lab, way, address, port), await upload(lab, way, address, port));
    }
  }
  return done;
}

async function download(lab: ProgramsLab, way: Way, address: string, port: number): Promise<Transfer> {
  const file = join(lab.dir, lab.newName());
  const { stderr, error } = await client(lab.client, curl(way, address, port, `${FILES}/${PAYLOAD}`, ['--output', file]));
  return { ...spoken(lab, address, way, stderr), intact: consumed(lab, file), ...(error && { error }) };
}

async function upload(lab: ProgramsLab, way: Way, address: string, port: number): Promise<Transfer> {
  const name = lab.newName();
  const { stderr, error } = await client(lab.client, curl(way, address, port, `${UPLOADS}/${name}`, ['--upload-file', lab.payload]));
  const said = spoken(lab, address, way, stderr);
  const { server, file } = uploaded(lab, name);
  return { ...said, intact: consumed(lab, file) && server === said.server, ...(error && { error }) };
}

function curl(way: Way, address: string, port: number, path: string, options: readonly string[]): string[] {
  const url = `ftp://${hostPart(address)}:${port}/${path}`;
  return [
    'curl',
    '--verbose',
    '--no-progress-meter',
    '--connect-timeout',
    CONNECT_SECONDS,
    '--noproxy',
    '*',
    ...WAYS[way],
    ...options,
    url,
  ];
}

/** The greeting names the server. A transfer that came about another way is none: curl tries the older one when the newer fails. */
function spoken(
  lab: ProgramsLab,
  address: string,
  way: Way,
  conversation: string,
): { server: string; ownAddress: boolean; error?: string } {
  const server = /^< 220 (\w+)/m.exec(conversation)?.[1] ?? '';
  const used = [...conversation.matchAll(/^> (PASV|EPSV|PORT|EPRT)\b/gm)].map(([, command]) => command);
  const other = used.some((command) => command !== way) ? { error: `${way} became ${used.join(', ')}` } : {};
  return { server, ownAddress: knows(lab, server, likewise(lab.client, address)), ...other };
}

/** vsftpd tells IPv4 clients as IPv6 ones. */
function knows(lab: ProgramsLab, server: string, address: string): boolean {
  if (server === '') return false;
  const log = readFileSync(join(lab.place(server), 'vsftpd', 'transfers.log'), 'utf8');
  return log.includes(`CONNECT: Client "${address.includes(':') ? '' : '::ffff:'}${address}"`);
}

async function session(lab: ProgramsLab, address: string, passiveMode: string): Promise<Transfer> {
  const name = lab.newName();
  const fetched = join(lab.dir, name);
  mkdirSync(fetched);
  const settings = {
    'ftp:passive-mode': passiveMode,
    'ftp:sync-mode': 'off',
    'ftp:fix-pasv-address': 'no',
    'ftp:ssl-allow': 'no',
    'net:max-retries': 1,
    'net:timeout': 5,
    'cmd:fail-exit': 'yes',
  };
  const commands = [
    ...Object.entries(settings).map(([setting, value]) => `set ${setting} ${value}`),
    `open ftp://${hostPart(address)}`,
    `mirror --parallel=3 ${FILES} ${fetched}`,
    `put ${lab.payload} -o ${UPLOADS}/${name}`,
    'exit',
  ];
  const { error } = await client(lab.client, ['lftp', '--norc', '-c', commands.join('\n')]);
  const { server, file } = uploaded(lab, name);
  const files = readdirSync(fetched).map((each) => consumed(lab, join(fetched, each)));
  const intact = [consumed(lab, file), files.length === FILE_NAMES.length, ...files].every(Boolean);
  return { server, intact, ownAddress: knows(lab, server, likewise(lab.client, address)), ...(error && { error }) };
}
