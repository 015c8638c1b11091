// Drafts → the frozen Config: defaults as keepalived has them, and what a block inherits from the one around it.

import type {
  CheckerDraft,
  GlobalDraft,
  HttpUrlDraft,
  InstanceDraft,
  RealServerDraft,
  SettingsDraft,
  TimingDraft,
  TopDraft,
  VirtualServerDraft,
} from './draft.js';
import type { Checker, Config, GlobalDefs, HttpUrl, RealServer, Settings, VirtualServer, VrrpInstance } from './model.js';
import type { Report } from './report.js';

const DEFAULT_STATUS_CODES = [{ from: 200, to: 299 }];

export function finish(draft: TopDraft, file: string, hostName: string, report: Report): Config {
  return deepFreeze({
    file,
    global: finishGlobal(draft.global, hostName),
    instances: draft.instances.flatMap((instance) => finishInstance(instance, draft.global, report)),
    syncGroups: draft.syncGroups.map((group) => ({ ...group, members: [...new Set(group.members)] })),
    virtualServers: draft.virtualServers.map(finishVirtualServer),
    settings: finishSettings(draft.settings),
  });
}

function finishGlobal(draft: GlobalDraft, hostName: string): GlobalDefs {
  return {
    routerId: draft.routerId ?? hostName,
    vrrpVersion: draft.vrrpVersion ?? 2,
    timeouts: draft.timeouts ?? {},
    vrrpStartupDelayMs: draft.vrrpStartupDelayMs ?? 0,
    places: draft.places,
  };
}

function finishSettings({ interfaces, backend, maxFlows, metrics, runDir, places }: SettingsDraft): Settings {
  return {
    ...(interfaces === undefined ? {} : { interfaces }),
    backend: backend ?? 'auto',
    maxFlows: maxFlows ?? 1_000_000,
    ...(metrics === undefined ? {} : { metrics }),
    runDir: runDir ?? '/run/natlb',
    places,
  };
}

/** Without an interface or a router id there is nothing to speak VRRP with, so the instance is left out. */
function finishInstance(draft: InstanceDraft, global: GlobalDraft, report: Report): VrrpInstance[] {
  const { virtualRouterId, places } = draft;
  const block = places.block ?? { file: '', line: 1, column: 1 };
  if (places.interface === undefined) report.error(block, `vrrp_instance ${draft.name} has no interface`, "write 'interface NAME' in it");
  if (places.virtual_router_id === undefined)
    report.error(block, `vrrp_instance ${draft.name} has no virtual_router_id`, 'it is a number from 1 to 255');
  if (draft.interface === undefined || virtualRouterId === undefined) return [];
  const family = draft.addresses[0]?.family ?? (draft.nativeIpv6 ? 6 : 4);
  return [
    {
      name: draft.name,
      initialState: draft.initialState ?? 'backup',
      interface: draft.interface,
      virtualRouterId,
      priority: draft.priority ?? 100,
      advertIntervalMs: draft.advertIntervalMs ?? 1000,
      version: draft.version ?? (family === 6 ? 3 : (global.vrrpVersion ?? 2)),
      family,
      addresses: draft.addresses,
      excludedAddresses: draft.excludedAddresses,
      preempt: (draft.preempt ?? true) || draft.initialState === 'master',
      preemptDelayMs: draft.preemptDelayMs ?? 0,
      authentication: authenticationOf(draft),
      ...announcements(draft, global),
      v3ChecksumAsV2: global.v3ChecksumAsV2 ?? false,
      places,
    },
  ];
}

function authenticationOf({ authentication }: InstanceDraft): VrrpInstance['authentication'] {
  const password = authentication?.type === 'pass' ? authentication.password : undefined;
  return password === undefined ? { type: 'none' } : { type: 'pass', password };
}

type Announcements = Pick<
  VrrpInstance,
  'garpMasterDelayMs' | 'garpMasterRepeat' | 'garpMasterRefreshMs' | 'garpMasterRefreshRepeat' | 'downTimerAdverts'
>;

function announcements(draft: InstanceDraft, global: GlobalDraft): Announcements {
  return {
    garpMasterDelayMs: draft.garpMasterDelayMs ?? global.garpMasterDelayMs ?? (global.minimalGarp ? 0 : 5000),
    garpMasterRepeat: draft.garpMasterRepeat ?? global.garpMasterRepeat ?? (global.minimalGarp ? 1 : 5),
    garpMasterRefreshMs: draft.garpMasterRefreshMs ?? global.garpMasterRefreshMs ?? 0,
    garpMasterRefreshRepeat: draft.garpMasterRefreshRepeat ?? global.garpMasterRefreshRepeat ?? 1,
    downTimerAdverts: draft.downTimerAdverts ?? global.downTimerAdverts ?? 3,
  };
}

function finishVirtualServer(draft: VirtualServerDraft): VirtualServer {
  const { address, port, sorryServer } = draft;
  return {
    address: address.text,
    port,
    family: address.family,
    protocol: draft.protocol ?? 'udp',
    scheduler: draft.scheduler ?? 'wrr',
    quorum: draft.quorum ?? 1,
    hysteresis: draft.hysteresis ?? 0,
    alpha: draft.alpha ?? false,
    ...(sorryServer === undefined ? {} : { sorryServer: { port, ...sorryServer } }),
    sorryServerInhibit: draft.sorryServerInhibit ?? false,
    realServers: draft.realServers.map((server) => finishRealServer(server, draft)),
    places: draft.places,
  };
}

function finishRealServer(draft: RealServerDraft, service: VirtualServerDraft): RealServer {
  const port = draft.port ?? service.port;
  const around: Around = {
    ...timingOf(service, draft),
    virtualHost: draft.virtualHost ?? service.virtualHost,
    address: draft.address.text,
    port,
  };
  return {
    address: draft.address.text,
    port,
    weight: draft.weight ?? service.weight ?? 1,
    inhibitOnFailure: draft.inhibitOnFailure ?? service.inhibitOnFailure ?? false,
    checkers: draft.checkers.map((checker) => finishChecker(checker, around)),
    places: draft.places,
  };
}

/** What a checker takes over from its server. */
interface Around extends TimingDraft {
  readonly virtualHost: string | undefined;
  readonly address: string;
  readonly port: number;
}

function finishChecker(draft: CheckerDraft, around: Around): Checker {
  const { warmupMs, ...timing } = timingOf(around, draft);
  const common = {
    connectTimeoutMs: timing.connectTimeoutMs ?? 5000,
    delayLoopMs: timing.delayLoopMs ?? 60_000,
    retry: timing.retry ?? 1,
    delayBeforeRetryMs: timing.delayBeforeRetryMs ?? (draft.kind === 'http' ? 3000 : 1000),
    ...(warmupMs === undefined ? {} : { warmupMs }),
    alpha: timing.alpha ?? false,
    connect: { address: draft.connectAddress ?? around.address, port: draft.connectPort ?? around.port },
    ...(draft.bindAddress === undefined ? {} : { bindAddress: draft.bindAddress }),
    ...(draft.bindPort === undefined ? {} : { bindPort: draft.bindPort }),
    place: draft.place,
  };
  if (draft.kind === 'tcp') return { ...common, kind: 'tcp' };
  const virtualHost = draft.virtualHost ?? around.virtualHost;
  const urls = draft.urls.map(finishUrl);
  return { ...common, kind: 'http', urls, protocol: draft.httpProtocol ?? '1.0', ...(virtualHost === undefined ? {} : { virtualHost }) };
}

function finishUrl({ path, statusCodes, digest, virtualHost, place }: HttpUrlDraft): HttpUrl {
  return {
    path: path ?? '/',
    statusCodes: statusCodes.length > 0 ? statusCodes : DEFAULT_STATUS_CODES,
    ...(digest === undefined ? {} : { digest }),
    ...(virtualHost === undefined ? {} : { virtualHost }),
    place,
  };
}

const TIMING: readonly (keyof TimingDraft)[] = ['connectTimeoutMs', 'delayLoopMs', 'retry', 'delayBeforeRetryMs', 'warmupMs', 'alpha'];

/** The inner block's own timing over that of the block around it. */
function timingOf(outer: TimingDraft, inner: TimingDraft): TimingDraft {
  const given: Record<string, number | boolean> = {};
  for (const name of TIMING) {
    const value = inner[name] ?? outer[name];
    if (value !== undefined) given[name] = value;
  }
  return given;
}

/** Once something is frozen all of it is. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const name in value) deepFreeze(value[name]);
  return value;
}
