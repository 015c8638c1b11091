// A running natlb on one screen: who is master, which servers are well, what the data plane does with packets.

import type { DestinationStats, ServiceStats, Stats, Traffic } from '../../dataplane/protocol.js';
import type { InstanceStatus, RealServerStatus, Status, TrackerStatus, VirtualServerStatus } from '../status.js';
import { endpointKey } from './address-words.js';

export function statusText(status: Status, nowMs: number): string {
  return [
    heading(status, nowMs),
    section('VRRP', table(status.instances.map((instance) => instanceRow(instance, nowMs)))),
    ...(status.trackers.length === 0 ? [] : [section('Tracked', table(status.trackers.map(trackerRow)))]),
    section('Services', serviceLines(status)),
    section('Data plane', dataplaneLines(status)),
  ].join('\n');
}

function heading(status: Status, nowMs: number): string {
  const { config } = status;
  const lines = [
    `natlb ${status.version} on ${status.routerId}, process ${status.pid}, up ${duration(nowMs - status.startedMs)}`,
    `configuration ${config.file}, loaded ${duration(nowMs - config.lastReloadSuccessMs)} ago; ${config.reloads} reloads, ${config.failedReloads} failed`,
  ];
  if (config.trialEndsMs !== undefined)
    lines.push(`  ON TRIAL: goes back in ${duration(config.trialEndsMs - nowMs)} unless you type natlb confirm`);
  if (config.rolledBack) lines.push('  ROLLED BACK: nobody confirmed what was loaded last; the file still says otherwise');
  else if (!config.lastReloadSuccessful) lines.push('  LAST RELOAD FAILED: the configuration from before it is still in force');
  return `${lines.join('\n')}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...(lines.length === 0 ? ['none'] : lines).map((line) => `  ${line}`), ''].join('\n');
}

function instanceRow(instance: InstanceStatus, nowMs: number): readonly string[] {
  const { name, state, version, virtualRouterId, priority, addresses, group, lastTransitionMs, faults } = instance;
  return [
    name,
    state.toUpperCase(),
    lastTransitionMs === 0 ? 'from the start' : `for ${duration(nowMs - lastTransitionMs)}`,
    instance.interface,
    `vrid ${virtualRouterId}`,
    `priority ${priority}`,
    `v${version}`,
    addresses.join(' '),
    [...(group === undefined ? [] : [`group ${group}`]), ...faults].join('; '),
  ];
}

function trackerRow({ kind, name, state, value, instances, detail }: TrackerStatus): readonly string[] {
  const word = value !== undefined ? String(value) : { well: 'ok', unwell: 'NOT OK', unknown: 'unknown' }[state];
  return [kind.replace('_', ' '), name, word, `for ${instances.join(' ')}`, detail ?? ''];
}

function serviceLines(status: Status): readonly string[] {
  const traffic = new Map((status.dataplane.stats?.services ?? []).map((service) => [service.name, service]));
  const rates = new Map((status.dataplane.rates?.services ?? []).map((rate) => [rate.name, rate]));
  return status.virtualServers.flatMap((server) => oneService(server, traffic.get(server.name), rates.get(server.name)));
}

function oneService(server: VirtualServerStatus, stats: ServiceStats | undefined, rate: Traffic | undefined): readonly string[] {
  const up = server.realServers.filter((real) => real.up).length;
  const words = [
    serviceName(server),
    server.scheduler,
    server.quorumUp ? 'up' : 'DOWN',
    `${up} of ${server.realServers.length} servers up, quorum ${server.quorum}`,
    ...(server.sorryServerActive ? ['SORRY SERVER ACTIVE'] : []),
    ...(rate === undefined ? [] : [`a second: ${rateWords(rate)}`]),
  ];
  const destinations = new Map((stats?.destinations ?? []).map((destination) => [endpointKey(destination), destination]));
  const configured = new Set(server.realServers.map(endpointKey));
  const rows = [
    ...server.realServers.map((real) => realServerRow(real, destinations.get(endpointKey(real)))),
    ...[...destinations.values()].filter((destination) => !configured.has(endpointKey(destination))).map(extraRow),
  ];
  return [words.join('  '), ...table(rows).map((line) => `  ${line}`)];
}

function serviceName({ identity }: VirtualServerStatus): string {
  if (identity.kind === 'fwmark') return `FWM ${identity.mark}${identity.family === 6 ? ' IPv6' : ''}`;
  return `${identity.protocol.toUpperCase()} ${identity.kind === 'group' ? identity.group : endpoint(identity)}`;
}

function realServerRow(real: RealServerStatus, stats: DestinationStats | undefined): readonly string[] {
  return [
    `-> ${endpoint(real)}`,
    real.up ? 'up' : 'DOWN',
    `weight ${stats?.weight ?? real.configuredWeight}`,
    connections(stats),
    `${real.failedChecks} of ${real.checks} checks failed`,
    real.up || real.lastFailure === undefined ? '' : real.lastFailure,
  ];
}

/** A destination that is no configured real server: the sorry server. */
function extraRow(stats: DestinationStats): readonly string[] {
  return [`-> ${endpoint(stats)}`, 'sorry', `weight ${stats.weight}`, connections(stats), '', ''];
}

function connections(stats: DestinationStats | undefined): string {
  return stats === undefined ? 'not in use' : `${stats.active} active ${stats.inactive} inactive`;
}

function dataplaneLines({ dataplane }: Status): readonly string[] {
  const { state, silent, pid, restarts, stats } = dataplane;
  const words = silent ? 'DOES NOT ANSWER' : state === 'running' ? state : state.toUpperCase();
  const first = `${words}${pid === undefined ? '' : `, process ${pid}`}, ${restarts} restarts`;
  return stats === undefined ? [first] : [first, ...statsLines(stats, dataplane.rates?.total)];
}

function statsLines(stats: Stats, rate: Traffic | undefined): readonly string[] {
  const { flows, ended } = stats;
  const notSent = stats.verdicts.filter(({ fate, packets }) => fate !== 'sent' && packets > 0).toSorted((a, b) => b.packets - a.packets);
  return [
    `${stats.backend}: ${stats.backendReason}`,
    `flows ${flows.entries} of ${flows.capacity}, table ${mebibytes(flows.bytes)} MiB`,
    `ended ${ended.halfOpenShed} half-open flows to make room, ${ended.resetsSent} RSTs sent to the ends of flows given up`,
    ...(rate === undefined ? [] : [`a second: ${rateWords(rate)}`]),
    `packets ${stats.received} received: ${fate(stats, 'sent')} sent on, ${fate(stats, 'answered')} answered, ${fate(stats, 'dropped')} dropped`,
    ...table(notSent.map(({ verdict, packets, help }) => ['', String(packets), verdict, help])),
    ...table(stats.devices.map((device) => ['', `${device.interface}/${device.queue}`, ...deviceWords(device)])),
  ];
}

function deviceWords(device: Stats['devices'][number]): readonly string[] {
  const lost = [
    ['receive lost', device.receiveLost],
    ['transmit full', device.transmitFull],
    ['transmit errors', device.transmitError],
  ] as const;
  const troubles = lost.filter(([, count]) => count > 0).map(([what, count]) => `${what} ${count}`);
  return [`${device.received} in`, `${device.transmitted} out`, troubles.join(', ')];
}

function fate(stats: Stats, wanted: Stats['verdicts'][number]['fate']): number {
  return stats.verdicts.filter((verdict) => verdict.fate === wanted).reduce((sum, verdict) => sum + verdict.packets, 0);
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function rateWords({ connections, packetsIn, packetsOut, bytesIn, bytesOut }: Traffic): string {
  return `${connections} connections, ${packetsIn} packets and ${bytesIn} bytes in, ${packetsOut} and ${bytesOut} out`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** The two largest units: 3d 4h, 4h 5m, 5m 6s, 6s. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2);
  return shown.map(([count, unit]) => `${count}${unit}`).join(' ');
}

/** Rows as lines with aligned columns and nothing behind the last word. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
