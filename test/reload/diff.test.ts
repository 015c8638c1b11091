// natlb diff: what is different between two configurations, and what it is called.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffText } from '../../control/cli/diff-text.js';
import { load } from '../../control/config/load.js';
import type { Config } from '../../control/config/model.js';
import { configDifferences } from '../../control/reload/diff.js';
import { blockDifference } from '../../control/reload/differences.js';
import { saying } from '../../control/reload/fingerprint.js';

const BEFORE = `
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority 100
  authentication {
    auth_type PASS
    auth_pass hidden
  }
  virtual_ipaddress {
    203.0.113.10/24
  }
}
virtual_server 203.0.113.10 80 {
  protocol TCP
  lvs_sched rr
  real_server 10.11.12.1 8080 {
    TCP_CHECK {
      connect_timeout 3
    }
  }
  real_server 10.11.12.2 8080 {
  }
}
`;

function parsed(text: string): Config {
  const { config, findings } = load(
    'test.conf',
    () => text,
    () => [],
  );
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  return config as Config;
}

function diff(after: string): string {
  return diffText({ file: 'test.conf', loadable: true, findings: [], differences: configDifferences(parsed(BEFORE), parsed(after)) });
}

const ROWS: readonly (readonly [name: string, change: readonly [from: string, to: string], lines: readonly string[]])[] = [
  ['where something is written is no difference', ['vrrp_instance', '\n\nvrrp_instance'], []],
  [
    'a priority, by which the instance starts again',
    ['priority 100', 'priority 150'],
    ['~ vrrp_instance VI_1  (resigns and starts again)', '    priority 100 -> 150'],
  ],
  [
    'of a list what comes and what goes',
    ['203.0.113.10/24\n', '203.0.113.10/24\n    203.0.113.11/24\n'],
    ['~ vrrp_instance VI_1  (resigns and starts again)', '    + virtual_ipaddress 203.0.113.11/24'],
  ],
  [
    'a weight',
    ['10.11.12.2 8080 {', '10.11.12.2 8080 {\n    weight 3'],
    ['~ virtual_server 203.0.113.10 80 tcp real_server 10.11.12.2 8080', '    weight 1 -> 3'],
  ],
  [
    'a server that goes',
    ['  real_server 10.11.12.2 8080 {\n  }\n', ''],
    ['- virtual_server 203.0.113.10 80 tcp real_server 10.11.12.2 8080'],
  ],
  [
    'a service that comes, and one that goes',
    ['203.0.113.10 80 {', '203.0.113.10 81 {'],
    ['- virtual_server 203.0.113.10 80 tcp', '+ virtual_server 203.0.113.10 81 tcp'],
  ],
  ['a setting', ['\nvirtual_server', '\nnatlb {\n  flow_table_size 5000\n}\nvirtual_server'], ['~ natlb']],
];

for (const [name, [from, to], lines] of ROWS) {
  test(`diff: ${name}`, () => {
    assert.ok(BEFORE.includes(from));
    const text = diff(BEFORE.replace(from, to));
    if (lines.length === 0) assert.equal(text, '');
    assert.deepEqual(text.split('\n').slice(0, lines.length), lines);
  });
}

test('diff: passwords are not shown', () => {
  const text = diff(BEFORE.replace('hidden', 'secret7'));
  assert.match(text, /authentication \(a secret\) -> \(a secret\)/);
  assert.doesNotMatch(text, /hidden|secret7/);
});

test('diff: a file that would be refused says why', () => {
  const finding = { severity: 'error' as const, place: { file: 'x', line: 1, column: 2 }, message: 'no' };
  assert.equal(diffText({ file: 'x', loadable: false, findings: [finding], differences: [] }), 'x would be refused:\n  x:1:2: no\n');
});

test('diff: what says the same reads the same wherever it stands, and nothing else does', () => {
  assert.equal(saying({ a: 1, places: { a: 2 } }), saying({ a: 1, places: { a: 3 }, b: undefined }));
  for (const [one, other] of [
    [1, '1'],
    [true, 'true'],
    [[1, 2], [12]],
    [{ a: 'b' }, { a: 'b,' }],
    [[], {}],
    [null, 'null'],
  ] as const)
    assert.notEqual(saying(one), saying(other));
});

test('keys of auth_hmac are not shown', () => {
  const keyed = (hex: string) => ({ authHmac: { keys: [{ id: 1, hex }] } });
  const shown = JSON.stringify(blockDifference('vrrp_instance VI_1', keyed('aa'.repeat(32)), keyed('bb'.repeat(32))));
  assert.match(shown, /secret/);
  assert.doesNotMatch(shown, /aaaa|bbbb/);
});
