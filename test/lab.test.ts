// Runs the lab as a user would, on both back ends, and holds it to its promises: every step, and nothing left behind.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { run } from './lab/process.js';
import type { StepReport } from './lab/report.js';
import { story } from './lab/story.js';
import { sweep } from './lab/topology.js';

const MAIN = join(import.meta.dirname, 'lab/main.js');
const skip = process.getuid?.() === 0 ? false : 'the lab makes network namespaces and so needs root';

for (const backend of ['af_xdp', 'af_packet']) {
  test(`the lab holds every step on ${backend}`, { skip, timeout: 600_000 }, async (t) => {
    const lab = startLab('--once', '--json', '--backend', backend);
    const output = await lab.output;
    const { steps } = JSON.parse(output.at(-1) ?? '') as { steps: StepReport[] };
    for (const step of steps) {
      await t.test(step.name, () => assert.ok(step.ok, JSON.stringify(step.measured)));
    }
    const names = steps.map(({ name }) => name);
    const expected = story('natlb').map(({ name }) => name);
    await t.test('no step is left out', () => assert.deepEqual(names, expected));
    await t.test('the exit status says that all held', async () => assert.equal(await lab.status, 0));
    await t.test('nothing is left behind', async () => assert.deepEqual(await leftovers(lab.pid), []));
  });
}

test('Ctrl-C ends the lab in the middle and removes its network', { skip, timeout: 120_000 }, async () => {
  const lab = startLab();
  await lab.line(/thirty requests/);
  assert.notDeepEqual(await leftovers(lab.pid), []);
  process.kill(lab.pid, 'SIGINT');
  assert.equal(await lab.status, 130);
  assert.deepEqual(await namespacesOf(lab.pid), []);
});

test('what a killed lab leaves behind is swept away by the next', { skip, timeout: 120_000 }, async () => {
  const lab = startLab();
  await lab.line(/thirty requests/);
  process.kill(lab.pid, 'SIGKILL');
  await lab.status;
  assert.notDeepEqual(await leftovers(lab.pid), []);
  await sweep('/run');
  assert.deepEqual(await leftovers(lab.pid), []);
});

test('a back end that does not exist is refused with the ones that do', async () => {
  const lab = startLab('--backend', 'dpdk');
  assert.equal(await lab.status, 2);
  assert.match(await lab.errors, /--backend dpdk: expected one of auto, af_xdp, af_packet/);
});

function startLab(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdout });
  const output: string[] = [];
  lines.on('line', (text) => output.push(text));
  const status = once(child, 'close').then(([code]) => code as number | null);
  return {
    pid: child.pid!,
    status,
    output: status.then(() => output),
    errors: child.stderr.setEncoding('utf8').reduce((all, text) => all + text, ''),
    line: (wanted: RegExp) =>
      new Promise<void>((resolve, reject) => {
        lines.on('line', (text) => wanted.test(text) && resolve());
        status.then(() => reject(new Error(`the lab ended before it said ${wanted}:\n${output.join('\n')}`)));
      }),
  };
}

async function leftovers(pid: number): Promise<string[]> {
  const dir = `/run/natlb-${pid}`;
  return [...(await namespacesOf(pid)), ...(existsSync(dir) ? [dir] : [])];
}

async function namespacesOf(pid: number): Promise<string[]> {
  return (await run(['ip', 'netns', 'list'])).split('\n').filter((line) => line.startsWith(`natlb-${pid}-`));
}
