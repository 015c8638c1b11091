// The sentences that people's alerts search for, word for word.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../control/health/checker.js';
import { decisionTexts } from '../../control/health/texts.js';
import { httpChecker, tcpChecker } from './models.js';

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
};

for (const [fault, { tcp, http }] of Object.entries(FAULTS) as [Fault, (typeof FAULTS)[Fault]][]) {
  const failure = { kind: 'failed', fault, reason: 'as told' } as const;
  test(`${fault} after retries`, () => {
    const down = { kind: 'decided', up: false, changed: true, failure, retries: 2 } as const;
    assert.deepEqual(decisionTexts(tcpChecker({}), RS, down), [tcp, `TCP_CHECK on service ${RS} failed after 2 retries.`]);
    assert.deepEqual(decisionTexts(httpChecker({}), RS, down), [http, `HTTP_CHECK on service ${RS} failed after 2 retries.`]);
  });
}

test('a failure without retries', () => {
  const failure = { kind: 'failed', fault: 'connect', reason: 'as told' } as const;
  const texts = decisionTexts(tcpChecker({}), RS, { kind: 'decided', up: false, changed: true, failure, retries: 0 });
  assert.deepEqual(texts[1], 'TCP_CHECK on service [192.168.1.20]:tcp:80 failed.');
});

test('a success', () => {
  const up = { kind: 'decided', up: true, changed: true } as const;
  assert.deepEqual(decisionTexts(tcpChecker({}), RS, up), ['TCP connection to [192.168.1.20]:tcp:80 success.']);
  assert.deepEqual(decisionTexts(httpChecker({}), RS, up), ['Remote Web server [192.168.1.20]:tcp:80 succeed on service.']);
});
