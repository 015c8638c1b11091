// Drafts of virtual servers → the services of the Config: defaults as keepalived has them, and what a block inherits from the one around it.

import type { SchedulerFlag } from '../../dataplane/protocol.js';
import { widthOf } from './address.js';
import type { CheckerDraft, FlagDraft, GlobalDraft, HttpUrlDraft, RealServerDraft, TimingDraft, VirtualServerDraft } from './draft.js';
import { finishHealthNotices } from './finish-notices.js';
import { prefixLengthOf } from './granularity.js';
import type { Checker, HttpUrl, Place, RealServer, VirtualServer } from './model.js';
import type { Report } from './report.js';
import { type Resolved, resolveHead, type Surroundings } from './service-head.js';
import { nameOf } from './service-name.js';
import { PROFILES } from './timeouts.js';

const DEFAULT_STATUS_CODES = [{ from: 200, to: 299 }];
const DEFAULT_SCHEDULER = 'wlc';
/** keepalived's, where persistence is asked for without a time. */
const PERSISTENCE_MS = 360_000;
/** As ip_vs_ftp has it. */
const FTP_PORT = 21;

/** A service whose traffic cannot be told is left out; that is an error already. */
export function finishVirtualServer(draft: VirtualServerDraft, surroundings: Surroundings): VirtualServer[] {
  const resolved = resolveHead(draft, surroundings);
  if (resolved === undefined) return [];
  const { report, global } = surroundings;
  const { identity, listeners, family, port } = resolved;
  const { scheduler = DEFAULT_SCHEDULER, sorryServer, options, places } = draft;
  const helper = options.helper ?? (hasFtpPort(resolved) ? 'ftp' : 'none');
  return [
    {
      name: nameOf(identity),
      identity,
      listeners,
      family,
      scheduler,
      schedulerFlags: places.lb_algo !== undefined && draft.scheduler === undefined ? [] : flagsOf(draft.flags, scheduler, report),
      onePacket: draft.onePacket ?? false,
      ...persistenceOf(draft, resolved, report),
      ...(helper === 'ftp' ? { helper } : {}),
      timeouts: { ...(options.timeouts?.profile && PROFILES[options.timeouts.profile]), ...options.timeouts?.states },
      noDestination: options.noDestination ?? 'default',
      resets: options.resets ?? true,
      sloppy: options.sloppy ?? 'never',
      quorum: draft.quorum ?? 1,
      hysteresis: draft.hysteresis ?? 0,
      alpha: draft.alpha ?? false,
      ...(sorryServer === undefined ? {} : { sorryServer: { port, ...sorryServer } }),
      sorryServerInhibit: draft.sorryServerInhibit ?? false,
      realServers: draft.realServers.map((server) => finishRealServer(server, { service: draft, global, port, report })),
      ...finishHealthNotices(draft, global, false),
      places: { ...Object.fromEntries(Object.entries(options.places).filter(([name]) => name !== 'block')), ...places },
    },
  ];
}

/** In a range of ports nobody knows which of them is FTP's. */
function hasFtpPort({ listeners }: Resolved): boolean {
  return listeners.some(({ protocol, firstPort, lastPort }) => protocol === 'tcp' && firstPort === FTP_PORT && lastPort === FTP_PORT);
}

const MEANINGS: Readonly<Record<string, Readonly<Record<string, SchedulerFlag>>>> = {
  sh: { 'sh-port': 'sh-port', 'sh-fallback': 'sh-fallback', 'flag-1': 'sh-fallback', 'flag-2': 'sh-port' },
  mh: { 'mh-port': 'mh-port', 'mh-fallback': 'mh-fallback', 'flag-1': 'mh-fallback', 'flag-2': 'mh-port' },
};

/** IPVS numbers the flags, and each scheduler gives the numbers a meaning of its own: include/uapi/linux/ip_vs.h. */
function flagsOf(flags: readonly FlagDraft[], scheduler: string, report: Report): readonly SchedulerFlag[] {
  const meant = flags.flatMap(({ flag, place }) => {
    const meaning = MEANINGS[scheduler]?.[flag];
    if (meaning !== undefined) return [meaning];
    if (flag.startsWith('flag')) report.warning(place, `${flag} means nothing to scheduler ${scheduler}`);
    else report.error(place, `${flag} is not for scheduler ${scheduler}`, `write 'lb_algo ${flag.slice(0, 2)}' or leave it out`);
    return [];
  });
  return [...new Set(meant)];
}

function persistenceOf(draft: VirtualServerDraft, { family, everyPort }: Resolved, report: Report): Pick<VirtualServer, 'persistence'> {
  const { persistenceTimeoutMs, granularity, places } = draft;
  const forced = everyPort && persistenceTimeoutMs === undefined && granularity === undefined;
  if (forced) {
    const message = 'this virtual server is for every port, and therefore keeps a client on its server for 360 seconds';
    report.modified(place(places), message, "write 'persistence_timeout SECONDS', as keepalived wants it too, or ports");
  }
  if (!forced && persistenceTimeoutMs === undefined && granularity === undefined) return {};
  const at = place(places, 'persistence_granularity');
  const prefixLength = granularity === undefined ? widthOf(family) : prefixLengthOf(granularity, family, at, report);
  return { persistence: { timeoutMs: persistenceTimeoutMs ?? PERSISTENCE_MS, prefixLength } };
}

function place(places: Readonly<Record<string, Place>>, keyword = 'block'): Place {
  return places[keyword] ?? places.block ?? { file: '', line: 1, column: 1 };
}

interface Pool {
  readonly service: VirtualServerDraft;
  readonly global: GlobalDraft;
  /** Of a server that has none. */
  readonly port: number;
  readonly report: Report;
}

function finishRealServer(draft: RealServerDraft, { service, global, port: usual, report }: Pool): RealServer {
  const { port = usual, upperThreshold, lowerThreshold } = draft;
  const around: Around = {
    ...timingOf(service, draft),
    virtualHost: draft.virtualHost ?? service.virtualHost,
    address: draft.address.text,
    port,
    report,
  };
  return {
    address: draft.address.text,
    port,
    weight: draft.weight ?? service.weight ?? 1,
    inhibitOnFailure: draft.inhibitOnFailure ?? service.inhibitOnFailure ?? false,
    ...(upperThreshold === undefined ? {} : { upperThreshold }),
    ...(lowerThreshold === undefined ? {} : { lowerThreshold }),
    checkers: draft.checkers.flatMap((checker) => finishChecker(checker, around)),
    ...finishHealthNotices(draft, global, true),
    places: draft.places,
  };
}

/** What a checker takes over from its server. */
interface Around extends TimingDraft {
  readonly virtualHost: string | undefined;
  readonly address: string;
  readonly port: number;
  readonly report: Report;
}

function finishChecker(draft: CheckerDraft, around: Around): Checker[] {
  const { warmupMs, ...timing } = timingOf(around, draft);
  const { connectAddress = around.address, connectPort = around.port } = draft;
  if (connectPort === 0) {
    around.report.error(draft.place, 'this check has no port to connect to, and neither has its server', "write 'connect_port PORT' in it");
    return [];
  }
  const common = {
    connectTimeoutMs: timing.connectTimeoutMs ?? 5000,
    delayLoopMs: timing.delayLoopMs ?? 60_000,
    retry: timing.retry ?? 1,
    delayBeforeRetryMs: timing.delayBeforeRetryMs ?? (draft.kind === 'http' ? 3000 : 1000),
    ...(warmupMs === undefined ? {} : { warmupMs }),
    alpha: timing.alpha ?? false,
    connect: { address: connectAddress, port: connectPort },
    ...(draft.bindAddress === undefined ? {} : { bindAddress: draft.bindAddress }),
    ...(draft.bindPort === undefined ? {} : { bindPort: draft.bindPort }),
    place: draft.place,
  };
  if (draft.kind === 'tcp') return [{ ...common, kind: 'tcp' }];
  const virtualHost = draft.virtualHost ?? around.virtualHost;
  const urls = draft.urls.map(finishUrl);
  const protocol = draft.httpProtocol ?? '1.0';
  return [{ ...common, kind: 'http', urls, protocol, ...(virtualHost === undefined ? {} : { virtualHost }) }];
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
