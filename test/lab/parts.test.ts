// What the lab measures with: its own reading of addresses, metrics pages and values, which a wrong lab would get wrong first.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Change, holdersAt, overlapMs, parseChange } from './holders.js';
import { parseMetrics, sumOf } from './metrics-text.js';
import { payload, payloadHash } from './payload.js';
import { until } from './process.js';
import { sentence } from './report.js';

test('an address that comes or goes is read from the line of ip monitor', () => {
  const came = parseChange('[2026-01-01T12:00:00.250000] 2: eth0    inet 203.0.113.10/32 scope global eth0', 'active');
  assert.deepEqual(came, { atMs: Date.parse('2026-01-01T12:00:00') + 250, host: 'active', address: '203.0.113.10', held: true });
  const went = parseChange('[2026-01-01T12:00:00.250000] Deleted 2: eth0    inet6 2001:db8:113::10/128 scope global nodad ', 'active');
  assert.equal(went?.address, '2001:db8:113::10');
  assert.equal(went?.held, false);
  assert.equal(parseChange('       valid_lft forever preferred_lft forever', 'active'), undefined);
});

test('two holders at once are measured, one after the other is not', () => {
  const change = (atMs: number, host: string, held: boolean): Change => ({ atMs, host, address: 'vip', held });
  const overlapping = [change(1, 'a', true), change(10, 'b', true), change(13, 'a', false), change(20, 'b', false)];
  assert.equal(overlapMs(overlapping, 'vip', 0, 100), 3);
  assert.equal(overlapMs(overlapping, 'vip', 12, 100), 1);
  assert.equal(overlapMs([change(1, 'a', true), change(2, 'a', false), change(2, 'b', true)], 'vip', 0, 100), 0);
  assert.equal(overlapMs([change(1, 'a', true), change(1, 'b', true)], 'vip', 50, 100), 50);
  assert.deepEqual(holdersAt(overlapping, 'vip', 11), ['a', 'b']);
});

test('a metrics page is read with its labels, and a metric that is missing is an error', () => {
  const samples = parseMetrics('# HELP x y\n# TYPE x counter\nx{a="b,c",d="e\\"f"} 2\nx{a="g"} 3.5\ny 1e3\n');
  assert.deepEqual(samples[0], { name: 'x', labels: { a: 'b,c', d: 'e\\"f' }, value: 2 });
  assert.equal(sumOf(samples, 'x'), 5.5);
  assert.equal(sumOf(samples, 'y'), 1000);
  assert.throws(() => sumOf(samples, 'z'), /no metric z/);
  assert.throws(() => parseMetrics('<html>'), /not a line of a metrics page/);
});

test('measured values are told in words with their units', () => {
  assert.equal(sentence({ longestGapMs: 812, byServer: { b: 9, a: 10 }, intact: true }), 'longest gap 812 ms; a 10, b 9; intact yes');
  assert.equal(sentence({ vipIpv6: '3/3', absent: undefined, missing: [] }), 'vip ipv6 3/3; missing none');
});

test('the body of a download is as long as asked for, hashed as sent, and has no two blocks alike', () => {
  const bytes = 200_001;
  const body = Buffer.concat([...payload(bytes)]);
  assert.equal(body.length, bytes);
  assert.equal(createHash('sha256').update(body).digest('hex'), payloadHash(bytes));
  assert.notDeepEqual(body.subarray(0, 65_536), body.subarray(65_536, 131_072));
});

test('a wait that is in vain ends and says what it waited for and why it went on', async () => {
  const attempt = () => {
    throw new Error('nobody is there');
  };
  await assert.rejects(
    until('somebody answers', 1, attempt),
    /waited 0.001 s in vain until somebody answers; the last attempt: nobody is there/,
  );
});
