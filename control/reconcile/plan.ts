// What changes when the data plane goes from one snapshot to the next, as a human would say it: for the log and for `natlb diff`.

import type { Destination, Service, Snapshot } from '../../dataplane/protocol.js';
import type { VirtualServer } from '../config/model.js';
import { label } from '../health/texts.js';

type Timeouts = Snapshot['timeouts'];

/** `inhibited`: weight 0 stands for a failed check, not for a configured weight. */
export type Operation =
  | { readonly kind: 'set timeouts'; readonly from: Timeouts; readonly to: Timeouts }
  | { readonly kind: 'remove service'; readonly service: Service }
  | { readonly kind: 'add service'; readonly service: Service }
  | { readonly kind: 'change scheduler'; readonly service: Service; readonly from: string; readonly to: string }
  | { readonly kind: 'remove destination'; readonly service: Service; readonly destination: Destination; readonly sorry: boolean }
  | { readonly kind: 'add destination'; readonly service: Service; readonly destination: Destination; readonly sorry: boolean }
  | {
      readonly kind: 'change weight';
      readonly service: Service;
      readonly destination: Destination;
      readonly from: number;
      readonly sorry: boolean;
      readonly inhibited: boolean;
    };

/** `config` tells sorry servers and inhibited ones apart from the others; without it every destination is a real server with a weight. */
export function plan(wanted: Snapshot, applied: Snapshot | undefined, config: readonly VirtualServer[] = []): Operation[] {
  const before = new Map(applied?.services.map((service) => [nameOf(service), service]));
  const after = new Map(wanted.services.map((service) => [nameOf(service), service]));
  const roles = new Map(config.map((service) => [nameOf(service), service]));
  const removed = [...before].filter(([name]) => !after.has(name));
  return [
    ...planTimeouts(wanted, applied),
    ...removed.map(([, service]): Operation => ({ kind: 'remove service', service })),
    ...[...after].flatMap(([name, service]) => planService(service, before.get(name), roles.get(name))),
  ];
}

/** One line, with keepalived's words where it has words for it. */
export function describeOperation(operation: Operation): string {
  if (operation.kind === 'set timeouts')
    return `Changing timeouts (tcp tcpfin udp) from ${seconds(operation.from)} to ${seconds(operation.to)}`;
  const service = nameOf(operation.service);
  switch (operation.kind) {
    case 'remove service':
      return `Removing Virtual Server ${service}`;
    case 'add service':
      return `Adding Virtual Server ${service}`;
    case 'change scheduler':
      return `Changing scheduler from ${operation.from} to ${operation.to} for VS ${service}`;
    case 'remove destination':
      return `Removing ${serverOf(operation)} from VS ${service}`;
    case 'add destination':
      return `Adding ${serverOf(operation)} to VS ${service}`;
    case 'change weight':
      return describeWeight(operation);
  }
}

function planTimeouts(wanted: Snapshot, applied: Snapshot | undefined): Operation[] {
  if (applied === undefined || seconds(applied.timeouts) === seconds(wanted.timeouts)) return [];
  return [{ kind: 'set timeouts', from: applied.timeouts, to: wanted.timeouts }];
}

function planService(service: Service, applied: Service | undefined, role: VirtualServer | undefined): Operation[] {
  if (applied === undefined) return [{ kind: 'add service', service }, ...planDestinations(service, [], role)];
  const changed = applied.scheduler !== service.scheduler;
  const scheduler: Operation = { kind: 'change scheduler', service, from: applied.scheduler, to: service.scheduler };
  return [...(changed ? [scheduler] : []), ...planDestinations(service, applied.destinations, role)];
}

function planDestinations(service: Service, applied: readonly Destination[], role: VirtualServer | undefined): Operation[] {
  const before = new Map(applied.map((destination) => [endpoint(destination), destination]));
  const after = new Map(service.destinations.map((destination) => [endpoint(destination), destination]));
  const removed = [...before].filter(([name]) => !after.has(name));
  return [
    ...removed.map(
      ([, destination]): Operation => ({ kind: 'remove destination', service, destination, sorry: isSorry(destination, role) }),
    ),
    ...[...after].flatMap(([name, destination]) => planDestination(service, destination, before.get(name), role)),
  ];
}

function planDestination(
  service: Service,
  destination: Destination,
  applied: Destination | undefined,
  role: VirtualServer | undefined,
): Operation[] {
  if (applied?.weight === destination.weight) return [];
  const sorry = isSorry(destination, role);
  if (applied === undefined) return [{ kind: 'add destination', service, destination, sorry }];
  const inhibited = applied.weight * destination.weight === 0 && isInhibited(destination, sorry, role);
  return [{ kind: 'change weight', service, destination, from: applied.weight, sorry, inhibited }];
}

function isSorry(destination: Destination, role: VirtualServer | undefined): boolean {
  const isReal = role?.realServers.some((server) => endpoint(server) === endpoint(destination)) ?? false;
  return !isReal && role?.sorryServer !== undefined && endpoint(role.sorryServer) === endpoint(destination);
}

function isInhibited(destination: Destination, sorry: boolean, role: VirtualServer | undefined): boolean {
  if (sorry) return true;
  const server = role?.realServers.find((candidate) => endpoint(candidate) === endpoint(destination));
  return server?.inhibitOnFailure === true && server.weight !== 0;
}

function describeWeight(operation: Extract<Operation, { kind: 'change weight' }>): string {
  const { service, destination, from, inhibited } = operation;
  const verb = destination.weight === 0 ? 'Disabling' : 'Enabling';
  if (inhibited) return `${verb} ${serverOf(operation)} of VS ${nameOf(service)}`;
  return `Changing weight from ${from} to ${destination.weight} for active ${serverOf(operation)} of VS ${nameOf(service)}`;
}

function serverOf({ service, destination, sorry }: { service: Service; destination: Destination; sorry: boolean }): string {
  return `${sorry ? 'sorry server' : 'service'} ${label(service.protocol, destination)}`;
}

function seconds({ tcpMs, tcpFinMs, udpMs }: Timeouts): string {
  return `${tcpMs / 1000} ${tcpFinMs / 1000} ${udpMs / 1000}`;
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address} ${port}`;
}

function nameOf(service: Pick<Service, 'protocol' | 'address' | 'port'>): string {
  return label(service.protocol, service);
}
