// Listeners of several services on one address: who gets a packet, and who never gets one.

import type { Listener } from '../../dataplane/protocol.js';
import { at, error, warning } from './finding.js';
import { isOnePort, listenerText } from './listeners.js';
import type { Finding, VirtualServer } from './model.js';

/** Ranges of one address and protocol that the steering program looks through (native/bpf/maps.h). */
const RANGES = 16;

interface Owned {
  readonly service: VirtualServer;
  readonly listener: Listener;
}

export function checkListeners(services: readonly VirtualServer[]): Finding[] {
  const byHost = new Map<string, Owned[]>();
  for (const service of services) {
    for (const listener of service.listeners) {
      const host = `${listener.protocol} ${listener.address}`;
      const held = byHost.get(host);
      if (held === undefined) byHost.set(host, [{ service, listener }]);
      else held.push({ service, listener });
    }
  }
  const hosts = [...byHost.values()];
  return [...hosts.flatMap(tooManyRanges), ...oncePerPair(hosts.flatMap(overlaps))];
}

function tooManyRanges(owned: readonly Owned[]): Finding[] {
  const [, ...beyond] = owned.filter(({ listener }) => !isOnePort(listener)).slice(RANGES - 1);
  const [first] = beyond;
  if (first === undefined) return [];
  const { protocol, address } = first.listener;
  return [
    error(
      at(first.service.places),
      `${protocol.toUpperCase()} ${address} has ${RANGES + beyond.length} ranges of ports; ${RANGES} is the most`,
    ),
  ];
}

interface Overlap {
  readonly winner: Owned;
  readonly loser: Owned;
}

/** Sorted by the first port, a listener meets only those that begin before it ends. */
function overlaps(owned: readonly Owned[]): Overlap[] {
  const sorted = owned.toSorted((one, other) => one.listener.firstPort - other.listener.firstPort);
  return sorted.flatMap((one, index) => {
    const met: Overlap[] = [];
    for (let next = index + 1; next < sorted.length; next += 1) {
      const other = sorted[next];
      if (other === undefined || other.listener.firstPort > one.listener.lastPort) break;
      if (other.service !== one.service) met.push(rank(one) >= rank(other) ? { winner: one, loser: other } : { winner: other, loser: one });
    }
    return met;
  });
}

/** As IPVS looks for a service: firewall marks first, then single ports, then the one for every port. */
function rank({ service, listener }: Owned): number {
  if (service.identity.kind === 'fwmark') return 2;
  return isOnePort(listener) ? 1 : 0;
}

/** Two services that meet on a hundred addresses are one mistake. */
function oncePerPair(all: readonly Overlap[]): Finding[] {
  const pairs = new Set<string>();
  return all.flatMap((overlap) => {
    const found = findingOf(overlap);
    const pair = JSON.stringify([overlap.winner.service.name, overlap.loser.service.name].sort());
    if (found.length === 0 || pairs.has(pair)) return [];
    pairs.add(pair);
    return found;
  });
}

function findingOf({ winner, loser }: Overlap): Finding[] {
  if (winner.service.name === loser.service.name) return [];
  if (rank(winner) === rank(loser)) {
    const { service } = later({ winner, loser });
    const other = service === winner.service ? loser : winner;
    const { file, line } = at(other.service.places);
    const message = `${service.name} and ${other.service.name} are both for ${listenerText(narrower(winner, loser))}`;
    return [error(at(service.places), message, `the other one stands in ${file}, line ${line}`)];
  }
  if (!contains(winner.listener, loser.listener)) return [];
  const message = `${loser.service.name} gets nothing of ${listenerText(loser.listener)}: ${winner.service.name} has it first`;
  return [warning(at(loser.service.places), message, 'firewall marks come before addresses')];
}

function contains(outer: Listener, inner: Listener): boolean {
  return outer.firstPort <= inner.firstPort && inner.lastPort <= outer.lastPort;
}

/** The traffic that both are for, as well as a listener says it. */
function narrower({ listener: one }: Owned, { listener: other }: Owned): Listener {
  return { ...one, firstPort: Math.max(one.firstPort, other.firstPort), lastPort: Math.min(one.lastPort, other.lastPort) };
}

/** The one further down in the text. */
function later({ winner, loser }: Overlap): Owned {
  const [first, second] = [at(winner.service.places), at(loser.service.places)];
  return first.file !== second.file || first.line < second.line ? loser : winner;
}
