// Reloads of a running natlb: good ones are carried out, bad ones change nothing and are seen everywhere one looks.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ask } from '../../control/cli/client.js';
import { until } from '../lab/process.js';
import { config, service } from './configs.js';
import { inPlace, type Place, PORT, type Router, SKIP, VIP } from './place.js';
import { listen, Talk } from './talk.js';

const SECOND_VIP = '203.0.113.11';
const METRICS = '127.0.0.1:9842';

async function started(place: Place, ...options: readonly string[]): Promise<Router> {
  place.write(config());
  const router = place.start(...options);
  await router.serves();
  return router;
}

function reload(router: Router): Promise<unknown> {
  const count = (router.log.match(/Reloaded|reload refused/g) ?? []).length;
  router.kill('SIGHUP');
  return until('natlb has reloaded', 10_000, () => (router.log.match(/Reloaded|reload refused/g) ?? []).length > count);
}

async function metric(place: Place): Promise<string | undefined> {
  const { stdout } = await place.attempt(['curl', '-sS', `http://${METRICS}/metrics`]);
  return /^natlb_config_last_reload_successful (\d)$/m.exec(stdout)?.[1];
}

describe('a reload', { skip: SKIP, concurrency: 3 }, () => {
  test('of a bad file changes nothing and is told in log, status and metrics; a good one recovers', () =>
    inPlace(async (place) => {
      const router = await started(place, '--metrics', METRICS);
      assert.equal(await metric(place), '1');
      place.write(config({ vips: [SECOND_VIP], settings: 'nonsense' }));
      await reload(router);
      assert.match(router.log, /reload refused, the running configuration stays: .*keepalived\.conf:9:3: unknown keyword 'nonsense'/);
      assert.match((await place.natlb('status', '--run-dir', place.runDir)).stdout, /1 failed\n {2}LAST RELOAD FAILED/);
      assert.equal(await metric(place), '0');
      assert.deepEqual([await place.holds(VIP), await place.holds(SECOND_VIP)], [true, false]);
      place.write(config());
      await reload(router);
      assert.equal(await metric(place), '1');
      assert.equal((await router.status()).config.lastReloadSuccessful, true);
    }));

  test('adds and removes virtual addresses', () =>
    inPlace(async (place) => {
      const router = await started(place);
      place.write(config({ vips: [VIP, SECOND_VIP] }));
      await reload(router);
      await until('the second address came', 10_000, async () => (await place.holds(SECOND_VIP)) && (await place.holds(VIP)));
      place.write(config({ vips: [VIP] }));
      await reload(router);
      await until('the second address went', 10_000, async () => !(await place.holds(SECOND_VIP)) && (await place.holds(VIP)));
    }));

  test('adds a service, and those there go on', () =>
    inPlace(async (place) => {
      await Promise.all([listen(place), listen(place, PORT + 1)]);
      const router = await started(place);
      const first = new Talk(place);
      await until('the first service answers', 5_000, () => first.waitsMs.length > 0);
      place.write(config({ services: service() + service(PORT + 1, [PORT + 1]) }));
      await reload(router);
      const second = new Talk(place, PORT + 1);
      await until('the second service answers', 5_000, () => second.waitsMs.length > 0);
      const answers = first.waitsMs.length;
      await until('the first still answers', 5_000, () => first.waitsMs.length > answers);
      assert.equal(first.closed, false);
    }));

  test('names what only a restart can change', () =>
    inPlace(async (place) => {
      const router = await started(place);
      place.write(config({ settings: 'interfaces eth0\n  metrics 127.0.0.1:1' }));
      await reload(router);
      assert.match(router.log, /The data plane stays on eth0 eth1 until natlb is restarted; wanted now: eth0/);
      assert.match(router.log, /Until natlb is restarted it goes on with the old metrics/);
      assert.equal(await place.holds(VIP), true);
    }));

  test('on trial goes back unless it is confirmed, and says so wherever one looks', () =>
    inPlace(async (place) => {
      const router = await started(place);
      place.write(config({ vips: [VIP, SECOND_VIP] }));
      assert.equal((await ask(place.runDir, { what: 'reload', rollbackAfterMs: 2_000 })).applied, true);
      await router.logged('On trial: goes back to the configuration that was last not on trial in 2 s');
      assert.match((await place.natlb('status', '--run-dir', place.runDir)).stdout, /ON TRIAL: goes back in/);
      await router.logged(/Went back to what .* said before/);
      await until('the second address went', 10_000, async () => !(await place.holds(SECOND_VIP)) && (await place.holds(VIP)));
      const { lastReloadSuccessful, rolledBack } = (await router.status()).config;
      assert.deepEqual({ lastReloadSuccessful, rolledBack }, { lastReloadSuccessful: false, rolledBack: true });
      assert.match((await place.natlb('confirm', '--run-dir', place.runDir)).stderr, /no configuration is on trial/);
    }));

  test('on trial stays when it is confirmed', () =>
    inPlace(async (place) => {
      const router = await started(place);
      place.write(config({ vips: [VIP, SECOND_VIP] }));
      const asked = await place.natlb('reload', '--rollback-after', '3s', '--run-dir', place.runDir);
      assert.match(asked.stdout, /reloaded .*; it goes back in 3s unless you type natlb confirm/);
      assert.match((await place.natlb('confirm', '--run-dir', place.runDir)).stdout, /is confirmed/);
      await router.logged('The configuration on trial is confirmed');
      assert.equal((await router.status()).config.trialEndsMs, undefined);
      await until('the second address came', 10_000, () => place.holds(SECOND_VIP));
    }));

  test('is told beforehand by natlb diff, which changes nothing', () =>
    inPlace(async (place) => {
      const router = await started(place);
      const same = await place.natlb('diff', '--run-dir', place.runDir);
      assert.deepEqual({ status: same.status, stdout: same.stdout }, { status: 0, stdout: '' });
      place.write(config({ vips: [VIP, SECOND_VIP] }));
      const other = await place.natlb('diff', '--run-dir', place.runDir);
      assert.equal(other.status, 1);
      assert.match(other.stdout, /^~ vrrp_instance .*\n {4}\+ virtual_ipaddress 203\.0\.113\.11/);
      place.write('junk');
      assert.equal((await place.natlb('diff', place.file, '--json', '--run-dir', place.runDir)).status, 2);
      assert.equal((await router.status()).config.reloads, 0);
      assert.equal(await place.holds(SECOND_VIP), false);
    }));

  test('comes with dumps: every signal of keepalived writes its file', () =>
    inPlace(async (place) => {
      const router = await started(place);
      process.kill(router.pid, 'SIGUSR1');
      await router.logged(/Wrote .*keepalived_parent\.data, .*keepalived\.data, .*keepalived_check\.data/);
      process.kill(router.pid, 'SIGUSR2');
      await router.logged(/Wrote .*keepalived\.stats$/m);
      process.kill(router.pid, 36);
      await router.logged(/Wrote .*keepalived\.json/);
      const cleared = await place.natlb('signal', 'STATS_CLEAR', '--run-dir', place.runDir);
      assert.match(cleared.stdout, /keepalived\.stats/);
      assert.equal((await router.status()).dataplane.restarts, 0);
    }));

  test('may be asked for on the control socket, which says how it went', () =>
    inPlace(async (place) => {
      const router = await started(place);
      assert.equal((await ask(place.runDir, { what: 'reload' })).applied, true);
      place.write('junk');
      const { applied, message } = await ask(place.runDir, { what: 'reload' });
      assert.equal(applied, false);
      assert.match(message, /keepalived\.conf:1:1: unknown keyword 'junk'/);
      assert.equal((await router.status()).config.failedReloads, 1);
    }));

  test('asked for many times at once ends with what the file says', () =>
    inPlace(async (place) => {
      const router = await started(place);
      place.write(config({ vips: [SECOND_VIP] }));
      for (let i = 0; i < 5; i++) router.kill('SIGHUP');
      await Promise.all([ask(place.runDir, { what: 'reload' }), ask(place.runDir, { what: 'reload' })]);
      await until('the address of the new file is there, and only that', 10_000, async () => {
        return (await place.holds(SECOND_VIP)) && !(await place.holds(VIP));
      });
      assert.equal((await router.status()).config.failedReloads, 0);
    }));

  test('asked for while natlb starts is carried out once it runs', () =>
    inPlace(async (place) => {
      place.write(config());
      const router = place.start();
      await until('it hears SIGHUP', 10_000, () => hearsHangup(router.pid));
      router.kill('SIGHUP');
      await router.serves();
      await router.logged('Reloaded');
    }));

  test('asked to end while it starts, natlb ends and leaves nothing', () =>
    inPlace(async (place) => {
      place.write(config());
      const router = place.start();
      await router.logged('natlb 0');
      router.kill('SIGTERM');
      assert.equal(await router.exited, 0);
      assert.deepEqual(await place.traces(), []);
    }));
});

/** SigCgt of proc(5): the signals a process catches, bit 0 for the first. */
function hearsHangup(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  const isNode = readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('node\0');
  return isNode && (BigInt(`0x${caught}`) & 1n) === 1n;
}
