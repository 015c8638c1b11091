// `virtual_server { … }` and `real_server { … }`.

import { type Address, parseAddress } from '../address.js';
import type { PoolDraft, RealServerDraft, VirtualServerDraft } from '../draft.js';
import { type Arguments, block, type Keyword, type Patch } from '../keyword.js';
import { checkerKeywords } from './checkers.js';
import { timingKeywords } from './timing.js';

const PROTOCOLS: ReadonlyMap<string, 'tcp' | 'udp' | 'sctp'> = new Map([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
]);
const METHODS: ReadonlyMap<string, 'nat' | 'dr' | 'tun'> = new Map([
  ['NAT', 'nat'],
  ['DR', 'dr'],
  ['TUN', 'tun'],
]);
const WEIGHT = 2 ** 31 - 1;
const QUORUM = 2 ** 32 - 1;

/** Schedulers keepalived knows, and what natlb has in their place. */
const SCHEDULERS: ReadonlyMap<string, 'rr' | 'wrr'> = new Map([
  ['rr', 'rr'],
  ['wrr', 'wrr'],
  ...['lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'mh', 'sed', 'nq', 'fo', 'ovf', 'twos'].map((name) => [name, 'wrr'] as const),
]);

/** What a virtual server says for all its real servers, and a real server for itself. */
const poolKeywords: readonly Keyword<PoolDraft>[] = [
  { name: 'weight', takes: 'N', set: (arg) => ({ weight: arg.integer(0, WEIGHT) }) },
  { name: 'inhibit_on_failure', takes: '[BOOL]', set: (arg) => ({ inhibitOnFailure: arg.flag() }) },
  { name: 'virtualhost', takes: 'NAME', set: (arg) => ({ virtualHost: arg.word('the name of a host') }) },
  { name: 'lb_kind', takes: 'NAT', set: natOnly },
  { name: 'lvs_method', takes: 'NAT', set: natOnly, alias: 'lb_kind' },
];

const virtualServerKeywords: readonly Keyword<VirtualServerDraft>[] = [
  ...poolKeywords,
  ...timingKeywords,
  { name: 'protocol', takes: 'TCP|UDP', set: protocol },
  { name: 'lb_algo', takes: 'SCHEDULER', set: scheduler },
  { name: 'lvs_sched', takes: 'SCHEDULER', set: scheduler, alias: 'lb_algo' },
  { name: 'quorum', takes: 'WEIGHT', set: (arg) => ({ quorum: arg.integer(1, QUORUM) }) },
  { name: 'hysteresis', takes: 'WEIGHT', set: (arg) => ({ hysteresis: arg.integer(0, QUORUM) }) },
  { name: 'sorry_server', takes: 'ADDRESS [PORT]', set: sorryServer },
  { name: 'sorry_server_inhibit', takes: '', set: () => ({ sorryServerInhibit: true }) },
  { name: 'sorry_server_lvs_method', takes: 'NAT', set: natOnly },
  { name: 'real_server', takes: 'ADDRESS [PORT] { … }', set: realServer },
  { name: 'flag-1', takes: '' },
  { name: 'flag-2', takes: '' },
  { name: 'flag-3', takes: '' },
  { name: 'sh-port', takes: '' },
  { name: 'sh-fallback', takes: '' },
  { name: 'mh-port', takes: '' },
  { name: 'mh-fallback', takes: '' },
  { name: 'ops', takes: '' },
  { name: 'hashed', takes: '' },
  { name: 'persistence_engine', takes: 'NAME' },
  { name: 'persistence_timeout', takes: '[SECONDS]', without: 'clients are not kept on one server' },
  { name: 'persistence_granularity', takes: 'MASK' },
  { name: 'ha_suspend', takes: '' },
  { name: 'smtp_alert', takes: 'BOOL' },
  { name: 'snmp_name', takes: 'NAME' },
  { name: 'omega', takes: '' },
  { name: 'quorum_up', takes: 'SCRIPT [USER [GROUP]]', script: true },
  { name: 'quorum_down', takes: 'SCRIPT [USER [GROUP]]', script: true },
  { name: 'ip_family', takes: 'inet|inet6' },
];

const realServerKeywords: readonly Keyword<RealServerDraft>[] = [
  ...poolKeywords,
  ...timingKeywords,
  ...checkerKeywords,
  { name: 'notify_up', takes: 'SCRIPT [USER [GROUP]]', script: true },
  { name: 'notify_down', takes: 'SCRIPT [USER [GROUP]]', script: true },
  { name: 'uthreshold', takes: 'CONNECTIONS', without: 'connections are not limited' },
  { name: 'lthreshold', takes: 'CONNECTIONS' },
  { name: 'smtp_alert', takes: 'BOOL' },
  { name: 'snmp_name', takes: 'NAME' },
];

export const virtualServerBlock = block('virtual_server', virtualServerKeywords);
export const realServerBlock = block('real_server', realServerKeywords);

interface Endpoint {
  readonly address: Address;
  readonly port?: number;
}

/** Stands in for an address that could not be read, while what is in its block is. */
const NOWHERE: Endpoint = { address: { family: 4, text: '0.0.0.0' }, port: 0 };

/** `virtual_server ADDRESS PORT { … }` */
export function virtualServer(arg: Arguments): readonly VirtualServerDraft[] {
  const head = arg.attempt(() => serviceAddress(arg));
  const { address, port = 0 } = head ?? NOWHERE;
  const draft = arg.block(virtualServerBlock, { address, port, realServers: [], places: { block: arg.place } });
  return head === undefined ? [] : [draft];
}

function serviceAddress(arg: Arguments): Endpoint {
  const text = arg.word('ADDRESS PORT');
  const address = parseAddress(text);
  if (address === undefined) return arg.refuse(...whyNoService(text));
  if (!arg.more()) return arg.refuse('a virtual server on every port is not there yet', 'write the port after the address');
  return { address, port: arg.port() };
}

/** Other things keepalived lets a virtual server be. They change what is forwarded, so they are errors until they are there. */
function whyNoService(text: string): [message: string, hint?: string] {
  if (text === 'fwmark')
    return ['virtual servers of a firewall mark are not there yet', 'write one virtual_server ADDRESS PORT for each address'];
  if (text === 'group') return ['virtual servers of a group are not there yet', 'write one virtual_server ADDRESS PORT for each address'];
  if (/^[\da-fA-F:.]+[-/]/.test(text))
    return ['ranges of addresses are not there yet', 'write one virtual_server ADDRESS PORT for each address'];
  return [`expected an IP address, found '${text.slice(0, 60)}'`];
}

function realServer(arg: Arguments): Patch<VirtualServerDraft> {
  const head = arg.attempt(() => endpoint(arg));
  const draft = arg.block(realServerBlock, { ...(head ?? NOWHERE), checkers: [], places: { block: arg.place } });
  return head === undefined ? {} : { realServers: [draft] };
}

function sorryServer(arg: Arguments): Patch<VirtualServerDraft> {
  const { address, ...port } = endpoint(arg);
  return { sorryServer: { address: address.text, ...port } };
}

function endpoint(arg: Arguments): Endpoint {
  const address = arg.address();
  return arg.more() ? { address, port: arg.port() } : { address };
}

function protocol(arg: Arguments): Patch<VirtualServerDraft> {
  const given = arg.oneOf(PROTOCOLS);
  return given === 'sctp' ? arg.refuse('SCTP is not there yet') : { protocol: given };
}

function scheduler(arg: Arguments): Patch<VirtualServerDraft> {
  const used = arg.oneOf(SCHEDULERS);
  const written = arg.written();
  if (written !== used) arg.warn(`scheduler ${written} is not there yet; ${used} is used in its place`);
  return { scheduler: used };
}

/** Only NAT brings the replies back through the router. */
function natOnly(arg: Arguments): Patch<PoolDraft> {
  const method = arg.oneOf(METHODS);
  if (method !== 'nat') arg.error(`forwarding method ${arg.written()} is not there: natlb forwards with NAT only`);
  while (arg.more()) arg.word('');
  return {};
}
