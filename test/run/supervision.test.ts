// The two processes of natlb: either is killed, stopped, or told to end, and what is left of the router does the right thing in time.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../../control/cli/client.js';
import { alive, until } from '../lab/process.js';
import { config } from './configs.js';
import { inPlace, type Place, type Router, SKIP, VIP } from './place.js';
import { listen, Talk } from './talk.js';

/** Three adverts of half a second, the pause of one that died young, and what a busy machine takes to start a process. */
const BACK_WITHIN_MS = 30_000;

async function serving(place: Place, ...options: readonly string[]): Promise<{ router: Router; dataplane: number }> {
  place.write(config());
  const router = place.start(...options);
  const { dataplane } = await router.serves();
  return { router, dataplane: dataplane.pid ?? 0 };
}

async function talking(place: Place): Promise<Talk> {
  await listen(place);
  const talk = new Talk(place);
  await until('the connection is up', 5_000, () => talk.waitsMs.length > 10);
  return talk;
}

async function answers(talk: Talk, limitMs: number): Promise<void> {
  const before = talk.waitsMs.length;
  await until('the connection goes on', limitMs, () => talk.waitsMs.length > before + 10);
  assert.equal(talk.closed, false);
}

async function nothingLeft(place: Place): Promise<void> {
  assert.deepEqual(await place.traces(), []);
  assert.equal(existsSync(join(place.runDir, 'control.sock')), false);
}

describe('of the two processes', { skip: SKIP, concurrency: 2 }, () => {
  describe('the data plane process', { concurrency: 4 }, () => {
    for (const backend of ['af_packet', 'af_xdp']) {
      test(`killed, it comes back, and so do the addresses and the connections (${backend})`, (t) =>
        inPlace(async (place) => {
          const { router, dataplane } = await serving(place, '--backend', backend);
          const talk = await talking(place);
          process.kill(dataplane, 'SIGKILL');
          const killedMs = performance.now();
          await until('the addresses are given up', 2_000, async () => !(await place.holds(VIP)));
          await router.when(
            'another data plane runs',
            ({ dataplane: { state, pid } }) => state === 'running' && pid !== dataplane,
            BACK_WITHIN_MS,
          );
          const runsMs = performance.now() - killedMs;
          await until('the addresses are back', BACK_WITHIN_MS, () => place.holds(VIP));
          const heldMs = performance.now() - killedMs;
          await answers(talk, BACK_WITHIN_MS);
          t.diagnostic(
            `runs after ${Math.round(runsMs)} ms, addresses after ${Math.round(heldMs)} ms, longest wait ${Math.max(...talk.waitsMs)} ms`,
          );
          assert.match(router.log, /, [1-9]\d* flows taken over/);
          await router.stop();
          await nothingLeft(place);
        }));
    }

    test('killed again and again, it is started again with pauses', () =>
      inPlace(async (place) => {
        const { router } = await serving(place);
        const startedMs = performance.now();
        for (let deaths = 0; deaths < 5; deaths++) {
          const { dataplane } = await router.when('a data plane process runs', ({ dataplane: { pid } }) => pid !== undefined);
          process.kill(dataplane.pid ?? 0, 'SIGKILL');
          await router.when('it died', ({ dataplane: { restarts } }) => restarts === deaths + 1);
        }
        await router.serves();
        assert.equal((router.log.match(/Data plane died \(SIGKILL\), starting it again in 1000 ms/g) ?? []).length, 5);
        assert.ok(performance.now() - startedMs > 5_000);
      }));

    test('stopped, it does not answer, which the status says in time, and nothing else hangs', () =>
      inPlace(async (place) => {
        const { router, dataplane } = await serving(place);
        process.kill(dataplane, 'SIGSTOP');
        const [shown, listed] = await Promise.all([
          place.natlb('status', '--run-dir', place.runDir),
          place.natlb('ipvsadm', '-Lnc', '--run-dir', place.runDir),
        ]);
        assert.match(shown.stdout, /DOES NOT ANSWER, process/);
        assert.match(listed.stderr, /did not answer within/);
        router.kill('SIGHUP');
        await router.logged('Reloaded');
        await router.logged('Data plane does not answer: ending it', BACK_WITHIN_MS);
        await router.logged('Data plane died (SIGKILL)');
        await router.serves();
      }));

    test('stopped, it does not keep natlb from ending', () =>
      inPlace(async (place) => {
        const { router, dataplane } = await serving(place);
        process.kill(dataplane, 'SIGSTOP');
        assert.equal(await router.stop(), true);
        await nothingLeft(place);
      }));

    test('whose interface is gone is tried again until it is back', () =>
      inPlace(async (place) => {
        const { router, dataplane } = await serving(place);
        await place.ip('link set eth1 name away');
        process.kill(dataplane, 'SIGKILL');
        await router.logged(/Data plane cannot start \(.*eth1.*\), starting it again in 1000 ms/);
        assert.equal(await place.holds(VIP), false);
        await place.ip('link set away name eth1');
        await router.serves();
      }));
  });

  describe('the control process', { concurrency: 4 }, () => {
    for (const backend of ['af_packet', 'af_xdp']) {
      test(`killed, the data plane withdraws before a standby takes over (${backend})`, (t) =>
        inPlace(async (place) => {
          const { router, dataplane } = await serving(place, '--backend', backend);
          router.kill('SIGKILL');
          const killedMs = performance.now();
          await until('the data plane is gone', 5_000, () => !alive(dataplane));
          t.diagnostic(`gone ${Math.round(performance.now() - killedMs)} ms after control`);
          assert.deepEqual(await place.traces(), ['table inet natlb']);
          await place.start('--backend', backend).serves();
        }));
    }

    test('started again in the grace of the one killed, it ends what that left and takes over its connections', () =>
      inPlace(async (place) => {
        const { router, dataplane } = await serving(place);
        const talk = await talking(place);
        router.kill('SIGKILL');
        await router.exited;
        const next = place.start();
        await next.serves();
        assert.equal(alive(dataplane), false);
        await answers(talk, BACK_WITHIN_MS);
      }));

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      test(`told to end by ${signal} to all its processes at once, it leaves nothing`, () =>
        inPlace(async (place) => {
          const { router } = await serving(place, '--backend', 'af_xdp');
          process.kill(-router.pid, signal);
          await delay(5);
          process.kill(-router.pid, signal);
          assert.equal(await router.exited, 0);
          await nothingLeft(place);
        }));
    }
  });

  test('neither minds that nobody reads the log any more', () =>
    inPlace(async (place) => {
      place.write(config());
      place.startPiped('head -n 1');
      await until('natlb serves', BACK_WITHIN_MS, () => place.holds(VIP));
      assert.equal((await ask(place.runDir, { what: 'reload' })).applied, true);
      const { dataplane } = await ask(place.runDir, { what: 'status' });
      process.kill(dataplane.pid ?? 0, 'SIGKILL');
      await until('natlb has given up the address', 5_000, async () => !(await place.holds(VIP)));
      await until('natlb serves again', BACK_WITHIN_MS, () => place.holds(VIP));
    }));
});
