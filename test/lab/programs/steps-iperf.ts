// Steps with iperf3: streams over TCP and datagrams over UDP, each way, each family.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../process.js';
import type { Outcome } from '../report.js';
import type { ProgramsLab } from './lab.js';
import { likewise, MARKED, SERVERS } from './services.js';
import { client } from './transfer.js';

interface Sums {
  readonly bytes: number;
  readonly bits_per_second: number;
  readonly packets?: number;
  readonly lost_packets?: number;
}

interface Report {
  readonly error?: string;
  readonly end: { readonly sum_sent?: Sums; readonly sum_received?: Sums };
}

interface Run {
  readonly name: string;
  readonly ok: boolean;
  readonly said: string;
}

const STREAM_BYTES = 20_000_000;
const DATAGRAM_BYTES = 2_000_000;
/** Slow enough that no queue of the lab overflows but that of a program which is kept waiting. */
const DATAGRAM_RATE = '20M';
/** The share that must have arrived in time to be counted, and was not too much for the receiver. */
const COUNTED = 0.25;
/** How often a busy server is asked, and how long it is left alone. */
const ATTEMPTS = 20;
const BUSY_MS = 100;

export async function streams(lab: ProgramsLab): Promise<Outcome> {
  const ways = ['', '--reverse', '--parallel 4', '--bidir'].map((way) => `--bytes ${STREAM_BYTES} ${way}`);
  return all(lab, [MARKED.v4, MARKED.v6], ways);
}

export async function datagrams(lab: ProgramsLab): Promise<Outcome> {
  return all(lab, [MARKED.v4, MARKED.v6], [udp(1200, 'up'), udp(1200, 'down')]);
}

/** Each datagram is three fragments. */
export async function bigDatagrams(lab: ProgramsLab): Promise<Outcome> {
  return all(lab, [MARKED.v4, MARKED.v6], [udp(4000, 'up'), udp(4000, 'down')]);
}

export async function bigDatagramsIpv4(lab: ProgramsLab, way: 'up' | 'down'): Promise<Outcome> {
  return all(lab, [MARKED.v4], [udp(4000, way)]);
}

function udp(length: number, way: 'up' | 'down'): string {
  return `--udp --bandwidth ${DATAGRAM_RATE} --bytes ${DATAGRAM_BYTES} --length ${length} ${way === 'down' ? '--reverse' : ''}`;
}

/** One after the other: a server of iperf3 serves one client at a time. */
async function all(lab: ProgramsLab, addresses: readonly string[], ways: readonly string[]): Promise<Outcome> {
  const runs: Run[] = [];
  for (const address of addresses) {
    for (const way of ways) runs.push(await measured(lab, address, way));
  }
  const ownAddress = addresses.every((address) => SERVERS.some((server) => knows(lab, server, likewise(lab.client, address))));
  return {
    ok: ownAddress && runs.every(({ ok }) => ok),
    measured: { ownAddress, ...Object.fromEntries(runs.map(({ name, said }) => [name, said])) },
  };
}

async function measured(lab: ProgramsLab, address: string, way: string): Promise<Run> {
  const options = way.split(' ').filter(Boolean);
  const name = `${address.includes(':') ? 'ipv6' : 'ipv4'}${options.filter((word) => /^--(reverse|parallel|bidir)$/.test(word)).join('')}`;
  const overflowedBefore = await overflowed(lab);
  const report = await iperf(lab, address, options);
  if (typeof report === 'string') return { name, ok: false, said: report };
  const { sum_sent: sent, sum_received: received } = report.end;
  if (sent === undefined || received === undefined) return { name, ok: false, said: 'a report without sums' };
  if (sent.packets === undefined) return { name, ok: received.bytes > 0, said: `${Math.round(received.bits_per_second / 8e6)} MB/s` };
  const excused = (await overflowed(lab)) - overflowedBefore;
  const lost = received.lost_packets ?? 0;
  const late = excused > 0 ? `, ${excused} too many for the receiver` : '';
  const arrived = received.bytes > DATAGRAM_BYTES * COUNTED;
  return { name, ok: arrived && lost <= excused, said: `${received.packets ?? 0} datagrams, ${lost} lost${late}` };
}

/** The report, or why there is none. A server that has not yet done with the client before says so, and is asked again. */
async function iperf(lab: ProgramsLab, address: string, options: readonly string[]): Promise<Report | string> {
  for (let attempts = 1; ; attempts++) {
    const { stdout, error } = await client(lab.client, ['iperf3', '--json', '--client', address, ...options]);
    const report = parsed(stdout);
    if (report?.error?.includes('busy') && attempts < ATTEMPTS) await delay(BUSY_MS);
    else return report?.error ?? error ?? report ?? stdout;
  }
}

/** Datagrams that reached a host and were too many for the program there, which a busy machine keeps waiting: not lost on the way. */
async function overflowed(lab: ProgramsLab): Promise<number> {
  const hosts = ['client', ...SERVERS].map((name) => lab.network.host(name));
  const pages = await Promise.all(hosts.map(({ namespace }) => run(['cat', '/proc/net/snmp', '/proc/net/snmp6'], { namespace })));
  return pages.reduce((sum, page) => sum + receiveBufferErrors(page), 0);
}

/** IPv4's counters are a line of names and one of values, IPv6's a line each. */
function receiveBufferErrors(page: string): number {
  const [names = [], values = []] = page.match(/^Udp: .*$/gm)?.map((line) => line.split(' ')) ?? [];
  const ipv6 = /^Udp6RcvbufErrors\s+(\d+)$/m.exec(page)?.[1];
  const ipv4 = values[names.indexOf('RcvbufErrors')];
  if (ipv4 === undefined || ipv6 === undefined) throw new Error('the kernel does not count receive buffer errors');
  return Number(ipv4) + Number(ipv6);
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}

function knows(lab: ProgramsLab, server: string, address: string): boolean {
  const log = readFileSync(lab.logOf(server, 'iperf3'), 'utf8');
  return log.includes(`Accepted connection from ${address},`) || log.includes(`Accepted connection from ::ffff:${address},`);
}
