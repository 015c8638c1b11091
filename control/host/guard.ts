// The guard: an nftables table that silently drops in the kernel what the data plane takes, so that the kernel neither resets our
// clients' connections nor forwards a server's answer untranslated, not even while no data plane runs. nft(8).

import { spawn } from 'node:child_process';
import { isIPv6 } from 'node:net';
import type { Listener } from '../../dataplane/protocol.js';
import { disjoint, isOnePort, portsText } from '../config/listeners.js';
import { atOnce, type Steps } from '../slices.js';
import { type GuardedInstance, vrrpChains } from './guard-vrrp.js';

interface Server {
  readonly address: string;
  /** 0: the port the client asked for. */
  readonly port: number;
}

/** A service with all its servers, up or down: answers of one that just went down are no more the kernel's than the others'. */
export interface GuardedService {
  readonly listeners: readonly Listener[];
  readonly realServers: readonly Server[];
  readonly sorryServer?: Server;
}

interface Family {
  readonly number: 4 | 6;
  /** nft's name of the header, and of the type of its addresses. */
  readonly header: 'ip' | 'ip6';
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  readonly icmpErrors: string;
  /** Behind the first fragment there are no ports to tell whose it is. */
  readonly fragment: string;
}

const FAMILIES: readonly Family[] = [
  {
    number: 4,
    header: 'ip',
    type: 'ipv4_addr',
    icmpErrors: 'icmp type { destination-unreachable, time-exceeded, parameter-problem }',
    fragment: 'ip frag-off & 0x3fff != 0',
  },
  {
    number: 6,
    header: 'ip6',
    type: 'ipv6_addr',
    icmpErrors: 'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }',
    fragment: 'exthdr frag exists',
  },
];

const TABLE = 'inet natlb';
/** Before connection tracking joins fragments (-400), so that it never sees what is not the kernel's. */
const PRIORITY = -450;
/** To a host elsewhere. What is for this host, or for many, is the kernel's own: answers to health checks, neighbour discovery. */
const ELSEWHERE = 'fib daddr type != { local, broadcast, multicast, anycast }';

/** A script that puts the guard in place of the one before, as one transaction. */
export function guardRules(services: readonly GuardedService[], instances: readonly GuardedInstance[] = []): string {
  return atOnce(writeGuardRules(services, instances));
}

/** For thousands of services it takes a while, and may be left at every one of them. */
export function* writeGuardRules(services: readonly GuardedService[], instances: readonly GuardedInstance[]): Steps<string> {
  const families = FAMILIES.map((family) => ({ family, guarded: nothingGuarded() }));
  for (const service of services) {
    for (const { family, guarded } of families) collect(service, family, guarded);
    yield;
  }
  return lines([
    `add table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    ...families.flatMap(({ family, guarded }) => setsOf(family, guarded)),
    '  chain taken {',
    `    type filter hook prerouting priority ${PRIORITY}; policy accept;`,
    '    iif "lo" accept',
    ...FAMILIES.flatMap(rulesOf).map((rule) => `    ${rule}`),
    '  }',
    ...vrrpChains(instances),
    '}',
  ]);
}

/** Puts the guard in place. Throws with a message for the operator; the guard from before is then still there. */
export function applyGuard(text: string): Promise<void> {
  return nft(text, 'set up the guard');
}

export function removeGuard(): Promise<void> {
  return nft(`add table ${TABLE}\ndelete table ${TABLE}\n`, 'remove the guard');
}

/** Where the servers listen. */
function destinationsOf({ listeners, realServers, sorryServer }: GuardedService): Listener[] {
  const all = sorryServer === undefined ? realServers : [...realServers, sorryServer];
  return all.flatMap(({ address, port }) =>
    listeners.map(({ protocol, firstPort, lastPort }) => {
      return port === 0 ? { address, protocol, firstPort, lastPort } : { address, protocol, firstPort: port, lastPort: port };
    }),
  );
}

interface Guarded {
  readonly listeners: Listener[];
  readonly destinations: Set<string>;
  readonly addresses: Set<string>;
}

function nothingGuarded(): Guarded {
  return { listeners: [], destinations: new Set(), addresses: new Set() };
}

function collect(service: GuardedService, family: Family, { listeners, destinations, addresses }: Guarded): void {
  listeners.push(...ofFamily(service.listeners, family));
  for (const destination of ofFamily(destinationsOf(service), family)) {
    addresses.add(destination.address);
    // What a server sends from a port of a range may be its own; of that the steering program knows what is an answer.
    if (isOnePort(destination)) destinations.add(element(destination));
  }
}

function setsOf({ number, type }: Family, { listeners, destinations, addresses }: Guarded): string[] {
  const endpoint = `${type} . inet_proto . inet_service`;
  return [
    // Disjoint: nft takes no element that another one of its set reaches into.
    ...setOf(`services${number}`, `${endpoint}; flags interval`, new Set(disjoint(listeners).map(element))),
    ...setOf(`destinations${number}`, endpoint, destinations),
    ...setOf(`destination_addresses${number}`, type, addresses),
  ];
}

function rulesOf({ number, header, icmpErrors, fragment }: Family): string[] {
  return [
    `${header} daddr . meta l4proto . th dport @services${number} fib daddr type local counter drop comment "to a service"`,
    `${header} saddr . meta l4proto . th sport @destinations${number} ${ELSEWHERE} counter drop comment "from a destination to a client"`,
    `${header} saddr @destination_addresses${number} ${icmpErrors} ${ELSEWHERE} counter drop comment "error of a destination to a client"`,
    `${header} saddr @destination_addresses${number} ${fragment} ${ELSEWHERE} counter drop comment "fragment of a destination to a client"`,
  ];
}

function setOf(name: string, type: string, elements: ReadonlySet<string>): string[] {
  const listed = elements.size === 0 ? [] : [`    elements = { ${[...elements].join(', ')} }`];
  return [`  set ${name} {`, `    type ${type}`, ...listed, '  }'];
}

function element({ address, protocol, ...ports }: Listener): string {
  return `${address} . ${protocol} . ${portsText(ports)}`;
}

function ofFamily(all: readonly Listener[], { number }: Family): readonly Listener[] {
  return all.filter(({ address }) => isIPv6(address) === (number === 6));
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}

function nft(script: string, doing: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // In a process group of its own: a signal to all of natlb's, as from a terminal, must not cut it short.
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], detached: true });
    const said: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    child.stdin.on('error', () => {}); // nft ended early: why, it says itself
    child.on('error', (error) => reject(new Error(`cannot ${doing}: ${reason(error)}`)));
    child.on('close', (code, signal) => {
      const complaint = Buffer.concat(said).toString('utf8').trim().slice(0, 2000);
      if (code === 0) resolve();
      else reject(new Error(`cannot ${doing}: nft ended with ${signal ?? `status ${code}`}: ${complaint}`));
    });
    child.stdin.end(script);
  });
}

function reason(error: NodeJS.ErrnoException): string {
  return error.code === 'ENOENT' ? "the program 'nft' is not installed (Debian package nftables)" : error.message;
}
