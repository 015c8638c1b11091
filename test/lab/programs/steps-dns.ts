// Steps with dnsmasq, dig and host: questions over UDP and TCP.

import { readFileSync } from 'node:fs';
import type { Outcome } from '../report.js';
import type { Caller, ProgramsLab } from './lab.js';
import { BIG_RECORD, BIG_STRINGS, NAME_RECORD } from './servers.js';
import { likewise, MAIN, SERVERS } from './services.js';
import { client, summed, type Transfer } from './transfer.js';

const QUESTIONS = 12;
/** Every lost question is seen: none is asked twice. */
const ONCE = ['+tries=1', '+timeout=3', '+nocookie'];

/** From a new port each, so each may be answered by another server. */
export async function dig(lab: ProgramsLab): Promise<Outcome> {
  const answers = await Promise.all(
    [MAIN.v4, MAIN.v6].flatMap((address) => [names(lab, lab.client, address, '+notcp'), names(lab, lab.client, address, '+tcp')]),
  );
  return summed(answers.flat(), SERVERS);
}

/** As people ask. */
export async function host(lab: ProgramsLab): Promise<Outcome> {
  const answers = await Promise.all(
    [MAIN.v4, MAIN.v6].map(async (address) => {
      const { stdout, error } = await client(lab.client, ['host', '-t', 'TXT', NAME_RECORD, address]);
      return answered(lab, lab.client, address, /descriptive text "(\w+)"/.exec(stdout)?.[1] ?? '', error);
    }),
  );
  return summed(answers);
}

/** An answer of 4000 bytes in one datagram comes in three fragments. */
export async function bigAnswers(lab: ProgramsLab): Promise<Outcome> {
  return summed(
    await Promise.all([MAIN.v4, MAIN.v6].flatMap((address) => SERVERS.map(() => big(lab, address, '+notcp', '+bufsize=4096')))),
  );
}

/** The same over TCP, after a truncated answer over UDP said so. */
export async function truncatedAnswers(lab: ProgramsLab): Promise<Outcome> {
  return summed(await Promise.all([MAIN.v4, MAIN.v6].map((address) => big(lab, address, '+bufsize=512'))));
}

export async function names(lab: ProgramsLab, from: Caller, address: string, transport: string): Promise<Transfer[]> {
  const questions = Array.from({ length: QUESTIONS }, () => [NAME_RECORD, 'TXT']).flat();
  const { stdout, error } = await client(from, ['dig', `@${address}`, '+short', transport, ...ONCE, ...questions]);
  const said = stdout.split('\n').filter(Boolean);
  return Array.from({ length: QUESTIONS }, (_, n) => answered(lab, from, address, /^"(\w+)"$/.exec(said[n] ?? '')?.[1] ?? '', error));
}

async function big(lab: ProgramsLab, address: string, ...options: string[]): Promise<Transfer> {
  const { stdout, error } = await client(lab.client, ['dig', `@${address}`, '+short', ...ONCE, ...options, BIG_RECORD, 'TXT']);
  const strings = stdout.trim().slice(1, -1).split('" "');
  return { server: '', ownAddress: true, intact: strings.join('\n') === BIG_STRINGS.join('\n'), ...(error && { error }) };
}

/** The name of a server is the whole answer; its log knows who asked. */
function answered(lab: ProgramsLab, from: Caller, address: string, server: string, error?: string): Transfer {
  const intact = SERVERS.some((name) => name === server);
  const ownAddress =
    intact && readFileSync(lab.logOf(server, 'dnsmasq'), 'utf8').includes(`query[TXT] ${NAME_RECORD} from ${likewise(from, address)}`);
  return { server, intact, ownAddress, ...(error && { error }) };
}
