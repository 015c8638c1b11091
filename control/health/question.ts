// What a check asks of whom, as text: two checks with the same question have the same answer, and one probe is enough for both.

import type { Check, Checker, CheckerOf, HttpUrl } from '../config/checker.js';

/** Without delays, and without its place in the file. A reload asks this of every check, so what most checks have is put together by hand. */
export function question(checker: Checker): string {
  const { kind, connect, bindAddress = '', bindPort = '', bindInterface = '', mark = '' } = checker;
  const more = kind === 'tcp' || kind === 'ping' ? '' : JSON.stringify(details(checker));
  return `${kind} ${connect.address} ${connect.port} ${bindAddress} ${bindPort} ${bindInterface} ${mark} ${more}`;
}

/** When it is asked, and how often an answer is waited for. */
export function rhythm({ connectTimeoutMs, delayLoopMs, retry, delayBeforeRetryMs, warmupMs, alpha }: Checker): string {
  return `${connectTimeoutMs} ${delayLoopMs} ${retry} ${delayBeforeRetryMs} ${warmupMs ?? ''} ${alpha}`;
}

type Details = { readonly [Kind in Check['kind']]: (checker: CheckerOf<Kind>) => readonly unknown[] };

const DETAILS: Details = {
  tcp: () => [],
  ping: () => [],
  http: ({ protocol, virtualHost, fastRecovery, tls, urls }) => [protocol, virtualHost, fastRecovery, tls, urls.map(urlDetails)],
  smtp: ({ heloName }) => [heloName],
  dns: ({ type, name }) => [type, name],
  misc: ({ script: { argv, user, disabled }, timeoutMs, dynamic }) => [argv, user?.uid, user?.gid, disabled, timeoutMs, dynamic],
  udp: ({ payload, reply }) => [payload, reply],
  bfd: ({ name }) => [name],
  file: ({ name, weight, reverse }) => [name, weight, reverse],
};

function details(checker: Checker): readonly unknown[] {
  return (DETAILS[checker.kind] as (checker: Checker) => readonly unknown[])(checker);
}

function urlDetails({ path, statusCodes, digest, virtualHost, regex, tlsCompliant }: HttpUrl): unknown[] {
  return [path, statusCodes.map(({ from, to }) => [from, to]), digest, virtualHost, regex, tlsCompliant];
}
