// Listeners: addresses with ranges of ports, how people write the ports, and what several of them cover together.

import type { Listener, Protocol } from '../../dataplane/protocol.js';
import type { Address } from './address.js';

export interface Ports {
  readonly firstPort: number;
  readonly lastPort: number;
}

export const ALL_PORTS: Ports = { firstPort: 0, lastPort: 65_535 };

export const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
]);

/** Of `virtual_server` and its groups, where 0 is every port. */
export function portsOf(port: number): Ports {
  return port === 0 ? ALL_PORTS : { firstPort: port, lastPort: port };
}

/** `80`, `80,443`, `10000:20000` as iptables writes ranges, `10000-20000` as nft does; nothing when it is none of these. */
export function parsePorts(text: string): readonly Ports[] | undefined {
  const all = text.split(',').map((part): Ports | undefined => {
    const [, first = '', last = first] = /^(\d{1,5})(?:[:-](\d{1,5}))?$/.exec(part) ?? [];
    const [firstPort, lastPort] = [Number(first), Number(last)];
    return first !== '' && firstPort <= lastPort && lastPort <= 65_535 ? { firstPort, lastPort } : undefined;
  });
  return all.every((ports) => ports !== undefined) ? all : undefined;
}

export function listenersOn(addresses: readonly Address[], protocols: readonly Protocol[], ports: readonly Ports[]): Listener[] {
  return addresses.flatMap(({ text }) =>
    protocols.flatMap((protocol) => ports.map(({ firstPort, lastPort }) => ({ address: text, protocol, firstPort, lastPort }))),
  );
}

/** The same traffic without anything twice: what overlaps becomes one. In the order of first mention of address and protocol, then by port. */
export function disjoint(listeners: readonly Listener[]): Listener[] {
  const byHost = new Map<string, Listener[]>();
  for (const listener of listeners) {
    const host = `${listener.address} ${listener.protocol}`;
    const held = byHost.get(host);
    if (held === undefined) byHost.set(host, [listener]);
    else held.push(listener);
  }
  return [...byHost.values()].flatMap(joined);
}

function joined(listeners: readonly Listener[]): Listener[] {
  const all: Listener[] = [];
  for (const listener of listeners.toSorted((one, other) => one.firstPort - other.firstPort)) {
    const last = all.at(-1);
    if (last === undefined || listener.firstPort > last.lastPort) all.push(listener);
    else all[all.length - 1] = { ...last, lastPort: Math.max(last.lastPort, listener.lastPort) };
  }
  return all;
}

export function isOnePort({ firstPort, lastPort }: Ports): boolean {
  return firstPort === lastPort;
}

/** `TCP 203.0.113.10 80`, `TCP 203.0.113.10 8000-8999`. */
export function listenerText({ address, protocol, ...ports }: Listener): string {
  return `${protocol.toUpperCase()} ${address} ${portsText(ports)}`;
}

export function portsText({ firstPort, lastPort }: Ports): string {
  return firstPort === lastPort ? `${firstPort}` : `${firstPort}-${lastPort}`;
}
