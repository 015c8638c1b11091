// What the data plane has room for: its tables are as long as native/core/slots.h says.

import { at, error } from './finding.js';
import type { Finding, VirtualServer } from './model.js';

interface Table {
  readonly what: string;
  readonly room: number;
  /** What of the service stands in it; what several services name stands there once. */
  readonly entries: (service: VirtualServer) => readonly string[];
}

const TABLES: readonly Table[] = [
  { what: 'virtual servers', room: 16_384, entries: ({ name }) => [name] },
  { what: 'virtual addresses', room: 16_384, entries: ({ listeners }) => listeners.map(({ address }) => address) },
  {
    what: 'real servers',
    room: 131_072,
    entries: ({ name, realServers }) => realServers.map((server) => `${name} ${server.address} ${server.port}`),
  },
];

/** One finding for each table, at the service that does not fit. */
export function checkRoom(services: readonly VirtualServer[]): Finding[] {
  return TABLES.flatMap(({ what, room, entries }) => {
    const seen = new Set<string>();
    for (const service of services) {
      for (const entry of entries(service)) seen.add(entry);
      if (seen.size > room) return [error(at(service.places), `these are more than ${room} ${what}; the data plane has no room for them`)];
    }
    return [];
  });
}
