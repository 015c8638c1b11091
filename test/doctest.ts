// Runs programs made with doctest and tells their cases apart, so that each counts in the one total.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

export interface Outcome {
  readonly failed: boolean;
  readonly output: string;
}

interface Case {
  readonly name: string;
  readonly failure?: string;
}

/** Runs the program (with `--reporters=junit` among `args`) and makes a subtest of each of its cases. */
export async function runCases(t: TestContext, command: string, args: readonly string[], cwd: string): Promise<void> {
  const { failed, output } = await outcome(command, args, cwd);
  const cases = casesOf(output);
  assert.ok(cases.length > 0, output);
  for (const { name, failure } of cases) await t.test(name, () => assert.equal(failure, undefined));
  assert.equal(failed, false, `ended badly after its last case:\n${output}`);
}

export async function outcome(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd, maxBuffer: 64 << 20 });
    return { failed: false, output: stdout + stderr };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    return { failed: true, output: [message, stdout, stderr].join('\n') };
  }
}

/** doctest's JUnit text: one `<testcase …/>` line each, or one with `<failure message="…">` lines inside. */
function casesOf(junit: string): Case[] {
  const found = junit.matchAll(/<testcase [^>]*?name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g);
  return [...found].map(([, name = '', inside]) => ({ name: plain(name), ...(inside === undefined ? {} : { failure: plain(inside) }) }));
}

function plain(xml: string): string {
  return xml.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name] ?? '');
}
