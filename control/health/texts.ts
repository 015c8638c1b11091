// What is logged about checks and quorums: keepalived's own sentences, because people's alerts search for them.

import type { Checker } from '../config/model.js';
import type { CheckerEffect, Fault } from './checker.js';
import type { Quorum } from './pool.js';

type Decision = Extract<CheckerEffect, { kind: 'decided' }>;

interface Sentences {
  readonly check: string;
  readonly success: (label: string) => string;
  readonly fault: (label: string, fault: Fault) => string;
}

export function decisionTexts(checker: Checker, server: string, decision: Decision): string[] {
  const { check, success, fault } = SENTENCES[checker.kind];
  if (decision.up) return [success(server)];
  const retries = decision.retries > 0 ? ` after ${decision.retries} retries` : '';
  return [fault(server, decision.failure.fault), `${check} on service ${server} failed${retries}.`];
}

/** keepalived does not say why a check failed, nor for which virtual server. */
export function reasonText(server: string, service: string, reason: string): string {
  return `Check of ${server} for VS ${service}: ${reason}`;
}

export function hindranceText(checker: Checker, server: string, reason: string): string {
  return `${SENTENCES[checker.kind].check} on service ${server} could not be made: ${reason}. Rescheduling.`;
}

export function activationText(server: string, service: string): string {
  return `Activating healthchecker for service ${server} for VS ${service}`;
}

export function quorumText(service: string, judged: Quorum, starting: boolean): string {
  const { up, quorum, hysteresis, weight } = judged;
  if (up) return `Gained quorum ${quorum}+${hysteresis}=${quorum + hysteresis} <= ${weight} for VS ${service}`;
  const what = starting ? 'Starting with quorum down' : 'Lost quorum';
  return `${what} ${quorum}-${hysteresis}=${quorum - hysteresis} > ${weight} for VS ${service}`;
}

const HTTP_FAULTS: Readonly<Record<Fault, string>> = {
  'connect timeout': 'Timeout connecting server',
  connect: 'Error connecting server',
  silence: 'Timeout HTTP read server',
  broken: 'Read error with server',
  'no response': 'Read, no data received from server',
  status: 'HTTP status code error to server',
  digest: 'MD5 digest error to server',
};

const SENTENCES: Readonly<Record<Checker['kind'], Sentences>> = {
  tcp: {
    check: 'TCP_CHECK',
    success: (server) => `TCP connection to ${server} success.`,
    fault: (server, fault) => `TCP connection to ${server} ${fault === 'connect timeout' ? 'timeout' : 'failed'}.`,
  },
  http: {
    check: 'HTTP_CHECK',
    success: (server) => `Remote Web server ${server} succeed on service.`,
    fault: (server, fault) => `${HTTP_FAULTS[fault]} ${server}.`,
  },
};
