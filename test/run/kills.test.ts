// `kill -9` at moments nobody chose, of control, of the data plane or of both, in one of two routers that serve: the other goes on, and the one
// that was killed comes back. A killed one may be killed again on its way back.
//   KILLS=100 SEED=7 node --test dist/test/run/kills.test.js

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Random, randomFrom } from '../config/differential/mutate.js';
import { Lab, natlb, REPOSITORY } from '../lab/lab.js';
import { until } from '../lab/process.js';
import { LOAD_PER_SECOND, URL4 } from '../lab/steps-serving.js';
import type { Load } from '../lab/traffic.js';
import { longestOverlapMs, Masters, parseAdvert } from './masters.js';
import { SKIP } from './place.js';
import { Supervised, VICTIMS, type Victim } from './supervised.js';

const KILLS = Number(process.env.KILLS ?? 12);
const SEED = Number(process.env.SEED ?? 1);

const ADVERT_MS = 500;
const VIRTUAL_ROUTER_ID = 50;
/** Of the standby, whose priority is 50. */
const DOWN_MS = 3 * ADVERT_MS + (206 / 256) * ADVERT_MS;
/** What a busy machine adds: to start a process, to have its turn, to connect. */
const BUSY_MS = 2500;
const BLACK_HOLE_MS = DOWN_MS + BUSY_MS;
/** One that comes back is heard with its next advert at the latest. */
const TWO_MASTERS_MS = ADVERT_MS + 250;
const BACK_WITHIN_MS = 45_000;
/** No backup takes over sooner. */
const SILENCE_MS = 3 * ADVERT_MS;
const LONGEST_PAUSE_MS = 2500;
const MOST_IN_A_ROW = 3;

interface Kill {
  readonly router: 'active' | 'standby';
  readonly victim: Victim;
  readonly afterMs: number;
}

/** All of a series hit one router. */
function series(random: Random, most: number): Kill[] {
  const router = random(4) === 0 ? 'standby' : 'active';
  return Array.from({ length: Math.min(most, 1 + random(MOST_IN_A_ROW)) }, () => ({
    router,
    victim: VICTIMS[random(VICTIMS.length)]!,
    afterMs: random(LONGEST_PAUSE_MS),
  }));
}

/** Adverts every half second, which only version 3 knows. */
function faster(config: string): string {
  return config
    .replace('global_defs {', 'global_defs {\n    vrrp_version 3')
    .replace(/ +authentication \{[^}]*\}\n/g, '')
    .replace(/advert_int 1$/gm, `advert_int ${ADVERT_MS / 1000}`);
}

class Killing {
  readonly #lab: Lab;
  readonly #masters: Masters;
  #load: Load | undefined;
  readonly #routers: Readonly<Record<'active' | 'standby', Supervised>>;

  constructor(lab: Lab) {
    this.#lab = lab;
    const client = lab.network.host('client');
    this.#masters = new Masters(client, VIRTUAL_ROUTER_ID, join(lab.dir, 'tcpdump.log'));
    this.#routers = { active: this.#supervised('active'), standby: this.#supervised('standby') };
  }

  /** The one serves, the other is ready to. Says how long that took. */
  async peace(): Promise<number> {
    const startedMs = performance.now();
    await this.#lab.holders.onlyAt('active', BACK_WITHIN_MS);
    for (const name of ['active', 'standby'] as const) {
      await until(`the data plane of ${name} runs`, BACK_WITHIN_MS, () => this.#routers[name].dataplane());
      const wanted = name === 'active' ? 'master' : 'backup';
      await natlb(this.#lab[name]).statusWhen(`it is ${wanted} everywhere`, BACK_WITHIN_MS, ({ instances, dataplane }) => {
        return dataplane.state === 'running' && instances.every(({ state }) => state === wanted);
      });
    }
    // Only what comes after the first start is a black hole.
    this.#load ??= this.#lab.client.load(URL4, LOAD_PER_SECOND);
    await this.#load.flowing();
    return performance.now() - startedMs;
  }

  async kill({ router, victim, afterMs }: Kill): Promise<void> {
    await delay(afterMs);
    this.#routers[router].kill(victim);
  }

  async end(): Promise<{ blackHoleMs: number; blackHoleFrom: string; twoMastersMs: number; adverts: number }> {
    if (this.#load === undefined) throw new Error('nobody asked anything');
    const { longestGapMs, longestGapFromMs } = await this.#load.stop();
    const blackHoleFrom = new Date(longestGapFromMs).toISOString();
    return { blackHoleMs: longestGapMs, blackHoleFrom, twoMastersMs: this.#masters.overlapMs(SILENCE_MS), adverts: this.#masters.heard };
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#load?.stop(), this.#masters.stop(), ...Object.values(this.#routers).map((router) => router.close())]);
  }

  #supervised(name: 'active' | 'standby'): Supervised {
    const { host, configFile, runDir, logFile } = natlb(this.#lab[name]);
    const command = [join(REPOSITORY, 'natlb'), 'run', '-f', configFile, '--run-dir', runDir, '--backend', 'af_packet'];
    return new Supervised({ host, command, runDir, logFile });
  }
}

test(`${KILLS} kills, seed ${SEED}: no two masters, no black hole, always back`, { skip: SKIP }, async (t) => {
  const random = randomFrom(SEED);
  const lab = await Lab.build({
    active: 'natlb',
    standby: 'natlb',
    natlb: join(REPOSITORY, 'natlb'),
    backend: 'af_packet',
    edit: faster,
  });
  const killing = new Killing(lab);
  const done: string[] = [];
  const backMs: number[] = [];
  try {
    await killing.peace();
    for (let left = KILLS; left > 0; ) {
      for (const kill of series(random, left)) {
        await killing.kill(kill);
        done.push(`${new Date().toISOString()} ${kill.router}: ${kill.victim}`);
        left--;
      }
      backMs.push(await killing.peace());
    }
    const { blackHoleMs, blackHoleFrom, twoMastersMs, adverts } = await killing.end();
    t.diagnostic(
      `longest black hole ${blackHoleMs} ms (${blackHoleFrom}), two masters ${twoMastersMs} ms, back after ${Math.round(Math.max(...backMs))} ms at most`,
    );
    assert.ok(adverts > 10, 'adverts were heard');
    assert.ok(blackHoleMs < BLACK_HOLE_MS, `nothing was answered for ${blackHoleMs} ms from ${blackHoleFrom} on\n${done.join('\n')}`);
    assert.ok(twoMastersMs < TWO_MASTERS_MS, `two masters for ${twoMastersMs} ms\n${done.join('\n')}`);
  } catch (error) {
    throw new Error(`${(error as Error).message}\nkilled:\n${done.slice(-6).join('\n')}\n${lab.logged(25)}`);
  } finally {
    await killing.close();
    await lab.close();
  }
});

test('two masters are found on the wire: who is silent for long or resigns is none', () => {
  const heard = (lines: readonly string[]) => lines.flatMap((line) => parseAdvert(line, 50) ?? []);
  const line = (seconds: number, source: string, priority: number) =>
    `${1000 + seconds}.000000 IP 10.0.0.${source} > 224.0.0.18: VRRPv3, Advertisement, vrid 50, prio ${priority}, intvl 50cs, length 12`;
  const both = [line(0, '1', 100), line(1, '1', 100), line(1, '2', 50), line(2, '1', 100), line(2, '2', 50), line(3, '2', 50)];
  const oneAfterTheOther = [line(0, '1', 100), line(1, '1', 0), line(1, '2', 50), line(2, '2', 50), line(9, '1', 100), line(10, '1', 100)];
  assert.equal(longestOverlapMs(heard(both), 1500), 1000);
  assert.equal(longestOverlapMs(heard(oneAfterTheOther), 1500), 0);
});
