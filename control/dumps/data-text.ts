// The data dumps: keepalived.data (VRRP), keepalived_check.data (services) and keepalived_parent.data (what is global). keepalived promises
// no format; what programs are known to read is here under the labels they look for.

import type { Config, RealServer, VirtualServer, VrrpInstance } from '../config/model.js';
import type { RealServerStatus, VirtualServerStatus } from '../status.js';
import { addressLine } from './address-line.js';
import type { DumpedInstance } from './json-dump.js';

export function parentText({ global, settings, file }: Config): string {
  return lines([
    '------< Global definitions >------',
    ` Router ID = ${global.routerId}`,
    ` Default VRRP version = ${global.vrrpVersion}`,
    ` VRRP startup delay = ${global.vrrpStartupDelayMs / 1000}`,
    ` Configuration file = ${file}`,
    ` Run directory = ${settings.runDir}`,
    ` Backend = ${settings.backend}`,
    ` Flows at most = ${settings.maxFlows}`,
  ]);
}

export function vrrpText(instances: readonly DumpedInstance[], groups: Config['syncGroups']): string {
  const topology = ['------< VRRP Topology >------', ...instances.flatMap(instanceLines)];
  const sync = ['------< VRRP Sync groups >------', ...groups.flatMap(({ name, members }) => groupLines(name, members, instances))];
  return lines(groups.length === 0 ? topology : [...topology, ...sync]);
}

/** In pieces, one for each service: there may be thousands. */
export function* checkText(services: readonly VirtualServer[], statuses: readonly VirtualServerStatus[]): Generator<string> {
  const known = new Map(statuses.map((status) => [status.name, status]));
  yield lines(['------< LVS Topology >------']);
  for (const service of services) yield lines(serviceLines(service, known.get(service.name)));
}

function instanceLines({ instance, status }: DumpedInstance): string[] {
  const state = status.state.toUpperCase();
  return [
    ` VRRP Instance = ${instance.name}`,
    `   VRRP Version = ${instance.version}`,
    ...(status.group === undefined ? [] : [`   Sync group = ${status.group}`]),
    ...(instance.family === 6 ? ['   Using Native IPv6'] : []),
    `   State = ${state}`,
    `   Wantstate = ${status.state === 'fault' ? 'BACKUP' : state}`,
    `   Number of tracker faults = ${status.faults.length}`,
    ...status.faults.map((fault) => `     ${fault}`),
    `   Last transition = ${(status.lastTransitionMs / 1000).toFixed(6)}`,
    `   Interface = ${instance.interface}`,
    `   Gratuitous ARP delay = ${Math.floor(instance.garpMasterDelayMs / 1000)}`,
    `   Gratuitous ARP repeat = ${instance.garpMasterRepeat}`,
    `   Gratuitous ARP refresh = ${Math.floor(instance.garpMasterRefreshMs / 1000)}`,
    `   Gratuitous ARP refresh repeat = ${instance.garpMasterRefreshRepeat}`,
    `   Down timer adverts = ${instance.downTimerAdverts}`,
    `   Virtual Router ID = ${instance.virtualRouterId}`,
    `   Priority = ${instance.priority}`,
    `   Effective priority = ${status.priority}`,
    `   Advert interval = ${instance.version === 2 ? `${instance.advertIntervalMs / 1000} sec` : `${instance.advertIntervalMs} milli-sec`}`,
    `   Accept = ${instance.noAccept ? 'disabled' : 'enabled'}`,
    `   Preempt = ${instance.preempt ? 'enabled' : 'disabled'}`,
    ...(instance.preemptDelayMs > 0 ? [`   Preempt delay = ${instance.preemptDelayMs / 1000} secs`] : []),
    `   Promote_secondaries = ${instance.promoteSecondaries ? 'enabled' : 'disabled'}`,
    ...authenticationLines(instance),
    ...listed(`Virtual IP (${instance.addresses.length}):`, instance.addresses, instance),
    ...listed('Virtual IP Excluded :', instance.excludedAddresses, instance),
    `   Using smtp notification = ${instance.notices?.mail ? 'yes' : 'no'}`,
    `   Notify deleted = ${instance.notices?.tellsDeleted ? 'Deleted' : 'Fault'}`,
    `   Notify priority changes = ${instance.notices?.priorityChanges ?? false}`,
  ];
}

function authenticationLines({ authentication, version }: VrrpInstance): string[] {
  if (authentication.type === 'none') return version === 2 ? ['   Authentication type = none'] : [];
  if (authentication.type === 'ah') return ['   Authentication type = IPSEC_AH'];
  return ['   Authentication type = SIMPLE_PASSWORD', '   Password = ********'];
}

function listed(title: string, addresses: VrrpInstance['addresses'], instance: VrrpInstance): string[] {
  return addresses.length === 0 ? [] : [`   ${title}`, ...addresses.map((address) => `     ${addressLine(address, instance)}`)];
}

function groupLines(name: string, members: readonly string[], instances: readonly DumpedInstance[]): string[] {
  const states = instances.filter(({ status }) => status.group === name).map(({ status }) => status.state.toUpperCase());
  return [` VRRP Sync Group = ${name}, ${states[0] ?? 'INIT'}`, ...members.map((member) => `   VRRP member instance = ${member}`)];
}

function serviceLines(service: VirtualServer, status: VirtualServerStatus | undefined): string[] {
  const { schedulerFlags, persistence } = service;
  return [
    ' ------< Virtual server >------',
    headOf(service),
    `   Address family = inet${service.family === 6 ? '6' : ''}`,
    `   lvs_sched = ${service.scheduler}`,
    ...schedulerFlags.map((flag) => `   ${flag} = enabled`),
    `   One packet scheduling = ${service.onePacket ? 'enabled' : 'disabled'}`,
    ...(persistence === undefined
      ? []
      : [`   persistence timeout = ${persistence.timeoutMs / 1000}`, `   persistence granularity = ${persistence.prefixLength}`]),
    `   protocol = ${service.identity.kind === 'fwmark' ? 'none' : service.identity.protocol.toUpperCase()}`,
    `   alpha is ${service.alpha ? 'ON' : 'OFF'}`,
    `   quorum = ${service.quorum}, hysteresis = ${service.hysteresis}`,
    '   default forwarding method = NAT',
    ...(service.sorryServer === undefined ? [] : sorryLines(service, status)),
    `   quorum_state_up = ${status?.quorumUp ? 1 : 0}`,
    ...service.realServers.flatMap((server) => serverLines(server, statusOf(server, status))),
  ];
}

function headOf({ identity }: VirtualServer): string {
  if (identity.kind === 'group') return ` VS GROUP = ${identity.group}`;
  if (identity.kind === 'fwmark') return ` VS FWMARK = ${identity.mark}`;
  return ` VS VIP = ${identity.address}, VPORT = ${identity.port}`;
}

function sorryLines({ sorryServer, sorryServerInhibit }: VirtualServer, status: VirtualServerStatus | undefined): string[] {
  return [
    `   sorry server = [${sorryServer?.address}]:${sorryServer?.port}`,
    `     Inhibit on failure is ${sorryServerInhibit ? 'ON' : 'OFF'}`,
    `     alive = ${status?.sorryServerActive ? 1 : 0}`,
  ];
}

function statusOf({ address, port }: RealServer, status: VirtualServerStatus | undefined): RealServerStatus | undefined {
  return status?.realServers.find((server) => server.address === address && server.port === port);
}

function serverLines(server: RealServer, status: RealServerStatus | undefined): string[] {
  const { upperThreshold = 0, lowerThreshold = 0 } = server;
  return [
    '   ------< Real server >------',
    `   RIP = ${server.address}, RPORT = ${server.port}, WEIGHT = ${server.weight}`,
    '   forwarding method = NAT',
    `   connection limit range = ${lowerThreshold} -> ${upperThreshold}`,
    `   Inhibit on failure is ${server.inhibitOnFailure ? 'ON' : 'OFF'}`,
    `   initial weight = ${server.weight}`,
    `   alive = ${status?.up ? 1 : 0}`,
    `   num failed checkers = ${status?.failedChecks ?? 0}`,
    `   checkers = ${server.checkers.map(({ kind }) => kind.toUpperCase()).join(' ') || 'none'}`,
  ];
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
