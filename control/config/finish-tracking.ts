// Drafts of what is tracked → Tracking: defaults, names that lead somewhere, and for each instance what counts how much.
// Read first: keepalived.conf(5), VRRP tracking. Where weights do not count, and which of two wins, is as keepalived has it.

import type { InstanceDraft, SyncGroupDraft, TopDraft } from './draft.js';
import { finishBfd, finishFile, finishProcess, finishScript } from './finish-watched.js';
import type { VirtualServer, VrrpInstance } from './model.js';
import type { Report } from './report.js';
import { headsOf } from './tracked-service.js';
import type { InstanceTracking, Subject, Tracked, TrackedDraft, Tracking, Weight } from './tracking.js';

const OWNER_PRIORITY = 255;

interface Surroundings {
  readonly report: Report;
  /** Of what is tracked by name, its own weight. */
  readonly own: ReadonlyMap<string, Weight>;
  readonly services: readonly VirtualServer[];
}

export function finishTracking(
  draft: TopDraft,
  instances: readonly VrrpInstance[],
  services: readonly VirtualServer[],
  report: Report,
): Tracking {
  const watched = {
    scripts: finishScript(draft.trackScripts, report),
    files: finishFile(draft.trackFiles, report),
    processes: finishProcess(draft.trackProcesses, report),
    bfd: finishBfd(draft.bfdInstances, report),
  };
  const surroundings: Surroundings = { report, own: ownWeights(watched), services };
  const disabled = new Set(watched.scripts.flatMap(({ name, script }) => (script.disabled === undefined ? [] : [keyOf('script', name)])));
  const groups = draft.syncGroups.map((group) => ({ group, tracked: trackedByGroup(group, draft, surroundings) }));
  const tracking = instances.flatMap((instance): InstanceTracking[] => {
    const written = draft.instances.find(({ name }) => name === instance.name);
    const grouped = groups.find(({ group }) => group.members.includes(instance.name));
    const all = written === undefined ? [] : trackedBy(instance, written, grouped, surroundings);
    const tracked = all.filter(({ key }) => !disabled.has(key));
    return tracked.length === 0 ? [] : [{ name: instance.name, priority: instance.priority, tracked }];
  });
  return { ...onlyUsed(watched, tracking), linkDelays: draft.linkDelays, instances: tracking };
}

interface Grouped {
  readonly group: SyncGroupDraft;
  readonly tracked: readonly Tracked[];
}

type Watched = Pick<Tracking, 'scripts' | 'files' | 'processes' | 'bfd'>;

function ownWeights({ scripts, files, processes, bfd }: Watched): Map<string, Weight> {
  const of = (kind: Subject['kind'], list: readonly (Weight & { readonly name: string })[]) =>
    list.map(({ name, weight, reverse }) => [keyOf(kind, name), { weight, reverse }] as const);
  return new Map([...of('script', scripts), ...of('file', files), ...of('process', processes), ...of('bfd', bfd)]);
}

/** Unique among all that is watched. */
function keyOf(kind: Subject['kind'], name: string): string {
  return `${kind} ${name}`;
}

/** Nobody runs a script or reads a file that no instance tracks. A file may also decide the weight of a server, and BFD its health. */
function onlyUsed(watched: Watched, instances: readonly InstanceTracking[]): Watched {
  const used = new Set(instances.flatMap(({ tracked }) => tracked.map(({ key }) => key)));
  return {
    ...watched,
    scripts: watched.scripts.filter(({ name }) => used.has(keyOf('script', name))),
    processes: watched.processes.filter(({ name }) => used.has(keyOf('process', name))),
  };
}

function trackedBy(instance: VrrpInstance, written: InstanceDraft, grouped: Grouped | undefined, surroundings: Surroundings): Tracked[] {
  const direct = resolved(written.tracked, `vrrp_instance ${instance.name}`, surroundings).flatMap((each) =>
    permitted(each, instance, grouped?.group, surroundings.report),
  );
  const tracked = new Map(direct.map((each) => [each.key, each]));
  for (const each of grouped?.tracked ?? []) addFromGroup(tracked, each, instance);
  for (const each of implicit(instance, written)) tracked.set(each.key, each);
  return [...tracked.values()];
}

interface Resolved {
  readonly tracked: Tracked;
  readonly place: TrackedDraft['place'];
}

function resolved(drafts: readonly TrackedDraft[], who: string, surroundings: Surroundings): Resolved[] {
  const seen = new Set<string>();
  return drafts.flatMap((draft): Resolved[] => {
    const { report, own } = surroundings;
    const { kind, key, name } = draft.subject;
    if (seen.has(key)) report.modified(draft.place, `${who} tracks ${name} twice; the first time counts`);
    if (seen.has(key)) return [];
    seen.add(key);
    const subject = kind === 'virtual_server' ? withServices(draft, surroundings) : draft.subject;
    const weight = own.get(key);
    if (subject === undefined || (NAMED.has(kind) && weight === undefined)) {
      report.error(draft.place, `${who} tracks ${name}, and there is no such ${NAMED.get(kind) ?? kind}`);
      return [];
    }
    const { weight: worth = weight?.weight ?? 0, reverse = weight?.reverse ?? false, place } = draft;
    return [{ tracked: { ...subject, weight: worth, reverse }, place }];
  });
}

const NAMED: ReadonlyMap<Subject['kind'], string> = new Map([
  ['script', 'vrrp_script'],
  ['file', 'track_file'],
  ['process', 'track_process'],
  ['bfd', 'bfd_instance'],
]);

function withServices({ subject }: TrackedDraft, { services }: Surroundings): Subject | undefined {
  const found = services.filter((service) => headsOf(service).includes(subject.name)).map(({ name }) => name);
  return found.length === 0 || subject.kind !== 'virtual_server' ? undefined : { ...subject, services: found };
}

/** Members of a sync group go together, so none may have a priority of its own; and the owner's is what it is. */
function permitted({ tracked, place }: Resolved, instance: VrrpInstance, group: SyncGroupDraft | undefined, report: Report): Tracked[] {
  const { kind, name, weight } = tracked;
  if (kind === 'interface' && name === instance.interface) {
    report.modified(place, `${name} is the interface of vrrp_instance ${instance.name}, which need not be tracked; ignored`);
    return [];
  }
  const inGroup = group !== undefined && !group.trackingWeight;
  // keepalived lets a process count even so.
  if (weight === 0 || kind === 'process' || !(inGroup || instance.priority === OWNER_PRIORITY)) return [tracked];
  const because = inGroup ? `it is in sync group ${group.name}` : 'it owns its addresses';
  const unweighted = (kind === 'interface' && inGroup) || (kind === 'file' && weight === 1);
  const outcome = unweighted ? 'its failure is a fault' : 'it is not tracked';
  report.modified(place, `the weight of ${name} does not count for vrrp_instance ${instance.name}: ${because}; ${outcome}`);
  return unweighted ? [{ ...tracked, weight: 0 }] : [];
}

function trackedByGroup(group: SyncGroupDraft, draft: TopDraft, surroundings: Surroundings): Tracked[] {
  const hasOwner = draft.instances.some(({ name, priority }) => priority === OWNER_PRIORITY && group.members.includes(name));
  return resolved(group.tracked, `vrrp_sync_group ${group.name}`, surroundings).map(({ tracked }) =>
    hasOwner ? { ...tracked, weight: 0 } : tracked,
  );
}

/** The group's weight counts for both, unless the instance says that it is a fault. */
function addFromGroup(tracked: Map<string, Tracked>, each: Tracked, instance: VrrpInstance): void {
  if (each.kind === 'interface' && each.name === instance.interface) return;
  if (tracked.get(each.key)?.weight !== 0) tracked.set(each.key, each);
}

/** What keepalived watches unasked: interfaces that virtual addresses are said to be on; not those that are made for them. */
function implicit({ interface: own }: VrrpInstance, { addresses, excludedAddresses }: InstanceDraft): Tracked[] {
  const devices = [...addresses, ...excludedAddresses].flatMap(({ device, untracked }) =>
    device === undefined || untracked ? [] : [device],
  );
  const others = new Set(devices.filter((device) => device !== own));
  return [...others].map((name) => ({ kind: 'interface', key: keyOf('interface', name), name, weight: 0, reverse: false }));
}
