// Drafts → the frozen Config: defaults as keepalived has them, and what a block inherits from the one around it.

import type { GlobalDraft, InstanceDraft, SettingsDraft, SyncGroupDraft, TopDraft } from './draft.js';
import { at } from './finding.js';
import { checkSurroundings } from './finish-checker.js';
import { election } from './finish-election.js';
import { finishKernelPart, finishStatics, InterfaceNames, trackedStatics } from './finish-kernel.js';
import { finishNotifications, finishStateNotices } from './finish-notices.js';
import { finishOperating } from './finish-operating.js';
import { finishVirtualServer } from './finish-service.js';
import { finishTracking } from './finish-tracking.js';
import type { MarkRule } from './firewall/rule.js';
import type { Placed } from './keyword.js';
import { marksOf, reportMarks } from './marks.js';
import type { Config, GlobalDefs, Settings, SyncGroup, VrrpInstance } from './model.js';
import type { Report } from './report.js';
import { PROFILES, withLvsTimeouts } from './timeouts.js';

const FLOWS = 1_000_000;
const TAKEOVER_MS = 10_000;

export interface FinishOptions {
  readonly file: string;
  readonly hostName: string;
  /** Rules that set firewall marks. */
  readonly rules: readonly MarkRule[];
  readonly report: Report;
}

export function finish(draft: TopDraft, { file, hostName, rules, report }: FinishOptions): Config {
  const surroundings = {
    marks: marksOf(draft.settings.marks, rules),
    groups: draft.groups,
    global: draft.global,
    checks: checkSurroundings(draft),
    report,
  };
  const virtualServers = draft.virtualServers.flatMap((service) => finishVirtualServer(service, surroundings));
  const served = new Set(virtualServers.flatMap(({ listeners }) => listeners.map(({ address }) => address)));
  const names = new InterfaceNames(draft.instances);
  const statics = trackedStatics(draft, report);
  reportMarks(draft, { rules, served, report });
  const instances = draft.instances.flatMap((instance) => finishInstance(instance, { global: draft.global, names, statics, report }));
  return deepFreeze({
    file,
    global: finishGlobal(draft, hostName),
    instances,
    syncGroups: draft.syncGroups.map((group) => finishSyncGroup(group, draft.global, report)),
    virtualServers,
    ...finishNotifications(draft.global, hostName, report),
    ...finishStatics(draft),
    tracking: finishTracking(draft, instances, virtualServers, report),
    settings: finishSettings(draft.settings, draft.global),
  });
}

function finishSyncGroup(draft: SyncGroupDraft, global: GlobalDraft, report: Report): SyncGroup {
  const { name, members, places } = draft;
  if (new Set(members).size < members.length) report.modified(at(places, 'group'), `sync group ${name} names an instance twice`);
  return { name, members: [...new Set(members)], ...finishStateNotices(draft, global), places };
}

function finishGlobal({ global: draft, garpGroups }: TopDraft, hostName: string): GlobalDefs {
  const { garpIntervalMs = 0, gnaIntervalMs = 0 } = draft;
  return {
    routerId: draft.routerId ?? hostName,
    vrrpVersion: draft.vrrpVersion ?? 2,
    vrrpStartupDelayMs: draft.vrrpStartupDelayMs ?? 0,
    ...(draft.dynamicInterfaces && { dynamicInterfaces: draft.dynamicInterfaces }),
    vrrpDelayAfterBootMs: draft.vrrpDelayAfterBootMs ?? 0,
    garpIntervalMs,
    gnaIntervalMs,
    garpGroups: garpGroups.map((group) => ({ garpIntervalMs: 0, gnaIntervalMs: 0, ...withoutPlaces(group) })),
    logUnknownVrids: draft.logUnknownVrids ?? false,
    ...finishOperating(draft),
    places: draft.places,
  };
}

function withoutPlaces<Draft extends Placed>({ places: _, ...values }: Draft): Omit<Draft, 'places'> {
  return values;
}

function finishSettings(draft: SettingsDraft, { timeouts: lvsTimeouts = {} }: GlobalDraft): Settings {
  const { interfaces, backend, maxFlows = FLOWS, metrics, runDir, timeouts, takeoverMs, halfOpen, places } = draft;
  return {
    ...(interfaces === undefined ? {} : { interfaces }),
    backend: backend ?? 'auto',
    maxFlows,
    timeouts: { ...withLvsTimeouts(PROFILES[timeouts?.profile ?? 'rfc'], lvsTimeouts), ...timeouts?.states },
    takeoverMs: takeoverMs ?? TAKEOVER_MS,
    halfOpen: halfOpen ?? halfOpenLimit(maxFlows),
    ...(metrics === undefined ? {} : { metrics }),
    runDir: runDir ?? '/run/natlb',
    places,
  };
}

/** A flood of SYN may have a quarter of the table, and of that quarter one network a sixteenth. */
function halfOpenLimit(maxFlows: number): Settings['halfOpen'] {
  const service = Math.floor(maxFlows / 4);
  return { service, source: Math.floor(service / 16) };
}

interface InstanceSurroundings {
  readonly global: GlobalDraft;
  readonly names: InterfaceNames;
  /** Interfaces of static addresses and routes, by who tracks them. */
  readonly statics: ReadonlyMap<string, readonly string[]>;
  readonly report: Report;
}

/** Without an interface or a router id there is nothing to speak VRRP with, so the instance is left out. */
function finishInstance(draft: InstanceDraft, { global, names, statics, report }: InstanceSurroundings): VrrpInstance[] {
  const { virtualRouterId, places } = draft;
  const block = places.block ?? { file: '', line: 1, column: 1 };
  if (places.interface === undefined) report.error(block, `vrrp_instance ${draft.name} has no interface`, "write 'interface NAME' in it");
  if (places.virtual_router_id === undefined)
    report.error(block, `vrrp_instance ${draft.name} has no virtual_router_id`, 'it is a number from 1 to 255');
  if (draft.interface === undefined || virtualRouterId === undefined) return [];
  const family = familyOf(draft);
  // Who says MASTER and no priority is the owner of the addresses to keepalived.
  const priority = draft.priority ?? (draft.initialState === 'master' ? 255 : 100);
  const version = draft.version ?? (family === 6 ? 3 : (global.vrrpVersion ?? 2));
  const waits = startsWaiting(draft, report);
  return [
    {
      name: draft.name,
      initialState: waits ? 'backup' : (draft.initialState ?? 'backup'),
      interface: draft.interface,
      virtualRouterId,
      priority,
      advertIntervalMs: draft.advertIntervalMs ?? 1000,
      version,
      family,
      ...finishKernelPart(draft, {
        interface: draft.interface,
        virtualRouterId,
        family,
        global,
        names,
        staticInterfaces: statics.get(draft.name) ?? [],
        report,
      }),
      ...(draft.dontTrackPrimary && { dontTrackPrimary: true }),
      ...election(draft, { global, family, version, priority, report }),
      ...finishStateNotices(draft, global),
      places,
    },
  ];
}

/** The sequence numbers of AH are learned from the neighbours, so nobody starts as master with it. */
function startsWaiting({ name, authentication, initialState, places }: InstanceDraft, report: Report): boolean {
  if (authentication?.type !== 'ah') return false;
  if (initialState === 'master') report.modified(at(places, 'state'), `vrrp_instance ${name} starts as BACKUP: auth_type AH`);
  return true;
}

/** What is written first decides. */
function familyOf({ addresses, unicastPeers, sourceAddress, multicastGroup, nativeIpv6 }: InstanceDraft): 4 | 6 {
  return (addresses[0] ?? unicastPeers[0] ?? sourceAddress ?? multicastGroup)?.family ?? (nativeIpv6 ? 6 : 4);
}

/** Once something is frozen all of it is. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const name in value) deepFreeze(value[name]);
  return value;
}
