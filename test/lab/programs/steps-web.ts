// Steps with nginx and curl: downloads and uploads over HTTP and TLS, one by one and many at once.

import { join } from 'node:path';
import type { Outcome } from '../report.js';
import { type Host, setOffloads } from '../topology.js';
import { PAYLOAD, type ProgramsLab } from './lab.js';
import { FILES, UPLOADS } from './servers.js';
import { MAIN, SERVERS } from './services.js';
import { CONNECT_SECONDS, client, consumed, hostPart, summed, type Transfer, uploaded } from './transfer.js';

export type Scheme = 'http' | 'https';

const PORTS: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };

const PARALLEL = 9;
/** curl prints these of the answer and of its own socket. */
const SEEN = '%header{x-server} %header{x-client} %{local_ip}';

export async function http(lab: ProgramsLab): Promise<Outcome> {
  return summed(await eachWay(lab, 'http', SERVERS.length), SERVERS);
}

export async function https(lab: ProgramsLab): Promise<Outcome> {
  return summed(await eachWay(lab, 'https', SERVERS.length), SERVERS);
}

/** All at once, up and down, both families, with and without TLS. */
export async function parallel(lab: ProgramsLab): Promise<Outcome> {
  const transfers = await Promise.all(
    Array.from({ length: PARALLEL }, (_, n) => {
      const address = n % 2 === 0 ? MAIN.v4 : MAIN.v6;
      const scheme = n % 3 === 0 ? 'https' : 'http';
      return [download(lab, lab.client, scheme, address), upload(lab, lab.client, scheme, address)];
    }).flat(),
  );
  return summed(transfers, SERVERS);
}

export async function parallelWithoutOffloads(lab: ProgramsLab): Promise<Outcome> {
  const hosts = ['client', ...SERVERS].map((name) => lab.network.host(name));
  await setOffloads(hosts, 'off');
  try {
    return await parallel(lab);
  } finally {
    await setOffloads(hosts, 'on');
  }
}

/** Downloads and uploads in turn, so that with three servers each has both of each family after three times. */
export async function eachWay(lab: ProgramsLab, scheme: Scheme, times: number, from = lab.client): Promise<Transfer[]> {
  const transfers: Transfer[] = [];
  for (const address of [MAIN.v4, MAIN.v6]) {
    for (let n = 0; n < times; n++) {
      transfers.push(await download(lab, from, scheme, address));
      transfers.push(await upload(lab, from, scheme, address));
    }
  }
  return transfers;
}

export async function download(lab: ProgramsLab, from: Host, scheme: Scheme, address: string, port = PORTS[scheme]): Promise<Transfer> {
  const file = join(lab.dir, lab.newName());
  const { stdout, error } = await client(from, curl(lab, scheme, address, port, `${FILES}/${PAYLOAD}`, ['--output', file]));
  return { ...seen(stdout), intact: consumed(lab, file), ...(error && { error }) };
}

export async function upload(lab: ProgramsLab, from: Host, scheme: Scheme, address: string, port = PORTS[scheme]): Promise<Transfer> {
  const name = lab.newName();
  const { stdout, error } = await client(from, curl(lab, scheme, address, port, `${UPLOADS}/${name}`, ['--upload-file', lab.payload]));
  const { server, file } = uploaded(lab, name);
  const answer = seen(stdout);
  return { ...answer, intact: consumed(lab, file) && server === answer.server, ...(error && { error }) };
}

/** The certificate names a host, so it is asked for by name, wherever that is. */
function curl(lab: ProgramsLab, scheme: Scheme, address: string, port: number, path: string, options: readonly string[]): string[] {
  const trust = scheme === 'https' ? ['--cacert', lab.secrets.certificate] : [];
  const where = ['--connect-to', `lab::${hostPart(address)}:${port}`];
  return [
    'curl',
    '--silent',
    '--show-error',
    '--fail',
    '--connect-timeout',
    CONNECT_SECONDS,
    '--noproxy',
    '*',
    ...trust,
    ...where,
    '--write-out',
    SEEN,
    ...options,
    `${scheme}://lab/${path}`,
  ];
}

function seen(stdout: string): { server: string; ownAddress: boolean } {
  const [server = '', clientSeen, clientIs] = stdout.trim().split(' ');
  return { server, ownAddress: clientSeen !== undefined && clientSeen === clientIs };
}
