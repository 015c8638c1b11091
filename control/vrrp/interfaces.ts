// Which interfaces an instance needs beside its own.

import type { VrrpInstance } from '../config/model.js';

/** Where its adverts come and go. */
export function advertInterface({ interface: name, virtualMac }: Pick<VrrpInstance, 'interface' | 'virtualMac'>): string {
  return virtualMac === undefined || virtualMac.transmitsByBase ? name : virtualMac.interface;
}

/** As in keepalived, an instance is in FAULT while one of these is down: where its addresses, routes and rules are, unless `no_track`. */
export function otherInterfaces(instance: VrrpInstance): readonly string[] {
  const {
    interface: own,
    virtualMac,
    dontTrackPrimary,
    addresses,
    excludedAddresses,
    routes = [],
    rules = [],
    staticInterfaces = [],
  } = instance;
  const names = [
    ...(virtualMac === undefined ? [] : [virtualMac.interface]),
    ...[...addresses, ...excludedAddresses].flatMap(({ device, untracked }) => (device === undefined || untracked ? [] : [device])),
    // Of several hops others may be left.
    ...routes.filter(({ tracked, hops }) => tracked && hops.length === 1).flatMap(({ hops: [hop] }) => hop?.device ?? []),
    ...rules.filter(({ tracked }) => tracked).flatMap(({ inInterface, outInterface }) => [inInterface ?? [], outInterface ?? []].flat()),
    ...staticInterfaces,
  ];
  // Its own virtual MAC is up when the interface below is.
  const primary = dontTrackPrimary ? virtualMac?.interface : undefined;
  return [...new Set(names)].filter((name) => name !== own && name !== primary && name !== 'lo');
}
