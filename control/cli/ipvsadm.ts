// `natlb ipvsadm`: the listing commands of ipvsadm, answered by a running natlb, for hands and scripts that know them.

import type { Protocol, Stats } from '../../dataplane/protocol.js';
import type { Status } from '../status.js';
import { serviceKey } from './address-words.js';
import { type Io, RUN_DIR_OPTION, readOptions, reportErrors, UsageError } from './args.js';
import { ask, DEFAULT_RUN_DIR } from './client.js';
import { FLOW_TITLE, flowLine, type ListedService, serviceList, timeoutLine, versionLine } from './ipvsadm-text.js';

/** Asks natlb; the tests pass an answer instead of a socket. */
export type Ask = typeof ask;

const OPTIONS = {
  ...RUN_DIR_OPTION,
  list: { type: 'boolean', short: 'L' },
  numeric: { type: 'boolean', short: 'n' },
  connection: { type: 'boolean', short: 'c' },
  stats: { type: 'boolean' },
  rate: { type: 'boolean' },
  exact: { type: 'boolean' },
  timeout: { type: 'boolean' },
  nosort: { type: 'boolean' },
  sort: { type: 'boolean' },
  'tcp-service': { type: 'string', short: 't' },
  'udp-service': { type: 'string', short: 'u' },
} as const;

const USAGE =
  'expected ipvsadm -L|-l [-n] [-t|-u ADDRESS:PORT] [--stats] [--exact] [--nosort], ipvsadm -L [-n] -c, or ipvsadm -L --timeout; [--run-dir DIR]';

type Values = ReturnType<typeof parse>;
type Filter = { readonly protocol: Protocol; readonly address: string; readonly port: number };

export function ipvsadm(args: readonly string[], io: Io, asking: Ask = ask): Promise<number> {
  return reportErrors('ipvsadm', io, async () => {
    const values = parse(args);
    const runDir = values['run-dir'] ?? DEFAULT_RUN_DIR;
    if (values.connection) await printFlows(runDir, io, asking);
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
  if (!values.list && Object.keys(rest).length > 0) throw new UsageError(USAGE);
  if (values.rate) throw new UsageError('--rate is not yet supported; use --stats twice, or rate() over /metrics');
  if (values.connection && (values.stats || values.timeout || values['tcp-service'] || values['udp-service'])) {
    throw new UsageError(`options conflict in the list command; ${USAGE}`);
  }
  return values;
}

function listing(status: Status, values: Values): string {
  if (values.timeout) return timeoutLine(status.timeouts);
  const stats = running(status);
  const filter = serviceFilter(values);
  const all = listed(status, stats);
  const services = filter === undefined ? all : matching(all, filter);
  const options = { view: values.stats ? 'stats' : 'connections', exact: values.exact ?? false, sort: !values.nosort } as const;
  const list = serviceList(services, options);
  return filter === undefined ? versionLine(stats.flows.capacity) + list : list;
}

function running(status: Status): Stats {
  if (status.dataplane.stats === undefined)
    throw new Error(`the data plane is not running (${status.dataplane.state}): nothing is balanced`);
  return status.dataplane.stats;
}

/** Between two looks a service may have come or gone: only what both know is listed. */
function listed({ virtualServers }: Status, { services }: Stats): readonly ListedService[] {
  const configured = new Map(virtualServers.map((server) => [server.name, server]));
  return services.flatMap((service) => {
    const server = configured.get(service.name);
    return server === undefined ? [] : [{ ...service, identity: server.identity, scheduler: server.scheduler }];
  });
}

function matching(services: readonly ListedService[], filter: Filter): readonly ListedService[] {
  const found = services.filter(({ identity }) => identity.kind === 'address' && serviceKey(identity) === serviceKey(filter));
  if (found.length === 0) throw new Error('No such service');
  return found;
}

function serviceFilter(values: Values): Filter | undefined {
  const [protocol, text] =
    values['tcp-service'] !== undefined ? (['tcp', values['tcp-service']] as const) : (['udp', values['udp-service']] as const);
  if (text === undefined) return undefined;
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const address = parts?.[1] ?? parts?.[2];
  if (address === undefined) throw new UsageError(`expected ADDRESS:PORT or [IPV6]:PORT, found ${text}`);
  return { protocol, address, port: Number(parts?.[3]) };
}

/** Lines per write: a million flows are not one string. */
const LINES = 1_000;

async function printFlows(runDir: string, io: Io, asking: Ask): Promise<void> {
  const flows = await asking(runDir, { what: 'flows' });
  io.out(FLOW_TITLE);
  for (let from = 0; from < flows.length; from += LINES) {
    io.out(
      flows
        .slice(from, from + LINES)
        .map(flowLine)
        .join(''),
    );
  }
}
