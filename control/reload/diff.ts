// What a reload would do, told beforehand: the value behind `natlb diff`.

import type { Config, Finding, RealServer, VirtualServer } from '../config/model.js';
import { serverName } from '../config/service-name.js';
import { planUnits, samePlan } from '../vrrp/plan.js';
import { blockDifference, type Difference, listDifferences } from './differences.js';
import { saying } from './fingerprint.js';
import type { Read } from './messages.js';

/** `effect`: what it means for what runs, where that is not plain. */
export interface ConfigDifference extends Difference {
  readonly effect?: string;
}

export interface ConfigDiff {
  readonly file: string;
  /** False: a reload would be refused, and the findings say why. */
  readonly loadable: boolean;
  readonly findings: readonly Finding[];
  readonly differences: readonly ConfigDifference[];
}

/** Of what is a list of named blocks in a configuration, what such a block is called. What is not here is called as its field is. */
const BLOCKS: Readonly<Record<string, string>> = {
  instances: 'vrrp_instance',
  syncGroups: 'vrrp_sync_group',
  virtualServers: 'virtual_server',
  scripts: 'vrrp_script',
  trackFiles: 'track_file',
  trackProcesses: 'track_process',
  bfdInstances: 'bfd_instance',
  global: 'global_defs',
  settings: 'natlb',
};

const LAST = new Set(['virtualServers']);

export function configDiff(file: string, running: Config, { known, findings }: Read): ConfigDiff {
  if (known === undefined) return { file, loadable: false, findings, differences: [] };
  return { file, loadable: true, findings, differences: configDifferences(running, known.config) };
}

export function configDifferences(before: Config, after: Config): ConfigDifference[] {
  const parts = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((part) => part !== 'file' && !LAST.has(part));
  const [from, to] = [before as unknown as Readonly<Record<string, unknown>>, after as unknown as Readonly<Record<string, unknown>>];
  const restarted = restartedInstances(before, after);
  return [
    ...parts.flatMap((part) => partDifferences(BLOCKS[part] ?? part, from[part], to[part])).map((each) => withEffect(each, restarted)),
    ...serviceDifferences(before.virtualServers, after.virtualServers),
  ];
}

function partDifferences(block: string, before: unknown, after: unknown): Difference[] {
  if (isBlocks(before) && isBlocks(after)) return listDifferences(before, after, ({ name }) => `${block} ${name}`);
  if (isObject(before) && isObject(after)) return blockDifference(block, before, after);
  return saying(before) === saying(after) ? [] : blockDifference(block, { [block]: before }, { [block]: after });
}

function isBlocks(value: unknown): value is readonly { readonly name: string }[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && 'name' in item);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function restartedInstances(before: Config, after: Config): ReadonlySet<string> {
  const kept = planUnits(before.instances, before.syncGroups);
  const fresh = planUnits(after.instances, after.syncGroups).filter((plan) => !kept.some((other) => samePlan(other, plan)));
  return new Set(fresh.flatMap(({ instances }) => instances.map(({ name }) => `vrrp_instance ${name}`)));
}

function withEffect(difference: Difference, restarted: ReadonlySet<string>): ConfigDifference {
  if (difference.kind === 'changed' && restarted.has(difference.block)) return { ...difference, effect: 'resigns and starts again' };
  return difference;
}

/** Services that are one object in both are alike; there may be thousands. */
function serviceDifferences(before: readonly VirtualServer[], after: readonly VirtualServer[]): ConfigDifference[] {
  const old = new Map(before.map((service) => [service.name, service]));
  const next = new Map(after.map((service) => [service.name, service]));
  const gone = before.filter(({ name }) => !next.has(name));
  return [
    ...gone.flatMap((service) => blockDifference(headOf(service), service, undefined)),
    ...after.flatMap((service) => serviceDifference(old.get(service.name), service)),
  ];
}

function serviceDifference(before: VirtualServer | undefined, after: VirtualServer): ConfigDifference[] {
  if (before === after) return [];
  const block = headOf(after);
  if (before === undefined) return blockDifference(block, undefined, after);
  const { realServers: oldServers, ...old } = before;
  const { realServers: servers, ...own } = after;
  return [
    ...blockDifference(block, old, own),
    ...listDifferences(
      withoutCheckers(oldServers),
      withoutCheckers(servers),
      (server) => `${block} real_server ${server.address} ${server.port}`,
    ),
    ...servers.flatMap((server) => checkerDifferences(block, after, server, oldServers)),
  ];
}

function withoutCheckers(servers: readonly RealServer[]): readonly Omit<RealServer, 'checkers'>[] {
  return servers.map(({ checkers: _, ...server }) => server);
}

function checkerDifferences(
  block: string,
  service: VirtualServer,
  server: RealServer,
  oldServers: readonly RealServer[],
): ConfigDifference[] {
  const before = oldServers.find(({ address, port }) => address === server.address && port === server.port);
  if (before === undefined || before === server) return [];
  const name = serverName(service.identity, server);
  return listDifferences(before.checkers, server.checkers, ({ kind }) => `${block} checker ${kind} of ${name}`);
}

function headOf({ identity }: VirtualServer): string {
  switch (identity.kind) {
    case 'address':
      return `virtual_server ${identity.address} ${identity.port} ${identity.protocol}`;
    case 'fwmark':
      return `virtual_server fwmark ${identity.mark}${identity.family === 6 ? ' inet6' : ''}`;
    case 'group':
      return `virtual_server group ${identity.group} ${identity.protocol}`;
  }
}
