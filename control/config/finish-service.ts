// Drafts of virtual servers → the services of the Config: defaults as keepalived has them, and what a block inherits from the one around it.

import type { SchedulerFlag } from '../../dataplane/protocol.js';
import { widthOf } from './address.js';
import type { FlagDraft, GlobalDraft, RealServerDraft, VirtualServerDraft } from './draft.js';
import { type Around, finishChecker, timingOf } from './finish-checker.js';
import { finishHealthNotices } from './finish-notices.js';
import { prefixLengthOf } from './granularity.js';
import type { Place, RealServer, VirtualServer } from './model.js';
import type { Report } from './report.js';
import { type CheckSurroundings, type Resolved, resolveHead, type Surroundings } from './service-head.js';
import { nameOf } from './service-name.js';
import { PROFILES } from './timeouts.js';

const DEFAULT_SCHEDULER = 'wlc';
/** keepalived's, where persistence is asked for without a time. */
const PERSISTENCE_MS = 360_000;
/** As ip_vs_ftp has it. */
const FTP_PORT = 21;

/** A service whose traffic cannot be told is left out; that is an error already. */
export function finishVirtualServer(draft: VirtualServerDraft, surroundings: Surroundings): VirtualServer[] {
  reportUnsaid(draft, surroundings.report);
  const resolved = resolveHead(draft, surroundings);
  if (resolved === undefined) return [];
  const { report, global, checks } = surroundings;
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
      ...(draft.omega && { omega: true }),
      ...haSuspendOf(draft, resolved, report),
      ...(sorryServer === undefined ? {} : { sorryServer: { port, ...sorryServer } }),
      sorryServerInhibit: draft.sorryServerInhibit ?? false,
      realServers: draft.realServers.map((server) => finishRealServer(server, { service: draft, global, port, checks, report })),
      ...finishHealthNotices(draft, global, false),
      places: { ...Object.fromEntries(Object.entries(options.places).filter(([name]) => name !== 'block')), ...places },
    },
  ];
}

/** Of a mark nobody knows whether the host has its address. */
function haSuspendOf({ haSuspend, places }: VirtualServerDraft, { identity }: Resolved, report: Report): Pick<VirtualServer, 'haSuspend'> {
  if (haSuspend && identity.kind === 'fwmark') report.warning(place(places, 'ha_suspend'), 'ha_suspend does nothing for a firewall mark');
  return haSuspend && identity.kind !== 'fwmark' ? { haSuspend: true } : {};
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

/** keepalived has defaults for these and does not like to be asked for them. */
function reportUnsaid({ realServers, sorryServer, places }: VirtualServerDraft, report: Report): void {
  if (realServers.length === 0) return;
  const methodless = sorryServer !== undefined || realServers.some((server) => server.places.lb_kind === undefined);
  if (places.lb_algo === undefined) report.modified(place(places), `no lb_algo: it is ${DEFAULT_SCHEDULER}`);
  if (places.lb_kind === undefined && methodless) report.modified(place(places), 'no lb_kind: it is NAT', "write 'lb_kind NAT'");
}

function place(places: Readonly<Record<string, Place>>, keyword = 'block'): Place {
  return places[keyword] ?? places.block ?? { file: '', line: 1, column: 1 };
}

interface Pool {
  readonly service: VirtualServerDraft;
  readonly global: GlobalDraft;
  /** Of a server that has none. */
  readonly port: number;
  readonly checks: CheckSurroundings;
  readonly report: Report;
}

function finishRealServer(draft: RealServerDraft, { service, global, port: usual, checks, report }: Pool): RealServer {
  const { port = usual, upperThreshold, lowerThreshold } = draft;
  const around: Around = {
    ...timingOf(service, draft),
    virtualHost: draft.virtualHost ?? service.virtualHost,
    address: draft.address.text,
    port,
    ...checks,
    serviceDelayLoopMs: service.delayLoopMs,
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
