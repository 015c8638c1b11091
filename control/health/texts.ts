// What is logged about checks and quorums: keepalived's own sentences, because people's alerts search for them.

import type { Checker, CheckerOf, MiscCheck } from '../config/checker.js';
import type { CheckerEffect, Failure, Fault } from './checker.js';
import type { Quorum } from './pool.js';

/** Whose check it is. */
export interface Names {
  readonly service: string;
  readonly server: string;
}

type Told = Exclude<CheckerEffect, { kind: 'wake' | 'probe' | 'weighed' }>;
type Down = Extract<CheckerEffect, { kind: 'decided'; up: false }>;
type Forgiven = Extract<CheckerEffect, { kind: 'forgiven' }>;

export function checkTexts(checker: Checker, names: Names, told: Told): string[] {
  const { check, success, failure, forgiven } = sentencesOf(checker);
  if (told.kind === 'hindered') return [`${check(checker)} on service ${names.server} could not be made: ${told.reason}. Rescheduling.`];
  if (told.kind === 'forgiven') return checker.logAllFailures ? [forgiven(checker, names, told)] : [];
  return told.up ? [success(checker, names)] : [reasonText(names, told.failure.reason), ...failure(checker, names, told)];
}

/** keepalived does not say why a check failed, nor for which virtual server. */
function reasonText({ server, service }: Names, reason: string): string {
  return `Check of ${server} for VS ${service}: ${reason}`;
}

export function activationText({ server, service }: Names): string {
  return `Activating healthchecker for service ${server} for VS ${service}`;
}

export function suspensionText({ server, service }: Names, suspended: boolean): string {
  return `${suspended ? 'Suspend' : 'Activat'}ing healthchecker for service ${server} for VS ${service}`;
}

export function quorumText(service: string, judged: Quorum, starting: boolean): string {
  const { up, quorum, hysteresis, weight } = judged;
  if (up) return `Gained quorum ${quorum}+${hysteresis}=${quorum + hysteresis} <= ${weight} for VS ${service}`;
  const what = starting ? 'Starting with quorum down' : 'Lost quorum';
  return `${what} ${quorum}-${hysteresis}=${quorum - hysteresis} > ${weight} for VS ${service}`;
}

interface Sentences<Kind extends Checker['kind']> {
  readonly check: (checker: CheckerOf<Kind>) => string;
  readonly success: (checker: CheckerOf<Kind>, names: Names) => string;
  readonly failure: (checker: CheckerOf<Kind>, names: Names, down: Down) => string[];
  readonly forgiven: (checker: CheckerOf<Kind>, names: Names, forgiven: Forgiven) => string;
}

/** Of those kinds that say what is wrong, and then that the check has failed. */
function twoLines<Kind extends Checker['kind']>(
  check: Sentences<Kind>['check'],
  success: (server: string) => string,
  fault: (server: string, failure: Failure, checker: CheckerOf<Kind>) => string,
): Sentences<Kind> {
  return {
    check,
    success: (_, { server }) => success(server),
    failure: (checker, { server }, { failure, retries }) => [
      fault(server, failure, checker),
      `${check(checker)} on service ${server} failed${afterRetries(retries)}.`,
    ],
    forgiven: (checker, { server }, { failure }) => fault(server, failure, checker),
  };
}

function afterRetries(retries: number): string {
  return retries > 0 ? ` after ${retries} retries` : '';
}

const HTTP_FAULTS: Readonly<Record<Fault, string>> = {
  'connect timeout': 'Timeout connecting server',
  connect: 'Error connecting server',
  silence: 'Timeout HTTP read server',
  broken: 'Read error with server',
  'no response': 'Read, no data received from server',
  status: 'HTTP status code error to server',
  digest: 'MD5 digest error to server',
  regex: 'Regex match failed server',
  refused: 'SSL handshake/communication error connecting to server',
};

const SMTP_FAULTS: Readonly<Partial<Record<Fault, string>>> = {
  'connect timeout': 'Connection timeout to server',
  connect: 'Error connecting to server',
  silence: 'Read timeout from server',
  broken: 'Read failure from server',
  'no response': 'Read failure from server',
};

type Table = { readonly [Kind in Checker['kind']]: Sentences<Kind> };

const SENTENCES: Table = {
  tcp: twoLines(
    () => 'TCP_CHECK',
    (server) => `TCP connection to ${server} success.`,
    (server, { fault }) => `TCP connection to ${server} ${fault === 'connect timeout' ? 'timeout' : 'failed'}.`,
  ),
  http: twoLines(
    ({ tls }) => (tls === undefined ? 'HTTP_CHECK' : 'SSL_CHECK'),
    (server) => `Remote Web server ${server} succeed on service.`,
    (server, { fault }, { tls }) =>
      `${tls !== undefined && fault === 'silence' ? 'Timeout SSL read server' : HTTP_FAULTS[fault]} ${server}.`,
  ),
  smtp: twoLines(
    () => 'SMTP_CHECK',
    (server) => `Remote SMTP server ${server} succeed on service.`,
    (_, { fault, reason }, { connect }) =>
      `SMTP_CHECK ${SMTP_FAULTS[fault] ?? `${reason} from server`} [${connect.address}]:${connect.port}`,
  ),
  dns: {
    check: () => 'DNS_CHECK',
    success: (_, { server }) => `DNS_CHECK (${server}) succeed on service.`,
    failure: (_, { server }, { failure, retries }) => [`DNS_CHECK (${server}) ${failure.reason}${afterRetries(retries)}`],
    forgiven: (_, { server }, { failure }) => `DNS_CHECK (${server}) ${failure.reason}`,
  },
  udp: twoLines(
    () => 'UDP_CHECK',
    (server) => `UDP connection to ${server} success.`,
    (server, { fault }) => (fault === 'refused' ? `UDP check to ${server} reply data mismatch.` : `UDP connection to ${server} failed.`),
  ),
  ping: {
    check: () => 'ICMP CHECK',
    success: (_, { server }) => `ICMP connection to ${server} success.`,
    failure: (_, { server, service }, { retries }) => [
      retries > 0
        ? `ICMP CHECK on service ${server} of ${service} failed after ${retries} retries.`
        : `ICMP CHECK on service ${server} failed.`,
    ],
    forgiven: (_, { server }) => `ICMP connection to ${server} failed.`,
  },
  misc: {
    check: () => 'MISC_CHECK',
    success: (checker, names) => `${miscText(checker, names)} succeeded.`,
    failure: ({ retry, ...checker }, names, { failure }) => {
      const retries = retry === 0 ? ' with retry disabled' : ` after ${retry} ${retry === 1 ? 'retry' : 'retries'}`;
      return [`${miscText(checker, names)} ${miscFault(failure, retries)}.`];
    },
    forgiven: ({ retry, ...checker }, names, { failure, retries }) => {
      const going = retries === 0 ? `, will do ${retry} ${retry === 1 ? 'retry' : 'retries'}` : ` on retry ${retries}/${retry}`;
      return `${miscText(checker, names)} ${miscFault(failure, going)}.`;
    },
  },
  bfd: {
    check: () => 'BFD_CHECK',
    success: ({ name }, { server }) => `BFD check of [${name}] RS(${server}) is UP`,
    failure: ({ name }, { server }) => [`BFD check of [${name}] RS(${server}) is DOWN`],
    forgiven: ({ name }, { server }) => `BFD check of [${name}] RS(${server}) is DOWN`,
  },
  file: {
    check: () => 'FILE_CHECK',
    success: ({ name }, { server, service }) => `File check for [${server} VS ${service}] by [${name}] succeeded.`,
    failure: ({ name }, { server, service }) => [`File check for [${server} VS ${service}] by [${name}] failed.`],
    forgiven: ({ name }, { server, service }) => `File check for [${server} VS ${service}] by [${name}] failed.`,
  },
};

function sentencesOf(checker: Checker): Sentences<Checker['kind']> {
  return SENTENCES[checker.kind] as Sentences<Checker['kind']>;
}

function miscText({ script }: Pick<MiscCheck, 'script'>, { server, service }: Names): string {
  return `Misc check for [${server} VS ${service}] by [${script.argv[0]}]`;
}

/** The reason stands behind what happens now. */
function miscFault({ fault, reason }: Failure, going: string): string {
  return fault === 'silence' ? `timed out${going}` : `failed${going} (${reason})`;
}
