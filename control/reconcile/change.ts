// A snapshot as what is different from the one before: of thousands of services hardly ever more than a few are.

import type { Service, Snapshot, SnapshotChange } from '../../dataplane/protocol.js';

/** Services that are one object in both are named by their place. */
export function changeFrom(told: Snapshot | undefined, snapshot: Snapshot): SnapshotChange {
  if (told === undefined) return snapshot;
  const places = new Map(told.services.map((service, place) => [service, place]));
  const services = snapshot.services.map((service): Service | number => places.get(service) ?? service);
  return { ...snapshot, services, base: told.generation };
}
