// `virtual_server { … }` and `real_server { … }`.

import type { Address } from '../address.js';
import { parseRange } from '../address-range.js';
import type { FlagDraft, PoolDraft, RealServerDraft, ServiceHead, VirtualServerDraft } from '../draft.js';
import { type Arguments, block, type Keyword, type Patch } from '../keyword.js';
import { PROTOCOLS } from '../listeners.js';
import { checkerKeywords } from './checkers.js';
import { markNumber } from './firewall-mark.js';
import { FAMILIES } from './group.js';
import { quorumNotices, serverNotices } from './notices.js';
import { serviceOptionsBlock } from './service-options.js';
import { timingKeywords } from './timing.js';

const METHODS: ReadonlyMap<string, 'nat' | 'dr' | 'tun'> = new Map([
  ['NAT', 'nat'],
  ['DR', 'dr'],
  ['TUN', 'tun'],
]);
const WEIGHT = 2 ** 31 - 1;
const UNSIGNED = 2 ** 32 - 1;
/** IPVS's, of any timeout; and what keepalived takes where none is written. */
const LONGEST_PERSISTENCE = 31 * 86_400;
const PERSISTENCE_MS = 360_000;

const SCHEDULERS: ReadonlyMap<string, string> = new Map(
  ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'mh', 'sed', 'nq', 'fo', 'ovf', 'twos'].map((name) => [name, name]),
);
/** They keep each destination address on one server: of use to caches of a transparent proxy, while a service of NAT has a few addresses. */
const BY_LOCALITY = ['lblc', 'lblcr'];
const FLAGS: readonly FlagDraft['flag'][] = ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'];

/** What a virtual server says for all its real servers, and a real server for itself. */
const poolKeywords: readonly Keyword<PoolDraft>[] = [
  { name: 'weight', takes: 'N', set: (arg) => ({ weight: arg.integer(0, WEIGHT) }) },
  { name: 'inhibit_on_failure', takes: '[BOOL]', set: (arg) => ({ inhibitOnFailure: arg.flag() }) },
  { name: 'virtualhost', takes: 'NAME', set: (arg) => ({ virtualHost: arg.word('the name of a host') }) },
  { name: 'lvs_method', takes: 'NAT', set: natOnly, alias: 'lb_kind' },
];

const virtualServerKeywords: readonly Keyword<VirtualServerDraft>[] = [
  ...poolKeywords,
  ...timingKeywords,
  { name: 'lb_kind', takes: 'NAT', set: natOnly },
  // Here these are flags that take no word: `alpha off` is `alpha`.
  { name: 'alpha', takes: '', set: () => ({ alpha: true }) },
  { name: 'inhibit_on_failure', takes: '', set: () => ({ inhibitOnFailure: true }) },
  { name: 'ip_family', takes: 'inet|inet6', set: (arg) => ({ ipFamily: arg.oneOf(FAMILIES) }) },
  { name: 'protocol', takes: 'TCP|UDP|SCTP', set: protocol },
  { name: 'lb_algo', takes: 'SCHEDULER', set: scheduler },
  { name: 'lvs_sched', takes: 'SCHEDULER', set: scheduler, alias: 'lb_algo' },
  { name: 'quorum', takes: 'WEIGHT', set: (arg) => ({ quorum: arg.integer(1, UNSIGNED) }) },
  { name: 'hysteresis', takes: 'WEIGHT', set: (arg) => ({ hysteresis: arg.integer(0, UNSIGNED) }) },
  { name: 'sorry_server', takes: 'ADDRESS [PORT]', set: sorryServer },
  { name: 'sorry_server_inhibit', takes: '', set: () => ({ sorryServerInhibit: true }) },
  { name: 'sorry_server_lvs_method', takes: 'NAT', set: natOnly },
  { name: 'real_server', takes: 'ADDRESS [PORT] { … }', set: realServer },
  ...FLAGS.map((flag): Keyword<VirtualServerDraft> => ({ name: flag, takes: '', set: ({ place }) => ({ flags: [{ flag, place }] }) })),
  { name: 'ops', takes: '', set: () => ({ onePacket: true }) },
  // IPVS sets this flag itself, for its own use.
  { name: 'hashed', takes: '', set: () => ({}) },
  { name: 'persistence_engine', takes: 'NAME', set: persistenceEngine },
  { name: 'persistence_timeout', takes: '[SECONDS]', set: persistenceTimeout },
  { name: 'persistence_granularity', takes: 'MASK|PREFIX', set: (arg) => ({ granularity: arg.word('a mask or a prefix length') }) },
  { name: 'natlb', takes: '{ … }', set: serviceOptions },
  { name: 'ha_suspend', takes: '', set: () => ({ haSuspend: true }) },
  ...quorumNotices,
  { name: 'snmp_name', takes: 'NAME', happens: 'there is no SNMP agent' },
  { name: 'omega', takes: '', set: () => ({ omega: true }) },
];

const realServerKeywords: readonly Keyword<RealServerDraft>[] = [
  ...poolKeywords,
  ...timingKeywords,
  ...checkerKeywords,
  { name: 'uthreshold', takes: 'CONNECTIONS', set: (arg) => ({ upperThreshold: arg.integer(0, UNSIGNED) }) },
  { name: 'lthreshold', takes: 'CONNECTIONS', set: (arg) => ({ lowerThreshold: arg.integer(0, UNSIGNED) }) },
  ...serverNotices,
  { name: 'snmp_name', takes: 'NAME', happens: 'there is no SNMP agent' },
];

export const virtualServerBlock = block('virtual_server', virtualServerKeywords);
export const realServerBlock = block('real_server', realServerKeywords);

interface Endpoint {
  readonly address: Address;
  readonly port?: number;
}

/** Stand in for what could not be read, while what is in the block is. */
const NOWHERE: Endpoint = { address: { family: 4, text: '0.0.0.0' }, port: 0 };
const NOBODY: ServiceHead = { kind: 'fwmark', mark: 0 };

/** `virtual_server ADDRESS [PORT] { … }`, `virtual_server fwmark MARK { … }`, `virtual_server group NAME { … }` */
export function virtualServer(arg: Arguments): readonly VirtualServerDraft[] {
  const head = arg.attempt(() => serviceHead(arg));
  const draft: VirtualServerDraft = {
    head: head ?? NOBODY,
    flags: [],
    options: { places: {} },
    realServers: [],
    places: { block: arg.place },
  };
  arg.block(virtualServerBlock, draft);
  return head === undefined ? [] : [draft];
}

function serviceHead(arg: Arguments): ServiceHead {
  const written = arg.word('ADDRESS [PORT], fwmark MARK or group NAME');
  if (written === 'fwmark') return { kind: 'fwmark', mark: markNumber(arg) };
  if (written === 'group') return { kind: 'group', group: arg.word('the name of a group') };
  const addresses = parseRange(written);
  if (!('length' in addresses)) return arg.refuse(addresses.problem, addresses.hint);
  return { kind: 'address', written, addresses, port: arg.more() ? arg.integer(0, 65_535) : 0 };
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

/** Port 0 is no port. */
function endpoint(arg: Arguments): Endpoint {
  const address = arg.address();
  const port = arg.more() ? arg.integer(0, 65_535) : 0;
  return port === 0 ? { address } : { address, port };
}

function protocol(arg: Arguments): Patch<VirtualServerDraft> {
  const given = PROTOCOLS.get(arg.word('TCP, UDP or SCTP').toUpperCase());
  return given === undefined ? arg.refuse(`expected one of TCP, UDP, SCTP, found '${arg.written().slice(0, 60)}'`) : { protocol: given };
}

function scheduler(arg: Arguments): Patch<VirtualServerDraft> {
  const name = arg.oneOf(SCHEDULERS);
  if (BY_LOCALITY.includes(name))
    return arg.refuse(`scheduler ${name} is not there: it is for caches of a transparent proxy, not for NAT`, "write 'lb_algo wlc'");
  return { scheduler: name };
}

function persistenceTimeout(arg: Arguments): Patch<VirtualServerDraft> {
  return { persistenceTimeoutMs: arg.more() ? arg.integer(1, LONGEST_PERSISTENCE) * 1000 : PERSISTENCE_MS };
}

function persistenceEngine(arg: Arguments): Patch<VirtualServerDraft> {
  return arg.refuse(
    `persistence engine ${arg.word('a name').slice(0, 60)} is not there: natlb does not look into SIP messages`,
    'persistence_timeout keeps a client on its server by its address',
  );
}

function serviceOptions(arg: Arguments): Patch<VirtualServerDraft> {
  return { options: arg.block(serviceOptionsBlock, { places: { block: arg.place } }) };
}

/** Only NAT brings the replies back through the router. */
function natOnly(arg: Arguments): Patch<PoolDraft> {
  const method = arg.oneOf(METHODS);
  if (method !== 'nat') arg.error(`forwarding method ${arg.written()} is not there: natlb forwards with NAT only`);
  if (method === 'nat' && arg.more()) arg.modified('NAT has no options: what follows is ignored');
  while (arg.more()) arg.word('');
  return {};
}
