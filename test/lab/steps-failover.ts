// Steps of the story in which a router fails under load and its partner goes on; each measures the longest time without an answer.

import type { LoadReading } from './client.js';
import { type Lab, natlb } from './lab.js';
import { alive, until } from './process.js';
import type { Outcome } from './report.js';
import { LOAD_PER_SECOND, URL4 } from './steps-serving.js';

/** The standby waits 3 adverts of 1 s and (256-50)/256 s of skew; the rest is for a busy machine. */
const SILENT_LIMIT_MS = 5_500;
/** Told by priority 0, it waits the skew alone. */
const TOLD_LIMIT_MS = 2_500;
/** Control gone, the data plane is to serve at least this long before it withdraws. */
const GRACE_AT_LEAST_MS = 500;
/** How long a change of masters may take at all before we call it failed. */
const CHANGE_LIMIT_MS = 20_000;

export async function routerKilled(lab: Lab): Promise<Outcome> {
  const { reading } = await underLoad(lab, async () => {
    await lab.active.kill();
    await lab.holders.at('standby', CHANGE_LIMIT_MS);
  });
  return gap(reading, SILENT_LIMIT_MS);
}

export async function routerReturns(lab: Lab): Promise<Outcome> {
  const { reading } = await underLoad(lab, async () => {
    await lab.active.start();
    await backAtActive(lab);
  });
  return gap(reading, TOLD_LIMIT_MS);
}

export async function routerStopped(lab: Lab): Promise<Outcome> {
  const { reading } = await underLoad(lab, async () => {
    await lab.active.stop();
    await lab.holders.onlyAt('standby', CHANGE_LIMIT_MS);
  });
  return gap(reading, TOLD_LIMIT_MS);
}

export async function dataplaneKilled(lab: Lab): Promise<Outcome> {
  const before = await natlb(lab.active).status();
  const { reading } = await underLoad(lab, async () => {
    await natlb(lab.active).killOnly('dataplane');
    const restarted = `its data plane was restarted`;
    await natlb(lab.active).statusWhen(restarted, CHANGE_LIMIT_MS, ({ dataplane }) => dataplane.restarts > before.dataplane.restarts);
    await backAtActive(lab);
  });
  const after = await natlb(lab.active).status();
  const priorityZeroSent = farewells(after) - farewells(before);
  const { ok, measured } = gap(reading, TOLD_LIMIT_MS);
  return { ok: ok && priorityZeroSent > 0, measured: { ...measured, priorityZeroSent } };
}

export async function controlKilled(lab: Lab): Promise<Outcome> {
  const { reading, startedMs } = await underLoad(lab, async () => {
    const dataplanePid = await natlb(lab.active).killOnly('control');
    await lab.holders.onlyAt('standby', CHANGE_LIMIT_MS);
    await until('the data plane that lost its control has ended', CHANGE_LIMIT_MS, () => !alive(dataplanePid));
  });
  const withdrawnAfterMs = lab.holders.settledAfterMs('active', false, startedMs);
  const takenOverAfterMs = lab.holders.settledAfterMs('standby', true, startedMs);
  const servedOnMs = Math.max(0, reading.longestGapFromMs - startedMs);
  const twoHoldersMs = Math.round(lab.holders.overlapMs(startedMs));
  const { ok, measured } = gap(reading, SILENT_LIMIT_MS);
  return {
    ok: ok && twoHoldersMs === 0 && servedOnMs >= GRACE_AT_LEAST_MS,
    measured: { ...measured, servedOnMs, withdrawnAfterMs, takenOverAfterMs, twoHoldersMs },
  };
}

/** The private side is well, but a router that reaches only one side is of no use: both move. */
export async function cableCut(lab: Lab): Promise<Outcome> {
  const { reading, startedMs } = await underLoad(lab, async () => {
    await lab.network.cable(lab.active.host, 'eth0', 'down');
    await lab.holders.onlyAt('standby', CHANGE_LIMIT_MS);
  });
  await natlb(lab.active).statusWhen('every instance is in fault', CHANGE_LIMIT_MS, ({ instances }) =>
    instances.every(({ state }) => state === 'fault'),
  );
  const { ok, measured } = gap(reading, SILENT_LIMIT_MS);
  return { ok, measured: { ...measured, movedAfterMs: lab.holders.settledAfterMs('standby', true, startedMs) } };
}

export async function cablePlugged(lab: Lab): Promise<Outcome> {
  const { reading } = await underLoad(lab, async () => {
    await lab.network.cable(lab.active.host, 'eth0', 'up');
    await backAtActive(lab);
  });
  return gap(reading, TOLD_LIMIT_MS);
}

/** Lets something happen while requests come in at a fixed rate, and goes on until they are answered again. */
async function underLoad(lab: Lab, happening: () => Promise<void>): Promise<{ reading: LoadReading; startedMs: number }> {
  const load = lab.client.load(URL4, LOAD_PER_SECOND);
  try {
    await load.flowing();
    const startedMs = Date.now();
    await happening();
    await load.flowing();
    return { reading: await load.stop(), startedMs };
  } finally {
    await load.stop();
  }
}

function gap({ asked, failed, failures, longestGapMs }: LoadReading, limitMs: number): Outcome {
  return { ok: longestGapMs <= limitMs, measured: { longestGapMs, limitMs, asked, failed, failures: failed > 0 ? failures : undefined } };
}

async function backAtActive(lab: Lab): Promise<void> {
  await lab.holders.onlyAt('active', CHANGE_LIMIT_MS);
  await natlb(lab.active).statusWhen('every instance is master', CHANGE_LIMIT_MS, ({ instances }) =>
    instances.every(({ state }) => state === 'master'),
  );
}

function farewells({ instances }: { instances: readonly { counters: { priorityZeroSent: number } }[] }): number {
  return instances.reduce((sum, { counters }) => sum + counters.priorityZeroSent, 0);
}
