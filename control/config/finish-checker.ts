// Drafts of checkers → the checkers of a real server: defaults as keepalived has them, and what they inherit from the blocks around them.

import { familyOf } from './address.js';
import type { BodyRegex, Check, Checker, CheckerTiming, HttpCheck, HttpUrl, MiscCheck, Tls, TlsFiles, UdpCheck } from './checker.js';
import type { CheckerDraft, HttpUrlDraft, TimingDraft, TopDraft } from './draft.js';
import type { Place } from './model.js';
import type { Report } from './report.js';
import type { CheckSurroundings } from './service-head.js';

/** What a checker takes over from its server. */
export interface Around extends TimingDraft, CheckSurroundings {
  readonly virtualHost: string | undefined;
  readonly address: string;
  readonly port: number;
  /** What the virtual server itself says, and no server of it. */
  readonly serviceDelayLoopMs: number | undefined;
  readonly report: Report;
}

const DELAY_LOOP_MS = 60_000;
const DEFAULT_STATUS_CODES = [{ from: 200, to: 299 }];
const LONGEST_DATAGRAM = 65_535;
const HELO_NAME = 'smtpchecker.keepalived.org';
/** They reach no port. */
const PORTLESS: readonly Checker['kind'][] = ['misc', 'ping', 'bfd', 'file'];

const RETRIES: Partial<Record<Checker['kind'], number>> = { misc: 0, dns: 3 };
const DELAYS_BEFORE_RETRY_MS: Partial<Record<Checker['kind'], number>> = { http: 3000 };

export function checkSurroundings({ tls, global, trackFiles, bfdInstances }: TopDraft): CheckSurroundings {
  const { ca, certificate, key, password } = tls ?? {};
  const files = {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(password === undefined ? {} : { password }),
  };
  return {
    tls: files,
    logAllFailures: global.logAllFailures ?? false,
    files: new Map(trackFiles.map(({ name, weight = 1, reverse = false }) => [name, { weight, reverse }])),
    sessions: new Set(bfdInstances.map(({ name }) => name)),
  };
}

/** One that cannot be made is left out; that is an error already. */
export function finishChecker(draft: CheckerDraft, around: Around): Checker[] {
  const { report } = around;
  const timing = finishTiming(draft, around);
  const { address, port } = timing.connect;
  if (port === 0 && !PORTLESS.includes(draft.kind))
    return refused(
      report,
      draft.place,
      'this check has no port to connect to, and neither has its server',
      "write 'connect_port PORT' in it",
    );
  if (draft.bindAddress !== undefined && familyOf(draft.bindAddress) !== familyOf(address))
    return refused(report, draft.places.bindto ?? draft.place, `bindto ${draft.bindAddress} is not of the family of ${address}`);
  if (/^fe[89ab]/i.test(address) && draft.bindInterface === undefined)
    return refused(report, draft.place, `${address} is link-local: nobody knows on which interface`, "write 'bind_if INTERFACE' in it");
  const check = finishCheck(draft, around);
  return check === undefined ? [] : [{ ...timing, place: draft.place, ...check }];
}

function refused(report: Report, place: Place, message: string, hint?: string): [] {
  report.error(place, message, hint);
  return [];
}

function finishTiming(draft: CheckerDraft, around: Around): CheckerTiming {
  const { kind, connectAddress = around.address, connectPort = around.port } = draft;
  const { warmupMs, delayLoopMs = DELAY_LOOP_MS, ...timing } = timingOf(around, draft);
  const { bindAddress, bindPort, bindInterface, mark } = draft;
  return {
    connectTimeoutMs: timing.connectTimeoutMs ?? 5000,
    delayLoopMs,
    retry: timing.retry ?? RETRIES[kind] ?? 1,
    delayBeforeRetryMs: timing.delayBeforeRetryMs ?? DELAYS_BEFORE_RETRY_MS[kind] ?? (kind === 'dns' ? delayLoopMs : 1000),
    ...(warmupMs === undefined ? {} : { warmupMs }),
    // Of a file the state is known at once.
    alpha: kind === 'file' ? false : (timing.alpha ?? false),
    ...((draft.logAllFailures || around.logAllFailures) && { logAllFailures: true }),
    connect: { address: connectAddress, port: connectPort },
    ...(bindAddress === undefined ? {} : { bindAddress }),
    ...(bindPort === undefined ? {} : { bindPort }),
    ...(bindInterface === undefined ? {} : { bindInterface }),
    ...(mark === undefined || mark === 0 ? {} : { mark }),
  };
}

/** Nothing, when what is missing was reported where it was read. */
function finishCheck(draft: CheckerDraft, around: Around): Check | undefined {
  const { name = '' } = draft;
  switch (draft.kind) {
    case 'tcp':
    case 'ping':
      return { kind: draft.kind };
    case 'http':
      return finishHttp(draft, around);
    case 'smtp':
      return { kind: 'smtp', heloName: draft.heloName ?? HELO_NAME };
    case 'dns':
      return { kind: 'dns', type: draft.dnsType ?? 'SOA', name };
    case 'misc':
      return finishMisc(draft, around);
    case 'udp':
      return finishUdp(draft);
    case 'bfd':
      return around.sessions.has(name) ? { kind: 'bfd', name } : unknown(draft, 'name', `there is no bfd_instance ${name}`, around);
    case 'file':
      return finishFile(draft, around);
  }
}

function finishFile(draft: CheckerDraft, around: Around): Check | undefined {
  const { name = '' } = draft;
  const worth = around.files.get(name);
  if (worth === undefined) return unknown(draft, 'track_file', `there is no track_file ${name}`, around);
  return { kind: 'file', name, ...(draft.weight ?? worth) };
}

function unknown({ places, place }: CheckerDraft, keyword: string, message: string, { report }: Around): undefined {
  report.error(places[keyword] ?? place, message);
  return undefined;
}

function finishHttp(draft: CheckerDraft, around: Around): HttpCheck {
  const virtualHost = draft.virtualHost ?? around.virtualHost;
  return {
    kind: 'http',
    urls: draft.urls.map((url) => finishUrl(url, around.report)),
    protocol: draft.httpProtocol ?? '1.0',
    ...(virtualHost === undefined ? {} : { virtualHost }),
    ...(draft.fastRecovery && { fastRecovery: true }),
    ...(draft.tls && { tls: finishTls(draft, around.tls) }),
  };
}

function finishTls({ sni, sniName, tlsCompliant }: CheckerDraft, files: TlsFiles): Tls {
  return {
    ...(sni && { sni: sniName === undefined ? {} : { name: sniName } }),
    ...(tlsCompliant && { compliant: true }),
    files,
  };
}

function finishUrl(draft: HttpUrlDraft, report: Report): HttpUrl {
  const { path, statusCodes, digest, virtualHost, tlsCompliant, place } = draft;
  const regex = finishRegex(draft, report);
  return {
    path: path ?? '/',
    statusCodes: statusCodes.length > 0 ? statusCodes : DEFAULT_STATUS_CODES,
    ...(digest === undefined ? {} : { digest }),
    ...(virtualHost === undefined ? {} : { virtualHost }),
    ...(regex === undefined ? {} : { regex }),
    ...(tlsCompliant && { tlsCompliant: true }),
    place,
  };
}

function finishRegex(draft: HttpUrlDraft, report: Report): BodyRegex | undefined {
  const { regex: pattern, regexFlags: flags = '', regexInverted, regexMinOffset: minOffset, regexMaxOffset: maxOffset, places } = draft;
  const stray = REGEX_KEYWORDS.map((keyword) => places[keyword]).find((place) => place !== undefined);
  if (pattern === undefined && stray !== undefined) report.warning(stray, 'this does nothing without regex');
  if (pattern === undefined) return undefined;
  const problem = problemOf(pattern, flags);
  if (problem !== undefined)
    report.error(places.regex ?? draft.place, `this pattern cannot be used: ${problem}`, 'patterns are those of JavaScript');
  if (minOffset !== undefined && maxOffset !== undefined && minOffset > maxOffset)
    report.error(places.regex_min_offset ?? draft.place, `no match begins at ${minOffset} or later and at ${maxOffset} or earlier`);
  return problem !== undefined
    ? undefined
    : {
        pattern,
        flags,
        ...(regexInverted && { inverted: true }),
        ...(minOffset === undefined ? {} : { minOffset }),
        ...(maxOffset === undefined ? {} : { maxOffset }),
      };
}

const REGEX_KEYWORDS = ['regex_no_match', 'regex_options', 'regex_min_offset', 'regex_max_offset', 'regex_stack'];

function problemOf(pattern: string, flags: string): string | undefined {
  try {
    new RegExp(pattern, flags);
    return undefined;
  } catch (problem) {
    return (problem as Error).message.replace(/^Invalid regular expression: /, '');
  }
}

/** keepalived lets a script run as long as the virtual server's delay_loop, whatever the checker's own is. */
function finishMisc({ script, scriptTimeoutMs = 0, dynamic = false }: CheckerDraft, around: Around): MiscCheck | undefined {
  if (script === undefined) return undefined;
  const timeoutMs = scriptTimeoutMs > 0 ? scriptTimeoutMs : (around.serviceDelayLoopMs ?? DELAY_LOOP_MS);
  return { kind: 'misc', script, timeoutMs, dynamic };
}

/** keepalived measures a reply only when it knows how it begins. */
function finishUdp({ payload, requireReply, reply, shortestReply = 0, longestReply }: CheckerDraft): UdpCheck {
  const { data, mask } = reply ?? { data: '', mask: '' };
  const longest = longestReply ?? (reply === undefined ? LONGEST_DATAGRAM : 255);
  return {
    kind: 'udp',
    ...(payload === undefined ? {} : { payload }),
    ...(requireReply && { reply: { data, mask, shortest: shortestReply, longest } }),
  };
}

const TIMING: readonly (keyof TimingDraft)[] = ['connectTimeoutMs', 'delayLoopMs', 'retry', 'delayBeforeRetryMs', 'warmupMs', 'alpha'];

/** The inner block's own timing over that of the block around it. */
export function timingOf(outer: TimingDraft, inner: TimingDraft): TimingDraft {
  const given: Record<string, number | boolean> = {};
  for (const name of TIMING) {
    const value = inner[name] ?? outer[name];
    if (value !== undefined) given[name] = value;
  }
  return given;
}
