// Idle times: the table of IPVS is the data plane's own, and RFC 5382's minimums hold.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROFILES, withLvsTimeouts } from '../../control/config/timeouts.js';
import { sourceDirectory } from './source-directory.js';

test('profile ipvs is what the data plane has where nothing is said', () => {
  const source = readFileSync(join(sourceDirectory('.'), '../../native/core/flow_state.h'), 'utf8');
  const rows = [...source.matchAll(/^ {2}X\((\w+),.* (\d+), (?:true|false)\)/gm)];
  assert.ok(rows.length > 20);
  assert.deepEqual(PROFILES.ipvs, Object.fromEntries(rows.map(([, name, seconds]) => [name, Number(seconds) * 1000])));
});

test('profile rfc keeps an established connection for 2 h 4 min and others that exist for 4 min [5382-5]', () => {
  const { NONE, LISTEN, ESTABLISHED, UDP, ...others } = PROFILES.rfc;
  assert.deepEqual([ESTABLISHED, UDP], [7_440_000, 300_000]);
  const transitory = Object.entries(others).filter(([state]) => !state.startsWith('SCTP_'));
  assert.deepEqual(new Set(transitory.map(([, ms]) => ms)), new Set([240_000]));
});

test('lvs_timeouts changes three of them, each alone', () => {
  assert.deepEqual(withLvsTimeouts(PROFILES.rfc, {}), PROFILES.rfc);
  assert.deepEqual(withLvsTimeouts(PROFILES.rfc, { tcpFinMs: 5 }), { ...PROFILES.rfc, FIN_WAIT: 5 });
  assert.deepEqual(withLvsTimeouts(PROFILES.ipvs, { tcpMs: 1, udpMs: 2 }), { ...PROFILES.ipvs, ESTABLISHED: 1, UDP: 2 });
});
