// The benchmark's network: client ── router ── server in namespaces of its own, and a straight wire between client and server for the ceiling.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const PREFIX = 'nb-';

export const CLIENT = `${PREFIX}client`;
export const ROUTER = `${PREFIX}router`;
export const SERVER = `${PREFIX}server`;

export const SERVICE = '203.0.113.10';
export const SERVICE_PORT = 53;
export const SERVERS = ['10.11.12.1', '10.11.12.2', '10.11.12.3'] as const;
export const SERVER_PORT = 8053;
/** Clients are 198.18.0.0 and on (RFC 2544). */
export const CLIENTS = '198.18.0.0';

/** The router's two interfaces. Their names appear in the names of their NAPI threads, so they are short and unlike any other. */
export const ROUTER_INTERFACES = ['nbpub', 'nbprv'] as const;

export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export function inNamespace(namespace: string, command: string, ...args: readonly string[]): string {
  return run('ip', 'netns', 'exec', namespace, command, ...args);
}

/** Also removes what an earlier run left when it was killed. */
export function removeNetwork(): void {
  const left = run('ip', 'netns', 'list')
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith(PREFIX));
  for (const name of left) run('ip', 'netns', 'delete', name);
}

export function makeNetwork(): void {
  removeNetwork();
  for (const name of [CLIENT, ROUTER, SERVER]) run('ip', 'netns', 'add', name);
  wire([CLIENT, 'nbcli'], [ROUTER, 'nbpub']);
  wire([SERVER, 'nbsrv'], [ROUTER, 'nbprv']);
  wire([CLIENT, 'nbout'], [SERVER, 'nbin']);
  for (const [namespace, interface_, address] of ADDRESSES) run('ip', '-n', namespace, 'address', 'add', address, 'dev', interface_);
  run('ip', '-n', ROUTER, 'route', 'add', `${CLIENTS}/16`, 'via', '203.0.113.254');
  run('ip', '-n', SERVER, 'route', 'add', 'default', 'via', '10.11.12.10');
  inNamespace(ROUTER, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0');
  knowNeighbours();
}

const ADDRESSES: readonly (readonly [string, string, string])[] = [
  [CLIENT, 'nbcli', '203.0.113.254/24'],
  [ROUTER, 'nbpub', '203.0.113.9/24'],
  [ROUTER, 'nbpub', `${SERVICE}/32`],
  [ROUTER, 'nbprv', '10.11.12.9/24'],
  [ROUTER, 'nbprv', '10.11.12.10/32'],
  ...SERVERS.map((server) => [SERVER, 'nbsrv', `${server}/24`] as const),
];

/** One queue at each end. `gro on` gives an end NAPI, without which frames redirected to it are dropped; nobody redirects to the server. */
function wire([fromNamespace, from]: readonly [string, string], [toNamespace, to]: readonly [string, string]): void {
  const queues = ['numtxqueues', '1', 'numrxqueues', '1'];
  run(
    'ip',
    'link',
    'add',
    'name',
    from,
    'netns',
    fromNamespace,
    ...queues,
    'type',
    'veth',
    'peer',
    'name',
    to,
    'netns',
    toNamespace,
    ...queues,
  );
  for (const [namespace, name] of [[fromNamespace, from] as const, [toNamespace, to] as const]) {
    run('ip', '-n', namespace, 'link', 'set', name, 'up');
    inNamespace(namespace, 'ethtool', '-K', name, 'gro', name === 'nbsrv' ? 'off' : 'on');
  }
}

/** Solicitations would drown in the flood, and looking for neighbours is not what is measured. */
function knowNeighbours(): void {
  const server = macOf(SERVER, 'nbsrv');
  for (const address of SERVERS)
    run('ip', '-n', ROUTER, 'neighbour', 'replace', address, 'lladdr', server, 'dev', 'nbprv', 'nud', 'permanent');
  run('ip', '-n', ROUTER, 'neighbour', 'replace', '203.0.113.254', 'lladdr', macOf(CLIENT, 'nbcli'), 'dev', 'nbpub', 'nud', 'permanent');
}

export function macOf(namespace: string, interface_: string): string {
  return inNamespace(namespace, 'cat', `/sys/class/net/${interface_}/address`).trim();
}

/** Whether the router's interfaces work in threads of their own (which can be given a CPU) or on the CPU of whoever sends to them. */
export function setThreadedNapi(on: boolean, cpu: number): void {
  const wanted = on ? '1' : '0';
  for (const name of ROUTER_INTERFACES) inNamespace(ROUTER, 'sh', '-c', `echo ${wanted} >/sys/class/net/${name}/threaded`);
  if (on) for (const pid of napiThreads()) run('taskset', '-pc', String(cpu), pid);
}

function napiThreads(): string[] {
  return readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && ROUTER_INTERFACES.some((name) => commandOf(pid).startsWith(`napi/${name}`)),
  );
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8');
  } catch {
    return ''; // gone meanwhile
  }
}
