// `natlb ipvsadm`: the listing commands of ipvsadm, answered by a running natlb, for hands and scripts that know them.

import type { Protocol, Stats, Traffic } from '../../dataplane/protocol.js';
import { parseAddress } from '../config/address.js';
import type { Status, VirtualServerStatus } from '../status.js';
import { endpointKey, serviceKey } from './address-words.js';
import { type Io, RUN_DIR_OPTION, readOptions, reportErrors, UsageError } from './args.js';
import { ask, DEFAULT_RUN_DIR, streamFlows } from './client.js';
import {
  FLOW_TITLE,
  flowLine,
  type ListedDestination,
  type ListedService,
  savedList,
  serviceList,
  timeoutLine,
  type View,
  versionLine,
} from './ipvsadm-text.js';

/** Ask natlb; the tests pass answers instead of a socket. */
export type Ask = typeof ask;
export type Stream = typeof streamFlows;

const OPTIONS = {
  ...RUN_DIR_OPTION,
  list: { type: 'boolean', short: 'L' },
  save: { type: 'boolean', short: 'S' },
  restore: { type: 'boolean', short: 'R' },
  numeric: { type: 'boolean', short: 'n' },
  connection: { type: 'boolean', short: 'c' },
  stats: { type: 'boolean' },
  rate: { type: 'boolean' },
  thresholds: { type: 'boolean' },
  'persistent-conn': { type: 'boolean' },
  exact: { type: 'boolean' },
  timeout: { type: 'boolean' },
  daemon: { type: 'boolean' },
  nosort: { type: 'boolean' },
  sort: { type: 'boolean' },
  'tcp-service': { type: 'string', short: 't' },
  'udp-service': { type: 'string', short: 'u' },
  'sctp-service': { type: 'string' },
  'fwmark-service': { type: 'string', short: 'f' },
  ipv6: { type: 'boolean', short: '6' },
} as const;

const USAGE = `expected
  ipvsadm -L|-l [-n] [-t|-u|--sctp-service ADDRESS:PORT | -f MARK [-6]] [--stats|--rate|--thresholds|--persistent-conn] [--exact] [--nosort]
  ipvsadm -L|-l [-n] -c
  ipvsadm -L|-l --timeout|--daemon
  ipvsadm -S [-n]
each with [--run-dir DIR]`;

const NO_RESTORE =
  '-R: services are not restored here but stand in the configuration; change its file, look at it with natlb check, and reload natlb (SIGHUP)';

type Values = ReturnType<typeof parse>;
type Filter =
  | { readonly kind: 'address'; readonly protocol: Protocol; readonly address: string; readonly port: number }
  | { readonly kind: 'fwmark'; readonly mark: number; readonly family: 4 | 6 };

export function ipvsadm(args: readonly string[], io: Io, asking: Ask = ask, streaming: Stream = streamFlows): Promise<number> {
  return reportErrors('ipvsadm', io, async () => {
    const values = parse(args);
    const runDir = values['run-dir'] ?? DEFAULT_RUN_DIR;
    if (values.connection) await printFlows(runDir, io, streaming);
    else io.out(listing(await asking(runDir, { what: 'status' }), values));
  });
}

// Addresses and ports are numbers with or without -n: a name server that is slow or gone must not hold up a look at the load balancer.
function parse(args: readonly string[]) {
  // -l is another letter for -L, alone or among others (-lnc).
  const values = readOptions(
    args.map((arg) => (/^-[a-zA-Z]+$/.test(arg) ? arg.replaceAll('l', 'L') : arg)),
    OPTIONS,
  );
  const { 'run-dir': _, ...rest } = values;
  if (values.restore) throw new UsageError(NO_RESTORE);
  if (values.save) refuseConflicts(rest, ['save', 'numeric', 'nosort', 'sort'], 'save');
  else if (!values.list && Object.keys(rest).length > 0) throw new UsageError(USAGE);
  if (values.connection) refuseConflicts(rest, ['list', 'numeric', 'connection', 'exact', 'nosort', 'sort'], 'list');
  if (values.timeout) refuseConflicts(rest, ['list', 'numeric', 'timeout'], 'list');
  if (values.daemon) refuseConflicts(rest, ['list', 'numeric', 'daemon'], 'list');
  return values;
}

function refuseConflicts(values: object, allowed: readonly string[], command: string): void {
  const other = Object.keys(values).find((name) => !allowed.includes(name));
  if (other !== undefined) throw new UsageError(`options conflict in the ${command} command: --${other}; ${USAGE}`);
}

function listing(status: Status, values: Values): string {
  if (values.timeout) return timeoutLine(status.timeouts);
  if (values.daemon) return ''; // nothing is synchronised, as on a kernel whose daemons were not started
  const filter = serviceFilter(values);
  const stats = running(status);
  const all = listed(status, stats);
  if (values.save) return savedList(all, !values.nosort);
  const services = filter === undefined ? all : matching(all, filter);
  const list = serviceList(services, { view: viewOf(values), exact: values.exact ?? false, sort: !values.nosort });
  return filter === undefined ? versionLine(stats.flows.capacity) + list : list;
}

/** Of several, ipvsadm's first. */
function viewOf(values: Values): View {
  if (values.stats) return 'stats';
  if (values.rate) return 'rate';
  if (values.thresholds) return 'thresholds';
  return values['persistent-conn'] ? 'persistent' : 'connections';
}

function running(status: Status): Stats {
  if (status.dataplane.stats === undefined)
    throw new Error(`the data plane is not running (${status.dataplane.state}): nothing is balanced`);
  return status.dataplane.stats;
}

const STILL: Traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };

/** Between two looks a service may have come or gone: only what both know is listed. */
function listed({ virtualServers, dataplane: { rates } }: Status, { services }: Stats): readonly ListedService[] {
  const configured = new Map(virtualServers.map((server) => [server.name, server]));
  const measured = new Map((rates?.services ?? []).map((rate) => [rate.name, rate]));
  return services.flatMap((service) => {
    const server = configured.get(service.name);
    if (server === undefined) return [];
    const { identity, listeners, scheduler, schedulerFlags, onePacket, persistence } = server;
    const rate = measured.get(service.name);
    const destinations = listedDestinations(service, server, new Map((rate?.destinations ?? []).map((one) => [endpointKey(one), one])));
    const described = { identity, listeners, scheduler, schedulerFlags, onePacket, ...(persistence && { persistence }) };
    return [{ ...service, ...described, rate: rate ?? STILL, destinations }];
  });
}

function listedDestinations(
  { destinations }: Stats['services'][number],
  { realServers }: VirtualServerStatus,
  rates: ReadonlyMap<string, Traffic>,
): readonly ListedDestination[] {
  const configured = new Map(realServers.map((server) => [endpointKey(server), server]));
  return destinations.map((destination) => {
    const key = endpointKey(destination);
    const { upperThreshold = 0, lowerThreshold = 0 } = configured.get(key) ?? {};
    return { ...destination, upperThreshold, lowerThreshold, rate: rates.get(key) ?? STILL };
  });
}

function matching(services: readonly ListedService[], filter: Filter): readonly ListedService[] {
  const found = services.filter(({ identity }) => {
    if (identity.kind === 'address') return filter.kind === 'address' && serviceKey(identity) === serviceKey(filter);
    return identity.kind === 'fwmark' && filter.kind === 'fwmark' && identity.mark === filter.mark && identity.family === filter.family;
  });
  if (found.length === 0) throw new Error('No such service');
  return found;
}

const SERVICE_OPTIONS = [
  ['tcp-service', 'tcp'],
  ['udp-service', 'udp'],
  ['sctp-service', 'sctp'],
] as const;

function serviceFilter(values: Values): Filter | undefined {
  const filters = SERVICE_OPTIONS.flatMap(([option, protocol]): readonly Filter[] => {
    const text = values[option];
    return text === undefined ? [] : [addressFilter(text, protocol)];
  });
  const mark = values['fwmark-service'];
  const all = mark === undefined ? filters : [...filters, markFilter(mark, values.ipv6 ?? false)];
  if (all.length > 1) throw new UsageError('more than one service is named');
  if (values.ipv6 && mark === undefined) throw new UsageError('-6 belongs to -f MARK');
  return all[0];
}

function addressFilter(text: string, protocol: Protocol): Filter {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const address = parseAddress(parts?.[1] ?? parts?.[2] ?? '');
  if (address === undefined) throw new UsageError(`expected ADDRESS:PORT or [IPV6]:PORT, found ${text}`);
  return { kind: 'address', protocol, address: address.text, port: Number(parts?.[3]) };
}

function markFilter(text: string, ipv6: boolean): Filter {
  const mark = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  if (mark < 1 || mark > 0xffff_ffff) throw new UsageError(`expected a firewall mark from 1 to 4294967295, found ${text}`);
  return { kind: 'fwmark', mark, family: ipv6 ? 6 : 4 };
}

async function printFlows(runDir: string, io: Io, streaming: Stream): Promise<void> {
  let title = FLOW_TITLE;
  for await (const flows of streaming(runDir, { filter: {}, listed: true })) {
    io.out(title + flows.map(flowLine).join(''));
    title = ''; // not before there is an answer
    await io.drained?.();
  }
}
