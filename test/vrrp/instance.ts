// VRRP instances for tests, with keepalived's defaults where a test does not care.

import type { GlobalDefs, UnicastPeer, VirtualAddress, VrrpInstance } from '../../control/config/model.js';

const NOWHERE = { file: 'test', line: 1, column: 1 };

export function virtualAddress(address: string, device?: string): VirtualAddress {
  const family = address.includes(':') ? 6 : 4;
  return { address, family, prefixLength: family === 4 ? 32 : 128, place: NOWHERE, ...(device === undefined ? {} : { device }) };
}

export function unicastPeer(address: string, range: { readonly minTtl?: number; readonly maxTtl?: number } = {}): UnicastPeer {
  const family = address.includes(':') ? 6 : 4;
  return { address, family, minTtl: 0, maxTtl: 255, rangeGiven: Object.keys(range).length > 0, place: NOWHERE, ...range };
}

export function vrrpInstance(wanted: Partial<VrrpInstance> & { vips?: readonly string[] } = {}): VrrpInstance {
  const { vips = ['10.0.0.10'], ...settings } = wanted;
  return {
    name: 'VI_1',
    initialState: 'backup',
    interface: 'eth0',
    virtualRouterId: 51,
    priority: 100,
    advertIntervalMs: 1000,
    version: settings.family === 6 ? 3 : 2,
    family: 4,
    addresses: vips.map((address) => virtualAddress(address)),
    excludedAddresses: [],
    preempt: true,
    preemptDelayMs: 0,
    authentication: { type: 'none' },
    target: { kind: 'multicast', group: settings.family === 6 ? 'ff02::12' : '224.0.0.18' },
    garpMasterDelayMs: 5000,
    garpMasterRepeat: 5,
    garpMasterRefreshMs: 0,
    garpMasterRefreshRepeat: 1,
    garpLowerPriorityDelayMs: settings.garpMasterDelayMs ?? 5000,
    garpLowerPriorityRepeat: settings.garpMasterRepeat ?? 5,
    garpExtraInterfaces: { all: false, intervalMs: 0 },
    downTimerAdverts: 3,
    lowerPriorityNoAdvert: false,
    higherPrioritySendAdvert: false,
    ownerIgnoreAdverts: false,
    skipCheckAdvertAddresses: false,
    strict: false,
    oldUnicastChecksum: 'detect',
    v3ChecksumAsV2: false,
    places: {},
    ...settings,
  };
}

export function vrrpGlobal(wanted: Partial<GlobalDefs> = {}): GlobalDefs {
  return {
    routerId: 'test',
    vrrpVersion: 2,
    vrrpStartupDelayMs: 0,
    vrrpDelayAfterBootMs: 0,
    garpIntervalMs: 0,
    gnaIntervalMs: 0,
    garpGroups: [],
    logUnknownVrids: false,
    places: {},
    ...wanted,
  };
}
