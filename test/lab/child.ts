// The lab as a program of its own, as its tests start it: what it says, how it ends, what it leaves behind.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { run } from './process.js';
import type { StepReport } from './report.js';

const MAIN = join(import.meta.dirname, 'main.js');
export const skip = process.getuid?.() === 0 ? false : 'the lab makes network namespaces and so needs root';

/** Runs the lab to its end: every step of the story is a test, and so is that nothing is left behind. */
export async function holdsEveryStep(t: TestContext, args: readonly string[], story: readonly { readonly name: string }[]): Promise<void> {
  const lab = startLab('--once', '--json', ...args);
  const output = await lab.output;
  const { steps } = JSON.parse(output.at(-1) ?? '') as { steps: StepReport[] };
  for (const step of steps) {
    await t.test(step.name, () => assert.ok(step.ok, JSON.stringify(step.measured)));
  }
  const names = steps.map(({ name }) => name);
  const expected = story.map(({ name }) => name);
  await t.test('no step is left out', () => assert.deepEqual(names, expected));
  await t.test('the exit status says that all held', async () => assert.equal(await lab.status, 0));
  await t.test('nothing is left behind', async () => assert.deepEqual(await leftovers(lab.pid), []));
}

export function startLab(...args: string[]) {
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

export async function leftovers(pid: number): Promise<string[]> {
  const dir = `/run/natlb-${pid}`;
  return [...(await namespacesOf(pid)), ...(existsSync(dir) ? [dir] : [])];
}

export async function namespacesOf(pid: number): Promise<string[]> {
  return (await run(['ip', 'netns', 'list'])).split('\n').filter((line) => line.startsWith(`natlb-${pid}-`));
}
