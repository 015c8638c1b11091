// The sentences that people's alerts search for, word for word.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Checker } from '../../control/config/checker.js';
import type { Fault } from '../../control/health/checker.js';
import { checkTexts } from '../../control/health/texts.js';
import { bfdChecker, dnsChecker, httpChecker, miscChecker, pingChecker, smtpChecker, tcpChecker, udpChecker } from './models.js';

const RS = '[192.168.1.20]:tcp:80';

const FAULTS: Readonly<Record<Fault, { readonly tcp: string; readonly http: string }>> = {
  'connect timeout': { tcp: 'TCP connection to [192.168.1.20]:tcp:80 timeout.', http: 'Timeout connecting server [192.168.1.20]:tcp:80.' },
  connect: { tcp: 'TCP connection to [192.168.1.20]:tcp:80 failed.', http: 'Error connecting server [192.168.1.20]:tcp:80.' },
  silence: { tcp: 'TCP connection to [192.168.1.20]:tcp:80 failed.', http: 'Timeout HTTP read server [192.168.1.20]:tcp:80.' },
  broken: { tcp: 'TCP connection to [192.168.1.20]:tcp:80 failed.', http: 'Read error with server [192.168.1.20]:tcp:80.' },
  'no response': {
    tcp: 'TCP connection to [192.168.1.20]:tcp:80 failed.',
    http: 'Read, no data received from server [192.168.1.20]:tcp:80.',
  },
  status: { tcp: 'TCP connection to [192.168.1.20]:tcp:80 failed.', http: 'HTTP status code error to server [192.168.1.20]:tcp:80.' },
  digest: { tcp: 'TCP connection to [192.168.1.20]:tcp:80 failed.', http: 'MD5 digest error to server [192.168.1.20]:tcp:80.' },
  regex: { tcp: 'TCP connection to [192.168.1.20]:tcp:80 failed.', http: 'Regex match failed server [192.168.1.20]:tcp:80.' },
  refused: {
    tcp: 'TCP connection to [192.168.1.20]:tcp:80 failed.',
    http: 'SSL handshake/communication error connecting to server [192.168.1.20]:tcp:80.',
  },
};

const NAMES = { server: RS, service: '[203.0.113.10]:tcp:80' };
const WHY = `Check of ${RS} for VS ${NAMES.service}: as told`;

for (const [fault, { tcp, http }] of Object.entries(FAULTS) as [Fault, (typeof FAULTS)[Fault]][]) {
  const failure = { kind: 'failed', fault, reason: 'as told' } as const;
  test(`${fault} after retries`, () => {
    const down = { kind: 'decided', up: false, changed: true, failure, retries: 2 } as const;
    assert.deepEqual(checkTexts(tcpChecker({}), NAMES, down), [WHY, tcp, `TCP_CHECK on service ${RS} failed after 2 retries.`]);
    assert.deepEqual(checkTexts(httpChecker({}), NAMES, down), [WHY, http, `HTTP_CHECK on service ${RS} failed after 2 retries.`]);
  });
}

interface Row {
  readonly name: string;
  readonly checker: Checker;
  readonly fault?: Fault;
  readonly reason?: string;
  readonly retries?: number;
  readonly success: string;
  readonly failure: readonly string[];
  readonly forgiven: string;
}

const ROWS: readonly Row[] = [
  {
    name: 'TCP_CHECK',
    checker: tcpChecker({}),
    success: `TCP connection to ${RS} success.`,
    failure: [`TCP connection to ${RS} failed.`, `TCP_CHECK on service ${RS} failed.`],
    forgiven: `TCP connection to ${RS} failed.`,
  },
  {
    name: 'SSL_GET',
    checker: httpChecker({ tls: { files: {} } }),
    retries: 1,
    success: `Remote Web server ${RS} succeed on service.`,
    failure: [`Error connecting server ${RS}.`, `SSL_CHECK on service ${RS} failed after 1 retries.`],
    forgiven: `Error connecting server ${RS}.`,
  },
  {
    name: 'SMTP_CHECK',
    checker: smtpChecker({}),
    fault: 'status',
    reason: 'Bad greeting banner',
    success: `Remote SMTP server ${RS} succeed on service.`,
    failure: ['SMTP_CHECK Bad greeting banner from server [10.11.12.1]:80', `SMTP_CHECK on service ${RS} failed.`],
    forgiven: 'SMTP_CHECK Bad greeting banner from server [10.11.12.1]:80',
  },
  {
    name: 'DNS_CHECK',
    checker: dnsChecker({}),
    reason: 'read timeout from socket',
    retries: 3,
    success: `DNS_CHECK (${RS}) succeed on service.`,
    failure: [`DNS_CHECK (${RS}) read timeout from socket after 3 retries`],
    forgiven: `DNS_CHECK (${RS}) read timeout from socket`,
  },
  {
    name: 'UDP_CHECK',
    checker: udpChecker({}),
    success: `UDP connection to ${RS} success.`,
    failure: [`UDP connection to ${RS} failed.`, `UDP_CHECK on service ${RS} failed.`],
    forgiven: `UDP connection to ${RS} failed.`,
  },
  {
    name: 'PING_CHECK',
    checker: pingChecker({}),
    retries: 2,
    success: `ICMP connection to ${RS} success.`,
    failure: [`ICMP CHECK on service ${RS} of ${NAMES.service} failed after 2 retries.`],
    forgiven: `ICMP connection to ${RS} failed.`,
  },
  {
    name: 'MISC_CHECK without retries',
    checker: miscChecker({ retry: 0 }),
    fault: 'status',
    reason: 'exited with status 1',
    success: `Misc check for [${RS} VS ${NAMES.service}] by [/bin/true] succeeded.`,
    failure: [`Misc check for [${RS} VS ${NAMES.service}] by [/bin/true] failed with retry disabled (exited with status 1).`],
    forgiven: `Misc check for [${RS} VS ${NAMES.service}] by [/bin/true] failed, will do 0 retries (exited with status 1).`,
  },
  {
    name: 'MISC_CHECK that takes too long',
    checker: miscChecker({ retry: 2 }),
    fault: 'silence',
    retries: 1,
    success: `Misc check for [${RS} VS ${NAMES.service}] by [/bin/true] succeeded.`,
    failure: [`Misc check for [${RS} VS ${NAMES.service}] by [/bin/true] timed out after 2 retries.`],
    forgiven: `Misc check for [${RS} VS ${NAMES.service}] by [/bin/true] timed out on retry 1/2.`,
  },
  {
    name: 'BFD_CHECK',
    checker: bfdChecker({}),
    success: `BFD check of [session] RS(${RS}) is UP`,
    failure: [`BFD check of [session] RS(${RS}) is DOWN`],
    forgiven: `BFD check of [session] RS(${RS}) is DOWN`,
  },
];

for (const { name, checker, fault = 'connect', reason = 'as told', retries = 0, ...texts } of ROWS) {
  const failure = { kind: 'failed', fault, reason } as const;
  test(`${name}: success, failure, and a failure that is forgiven`, () => {
    const told = (checked: Checker, effect: Parameters<typeof checkTexts>[2]): string[] => checkTexts(checked, NAMES, effect);
    assert.deepEqual(told(checker, { kind: 'decided', up: true, changed: true }), [texts.success]);
    assert.deepEqual(told(checker, { kind: 'decided', up: false, changed: true, failure, retries }).slice(1), texts.failure);
    assert.deepEqual(told(checker, { kind: 'forgiven', failure, retries }), []);
    assert.deepEqual(told({ ...checker, logAllFailures: true }, { kind: 'forgiven', failure, retries }), [texts.forgiven]);
  });
}
