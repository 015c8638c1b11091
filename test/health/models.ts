// Configuration values for tests: complete ones, of which a test states only what matters to it.

import type { Checker, CheckerOf, CheckerTiming, HttpUrl } from '../../control/config/checker.js';
import type { Config, RealServer, VirtualServer } from '../../control/config/model.js';
import { nameOf } from '../../control/config/service-name.js';
import { PROFILES } from '../../control/config/timeouts.js';
import type { Protocol } from '../../dataplane/protocol.js';
import { vrrpGlobal } from '../vrrp/instance.js';

type HttpChecker = CheckerOf<'http'>;

const place = { file: 'test.conf', line: 1, column: 1 };

const TIMING: CheckerTiming = {
  connectTimeoutMs: 5000,
  delayLoopMs: 6000,
  retry: 1,
  delayBeforeRetryMs: 1000,
  alpha: false,
  connect: { address: '10.11.12.1', port: 80 },
};

export function tcpChecker(values: Partial<CheckerTiming>): Checker {
  return { ...TIMING, ...values, place, kind: 'tcp' };
}

export function httpChecker(values: Partial<HttpChecker>): HttpChecker {
  return { ...TIMING, protocol: '1.0', urls: [url({})], ...values, place, kind: 'http' };
}

export function miscChecker(values: Partial<CheckerOf<'misc'>>): CheckerOf<'misc'> {
  const script = { argv: ['/bin/true'], place };
  return { ...TIMING, script, timeoutMs: 6000, dynamic: false, ...values, place, kind: 'misc' };
}

export function fileChecker(values: Partial<CheckerOf<'file'>>): CheckerOf<'file'> {
  return { ...TIMING, name: 'load', weight: 0, reverse: false, ...values, place, kind: 'file' };
}

export function bfdChecker(values: Partial<CheckerOf<'bfd'>>): CheckerOf<'bfd'> {
  return { ...TIMING, name: 'session', ...values, place, kind: 'bfd' };
}

export function smtpChecker(values: Partial<CheckerOf<'smtp'>>): CheckerOf<'smtp'> {
  return { ...TIMING, heloName: 'checker.example', ...values, place, kind: 'smtp' };
}

export function dnsChecker(values: Partial<CheckerOf<'dns'>>): CheckerOf<'dns'> {
  return { ...TIMING, type: 'SOA', name: '', ...values, place, kind: 'dns' };
}

export function udpChecker(values: Partial<CheckerOf<'udp'>>): CheckerOf<'udp'> {
  return { ...TIMING, ...values, place, kind: 'udp' };
}

export function pingChecker(values: Partial<CheckerTiming>): CheckerOf<'ping'> {
  return { ...TIMING, ...values, place, kind: 'ping' };
}

export function url({ line = 1, ...values }: Partial<HttpUrl> & { readonly line?: number }): HttpUrl {
  return { path: '/', statusCodes: [{ from: 200, to: 299 }], ...values, place: { ...place, line } };
}

export function realServer(values: Partial<RealServer>): RealServer {
  return { address: '10.11.12.1', port: 80, weight: 1, inhibitOnFailure: false, checkers: [], places: {}, ...values };
}

interface Endpoint {
  readonly address?: string;
  readonly port?: number;
  readonly protocol?: Protocol;
}

/** A service of one address and port, unless `values` has an identity and listeners. */
export function virtualServer({
  address = '203.0.113.10',
  port = 80,
  protocol = 'tcp',
  ...values
}: Partial<VirtualServer> & Endpoint): VirtualServer {
  const identity = values.identity ?? ({ kind: 'address', protocol, address, port } as const);
  return {
    name: nameOf(identity),
    identity,
    listeners: [{ address, protocol, firstPort: port, lastPort: port }],
    family: 4,
    scheduler: 'rr',
    schedulerFlags: [],
    onePacket: false,
    timeouts: {},
    noDestination: 'default',
    resets: true,
    sloppy: 'never',
    quorum: 1,
    hysteresis: 0,
    alpha: false,
    sorryServerInhibit: false,
    realServers: [],
    places: {},
    ...values,
  };
}

export function config(virtualServers: readonly VirtualServer[]): Config {
  return {
    file: 'test.conf',
    global: vrrpGlobal(),
    instances: [],
    syncGroups: [],
    tracking: { scripts: [], files: [], processes: [], bfd: [], linkDelays: [], instances: [] },
    virtualServers,
    settings: {
      backend: 'auto',
      maxFlows: 1000,
      timeouts: PROFILES.rfc,
      takeoverMs: 10_000,
      halfOpen: { service: 250, source: 15 },
      runDir: '/run/natlb',
      places: {},
    },
  };
}
