// Steps with services of several ports: a client stays with one server whatever port it asks, and another client gets another.

import type { Outcome } from '../report.js';
import type { Caller, ProgramsLab } from './lab.js';
import { EVERY_PORT, MARKED, type Pair } from './services.js';
import { names } from './steps-dns.js';
import { pipe } from './steps-ssh.js';
import { download, upload } from './steps-web.js';
import { summed, type Transfer } from './transfer.js';

export async function marked(lab: ProgramsLab): Promise<Outcome> {
  return persistent(lab, MARKED, async (from, address) => [
    await download(lab, from, 'http', address),
    await upload(lab, from, 'https', address),
    await upload(lab, from, 'http', address),
    await download(lab, from, 'https', address),
  ]);
}

/** Ports that no line of the configuration names, the servers' own. */
export async function everyPort(lab: ProgramsLab): Promise<Outcome> {
  return persistent(lab, EVERY_PORT, async (from, address) => [
    await download(lab, from, 'http', address, 8080),
    await pipe(lab, from, address, 2222),
    await upload(lab, from, 'https', address, 443),
    ...(await names(lab, from, address, '+tcp')),
  ]);
}

/** UDP is a service of its own. */
export async function everyUdpPort(lab: ProgramsLab): Promise<Outcome> {
  return persistent(lab, EVERY_PORT, (from, address) => names(lab, from, address, '+notcp'));
}

/** Of each family and client all transfers had one server, and the two clients had different ones: round robin is about clients here. */
async function persistent(
  lab: ProgramsLab,
  service: Pair,
  transfers: (from: Caller, address: string) => Promise<readonly Transfer[]>,
): Promise<Outcome> {
  const all: Transfer[] = [];
  const kept: string[] = [];
  for (const address of [service.v4, service.v6]) {
    for (const from of [lab.client, lab.far]) {
      const done = await transfers(from, address);
      all.push(...done);
      kept.push([...new Set(done.map(({ server }) => server))].join('+'));
    }
  }
  const { ok, measured } = summed(all);
  const [near, far, near6, far6] = kept;
  const apart = kept.every((server) => !server.includes('+')) && near !== far && near6 !== far6;
  return { ok: ok && apart, measured: { ...measured, kept } };
}
