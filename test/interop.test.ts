// natlb beside Debian's keepalived as the other router, both ways round, VRRP version 2 and 3: who holds the addresses, and when.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Lab, type LabOptions, REPOSITORY, type RouterKind } from './lab/lab.js';
import { type Outcome, sentence } from './lab/report.js';
import * as interop from './lab/steps-interop.js';

interface Row {
  readonly active: RouterKind;
  readonly standby: RouterKind;
  readonly version: 2 | 3;
}

const ROWS: readonly Row[] = [
  { active: 'natlb', standby: 'keepalived', version: 2 },
  { active: 'keepalived', standby: 'natlb', version: 2 },
  { active: 'natlb', standby: 'keepalived', version: 3 },
  { active: 'keepalived', standby: 'natlb', version: 3 },
];

const skip = process.getuid?.() === 0 ? false : 'the lab makes network namespaces and so needs root';

for (const { active, standby, version } of ROWS) {
  test(`${active} as master over ${standby} as backup, VRRP version ${version}`, { skip, timeout: 300_000 }, async (t) => {
    const lab = await Lab.build({ active, standby, ...OPTIONS, ...(version === 3 && { edit: speakVersion3 }) });
    const holds = (name: string, step: (lab: Lab) => Promise<Outcome>) =>
      t.test(name, async () => {
        const { ok, measured } = await step(lab).catch(({ message }: Error): Outcome => ({ ok: false, measured: { error: message } }));
        t.diagnostic(`${name}: ${sentence(measured)}`);
        const logged = lab.logged(30);
        assert.ok(ok, `${sentence(measured)}\n${logged}`);
      });
    try {
      await holds('keepalived accepts the file', interop.keepalivedAccepts);
      await holds(`${standby} alone takes the addresses`, interop.standbyAlone);
      await holds(`${active} comes and takes them, having the higher priority`, interop.activeReturns);
      await holds('they understand each other: nothing moves', interop.steady);
      await holds(`${active} stops in order: ${standby} takes them`, interop.activeStopped);
      await holds(`${active} returns and takes them back`, interop.activeReturns);
      await holds(`${active} is killed: ${standby} takes them`, interop.activeKilled);
      await holds(`${active} returns once more, and ${standby} gives way`, interop.activeReturns);
      await holds(`${active} loses its public cable: both sides move`, interop.cableCut);
      await holds('the cable is back: both sides return', interop.cablePlugged);
      assert.deepEqual([lab.active.crashed, lab.standby.crashed], [undefined, undefined], 'a router crashed on the way');
    } finally {
      await lab.close();
    }
  });
}

const OPTIONS: Pick<LabOptions, 'natlb' | 'backend'> = { natlb: join(REPOSITORY, 'natlb'), backend: 'auto' };

/** Version 3 knows no authentication, so those blocks go. */
function speakVersion3(config: string): string {
  return config.replaceAll(/^ {4}authentication \{[^}]*\}$/gm, '    version 3');
}
