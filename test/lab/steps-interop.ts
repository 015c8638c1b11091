// Steps of the story in which one of the routers is Debian's keepalived: who holds the addresses, and when.

import type { Status } from '../../control/status.js';
import type { Lab } from './lab.js';
import type { Outcome } from './report.js';
import { KeepalivedRouter, NatlbRouter } from './router.js';

/**
 * The master down time of a standby of priority 50 is 3.8 s; keepalived was seen to take 4.7 s until all four members of the group agreed.
 * Told by priority 0 it waits the skew alone. The rest is for a busy machine.
 */
const SILENT_LIMIT_MS = 6_500;
const TOLD_LIMIT_MS = 2_500;
/** One that starts has to read its file and look at its interfaces first; Debian's keepalived takes up to 4 s for that on a busy machine. */
const START_LIMIT_MS = 12_000;
/** How long a change of masters may take at all before we call it failed. */
const CHANGE_LIMIT_MS = 20_000;
/** A preempting master adds its addresses with its first advert, the other removes them when it has read that. */
const OVERLAP_LIMIT_MS = 500;

export async function keepalivedAccepts(lab: Lab): Promise<Outcome> {
  const router = [lab.active, lab.standby].find((router) => router instanceof KeepalivedRouter);
  if (!(router instanceof KeepalivedRouter)) throw new Error('neither router is a keepalived');
  const { status, stderr } = await router.check();
  return { ok: status === 0, measured: { exitStatus: status, said: stderr.trim() || 'nothing' } };
}

/** Nobody of higher priority is heard, so it takes the addresses after its master down time. */
export async function standbyAlone(lab: Lab): Promise<Outcome> {
  await lab.standby.start();
  const startedMs = Date.now();
  await lab.holders.onlyAt('standby', CHANGE_LIMIT_MS);
  return moved(lab, 'standby', startedMs, START_LIMIT_MS);
}

/** Both have understood each other if nothing moves while five more adverts of every instance pass. */
export async function steady(lab: Lab): Promise<Outcome> {
  const startedMs = Date.now();
  const router = [lab.active, lab.standby].find((router) => router instanceof NatlbRouter);
  if (!(router instanceof NatlbRouter)) throw new Error('neither router is a natlb');
  const before = adverts(await router.status());
  const status = await router.statusWhen('five more adverts of every instance passed', CHANGE_LIMIT_MS, (now) =>
    adverts(now).every((count, n) => count >= (before[n] ?? 0) + 5),
  );
  const changes = lab.holders.changesSince(startedMs);
  const rejected = status.instances.reduce(
    (sum, { counters }) => sum + counters.checksumErrors + counters.authFailure + counters.versionErrors,
    0,
  );
  return { ok: changes === 0 && rejected === 0, measured: { tookMs: Date.now() - startedMs, changes, rejected } };
}

/** Of each instance: sent while master, received while backup. */
function adverts({ instances }: Status): number[] {
  return instances.map(({ counters }) => counters.advertsSent + counters.advertsReceived);
}

export async function activeStopped(lab: Lab): Promise<Outcome> {
  const startedMs = Date.now();
  await lab.active.stop();
  await lab.holders.onlyAt('standby', CHANGE_LIMIT_MS);
  return moved(lab, 'standby', startedMs, TOLD_LIMIT_MS);
}

export async function activeReturns(lab: Lab): Promise<Outcome> {
  await lab.active.start();
  const startedMs = Date.now();
  await lab.holders.onlyAt('active', CHANGE_LIMIT_MS);
  return moved(lab, 'active', startedMs, START_LIMIT_MS);
}

/** The killed router's addresses stay behind on its interfaces: this is no overlap it could help. */
export async function activeKilled(lab: Lab): Promise<Outcome> {
  const startedMs = Date.now();
  await lab.active.kill();
  await lab.holders.at('standby', CHANGE_LIMIT_MS);
  const movedAfterMs = lab.holders.settledAfterMs('standby', true, startedMs) ?? 0;
  return { ok: movedAfterMs <= SILENT_LIMIT_MS, measured: { movedAfterMs, limitMs: SILENT_LIMIT_MS } };
}

export async function cableCut(lab: Lab): Promise<Outcome> {
  const startedMs = Date.now();
  await lab.network.cable(lab.active.host, 'eth0', 'down');
  await lab.holders.onlyAt('standby', CHANGE_LIMIT_MS);
  return moved(lab, 'standby', startedMs, SILENT_LIMIT_MS);
}

export async function cablePlugged(lab: Lab): Promise<Outcome> {
  const startedMs = Date.now();
  await lab.network.cable(lab.active.host, 'eth0', 'up');
  await lab.holders.onlyAt('active', CHANGE_LIMIT_MS);
  return moved(lab, 'active', startedMs, SILENT_LIMIT_MS);
}

function moved(lab: Lab, to: string, startedMs: number, limitMs: number): Outcome {
  const movedAfterMs = lab.holders.settledAfterMs(to, true, startedMs) ?? 0;
  const twoHoldersMs = Math.round(lab.holders.overlapMs(startedMs));
  return { ok: movedAfterMs <= limitMs && twoHoldersMs <= OVERLAP_LIMIT_MS, measured: { movedAfterMs, limitMs, twoHoldersMs } };
}
