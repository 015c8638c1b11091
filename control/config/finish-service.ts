// Drafts of virtual servers → the services of the Config: defaults as keepalived has them, and what a block inherits from the one around it.

import type { CheckerDraft, HttpUrlDraft, RealServerDraft, TimingDraft, VirtualServerDraft } from './draft.js';
import type { Checker, HttpUrl, RealServer, VirtualServer } from './model.js';
import { nameOf } from './service-name.js';

const DEFAULT_STATUS_CODES = [{ from: 200, to: 299 }];

export function finishVirtualServer(draft: VirtualServerDraft): VirtualServer {
  const { address, port, protocol = 'udp', sorryServer } = draft;
  const identity = { kind: 'address', protocol, address: address.text, port } as const;
  return {
    name: nameOf(identity),
    identity,
    listeners: [{ address: address.text, protocol, firstPort: port, lastPort: port }],
    family: address.family,
    scheduler: draft.scheduler ?? 'wrr',
    schedulerFlags: [],
    onePacket: false,
    timeouts: {},
    noDestination: 'default',
    resets: true,
    sloppy: 'never',
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
