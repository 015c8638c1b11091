// What changes when the data plane goes from one snapshot to the next, as a human would say it: for the log and for `natlb diff`.

import type { Destination, Service, Snapshot } from '../../dataplane/protocol.js';
import type { VirtualServer } from '../config/model.js';
import { serverName } from '../config/service-name.js';
import { SERVICE_ASPECTS, SNAPSHOT_ASPECTS } from './aspects.js';

/** `inhibited`: weight 0 stands for a failed check, not for a configured weight. */
export type Operation =
  | { readonly kind: 'set'; readonly what: string; readonly from: string; readonly to: string }
  | { readonly kind: 'remove service'; readonly service: Service }
  | { readonly kind: 'add service'; readonly service: Service }
  | { readonly kind: 'change service'; readonly service: Service; readonly what: string; readonly from: string; readonly to: string }
  | { readonly kind: 'remove destination'; readonly service: Service; readonly destination: Destination; readonly sorry: boolean }
  | { readonly kind: 'add destination'; readonly service: Service; readonly destination: Destination; readonly sorry: boolean }
  | {
      readonly kind: 'change thresholds';
      readonly service: Service;
      readonly destination: Destination;
      readonly from: Destination;
      readonly sorry: boolean;
    }
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
  return [...operations(wanted, applied, config)];
}

/** One after the other, for whoever cannot take the time for all of them at once. */
export function* operations(
  wanted: Snapshot,
  applied: Snapshot | undefined,
  config: readonly VirtualServer[] = [],
): Generator<Operation, void, undefined> {
  const before = new Map(applied?.services.map((service) => [service.name, service]));
  const after = new Set(wanted.services.map(({ name }) => name));
  const roles = new Map(config.map((service) => [service.name, service]));
  yield* planSettings(wanted, applied);
  for (const [name, service] of before) if (!after.has(name)) yield { kind: 'remove service', service };
  for (const service of wanted.services) {
    const was = before.get(service.name);
    // One object is what nothing has changed of.
    if (was !== service) yield* planService(service, was, roles.get(service.name));
  }
}

/** One line, with keepalived's words where it has words for it. */
export function describeOperation(operation: Operation): string {
  if (operation.kind === 'set') return `Changing ${operation.what} from ${operation.from} to ${operation.to}`;
  const { name } = operation.service;
  switch (operation.kind) {
    case 'remove service':
      return `Removing Virtual Server ${name}`;
    case 'add service':
      return `Adding Virtual Server ${name}`;
    case 'change service':
      return `Changing ${operation.what} from ${operation.from} to ${operation.to} for VS ${name}`;
    case 'remove destination':
      return `Removing ${serverOf(operation)} from VS ${name}`;
    case 'add destination':
      return `Adding ${serverOf(operation)} to VS ${name}`;
    case 'change thresholds':
      return `Changing thresholds from ${thresholds(operation.from)} to ${thresholds(operation.destination)} for ${serverOf(operation)} of VS ${name}`;
    case 'change weight':
      return describeWeight(operation);
  }
}

function planSettings(wanted: Snapshot, applied: Snapshot | undefined): Operation[] {
  if (applied === undefined) return [];
  return SNAPSHOT_ASPECTS.flatMap(({ what, read }): Operation[] => {
    const [from, to] = [read(applied, wanted), read(wanted, applied)];
    return from === to ? [] : [{ kind: 'set', what, from, to }];
  });
}

function planService(service: Service, applied: Service | undefined, role: VirtualServer | undefined): Operation[] {
  if (applied === undefined) return [{ kind: 'add service', service }, ...planDestinations(service, [], role)];
  const changes = SERVICE_ASPECTS.flatMap(({ what, read }): Operation[] => {
    const [from, to] = [read(applied, service), read(service, applied)];
    return from === to ? [] : [{ kind: 'change service', service, what, from, to }];
  });
  return [...changes, ...planDestinations(service, applied.destinations, role)];
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
  if (applied === undefined) return [{ kind: 'add destination', service, destination, sorry: isSorry(destination, role) }];
  const isLimited = thresholds(applied) !== thresholds(destination);
  const isWeighed = applied.weight !== destination.weight;
  if (!isLimited && !isWeighed) return [];
  const sorry = isSorry(destination, role);
  const inhibited = applied.weight * destination.weight === 0 && isInhibited(destination, sorry, role);
  const limited: Operation = { kind: 'change thresholds', service, destination, from: applied, sorry };
  const weighed: Operation = { kind: 'change weight', service, destination, from: applied.weight, sorry, inhibited };
  return [...(isLimited ? [limited] : []), ...(isWeighed ? [weighed] : [])];
}

function isSorry(destination: Destination, role: VirtualServer | undefined): boolean {
  if (role?.sorryServer === undefined || endpoint(role.sorryServer) !== endpoint(destination)) return false;
  return !role.realServers.some((server) => endpoint(server) === endpoint(destination));
}

function isInhibited(destination: Destination, sorry: boolean, role: VirtualServer | undefined): boolean {
  if (sorry) return true;
  const server = role?.realServers.find((candidate) => endpoint(candidate) === endpoint(destination));
  return server?.inhibitOnFailure === true && server.weight !== 0;
}

function describeWeight(operation: Extract<Operation, { kind: 'change weight' }>): string {
  const { service, destination, from, inhibited } = operation;
  const verb = destination.weight === 0 ? 'Disabling' : 'Enabling';
  if (inhibited) return `${verb} ${serverOf(operation)} of VS ${service.name}`;
  return `Changing weight from ${from} to ${destination.weight} for active ${serverOf(operation)} of VS ${service.name}`;
}

function serverOf({ service, destination, sorry }: { service: Service; destination: Destination; sorry: boolean }): string {
  return `${sorry ? 'sorry server' : 'service'} ${serverName(service.identity, destination)}`;
}

function thresholds({ upperThreshold = 0, lowerThreshold = 0 }: Destination): string {
  return `${upperThreshold}/${lowerThreshold}`;
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address} ${port}`;
}
