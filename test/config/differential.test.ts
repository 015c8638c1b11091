// `natlb check` beside Debian's `keepalived -t`: the samples of its package, and seeded damages of them. Both must say the same: nothing
// wrong, wrong, or programs without enable_script_security.
//   SEED=7 COUNT=20000 node --test dist/test/config/differential.test.js   other damages, or more of them

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { DIFFERENCES, without } from './differential/differences.js';
import { dumpOf, dumpsOf } from './differential/dump.js';
import { keepalivedOf, type Verdict } from './differential/keepalived.js';
import { mutated, randomFrom } from './differential/mutate.js';
import { checked, codeOf } from './differential/natlb.js';
import { sourceDirectory } from './source-directory.js';

const SEED = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 2000);
/** What the samples leave out. */
const OURS = 'keywords.conf';
const SAMPLES = join('build', 'keepalived', 'usr', 'share', 'doc', 'keepalived', 'samples');

const samples = readSamples();
const skip = reasonToSkip();

/** keepalived gave up or crashed: it says nothing of the file, but that it would not run either. */
const GAVE_UP = new Set([2, 124, 134, 139]);
const SECURITY = /^SECURITY VIOLATION/;
/** keepalived ends when there is no such namespace, and nothing says so. */
const ELSEWHERE = /^'net_namespace' is not honoured/;

interface Disagreement {
  readonly natlb: number;
  readonly keepalived: number;
  readonly found: readonly string[];
  readonly said: readonly string[];
}

/** Nothing when they agree, but for what is intended. */
function disagreement(text: string, verdict: Verdict): Disagreement | undefined {
  const check = checked(text);
  if (codeOf(check, check.findings) === verdict.code) return undefined;
  const { findings, said } = without(check.findings, verdict);
  const natlb = codeOf(check, findings);
  const keepalived = said.length === verdict.said.length ? verdict.code : codeLeft(verdict, said);
  const crashed = GAVE_UP.has(keepalived) && keepalived !== 2;
  const gaveUp = keepalived === 2 && codeOf(check, check.findings) !== 0;
  const elsewhere = check.findings.some(({ message }) => ELSEWHERE.test(message));
  if (natlb === keepalived || crashed || gaveUp || elsewhere) return undefined;
  const counted = findings.filter(({ severity, about }) => severity === 'error' || about !== undefined);
  return { natlb, keepalived, found: counted.map(({ place, message }) => `${place.line}: ${message}`), said };
}

function codeLeft({ code }: Verdict, said: readonly string[]): number {
  if (said.length === 0) return 0;
  return code === 5 && !said.some((line) => SECURITY.test(line)) ? 4 : code;
}

interface Wrong {
  readonly text: string;
  readonly summary: string;
}

function compared(name: string, text: string, verdict: Verdict | undefined): Wrong[] {
  const found = verdict === undefined ? undefined : disagreement(text, verdict);
  if (found === undefined) return [];
  const lines = [...found.found.map((line) => `  natlb ${line}`), ...found.said.map((line) => `  keepalived: ${line}`)];
  return [{ text, summary: [`${name}: natlb ${found.natlb}, keepalived ${found.keepalived}`, ...lines].join('\n') }];
}

function assertNone(wrong: readonly Wrong[]): void {
  const [first] = wrong;
  if (first === undefined) return;
  const lines = first.text.split('\n').map((line, index) => `${String(index + 1).padStart(6)} ${line}`);
  const summaries = wrong.slice(0, 50).map(({ summary }) => summary);
  assert.fail([`${wrong.length} disagreements`, ...summaries, 'the first one:', ...lines].join('\n'));
}

test('natlb agrees with keepalived about its samples', { skip }, async () => {
  const verdicts = await keepalivedOf([...samples.values()]);
  const wrong = [...samples].flatMap(([name, text], index) => compared(name, text, verdicts[index]));
  assertNone(wrong);
});

test(`natlb agrees with keepalived about ${COUNT} damages of them, seed ${SEED}`, { skip }, async () => {
  const random = randomFrom(SEED);
  const texts = [...samples.values()];
  const damages = Array.from({ length: COUNT }, () => mutated(texts[random(texts.length)]!, random));
  const verdicts = await keepalivedOf(damages);
  const wrong = damages.flatMap((text, index) => compared(`damage ${index}`, text, verdicts[index]));
  assertNone(wrong);
});

test('natlb means by VRRP instances what keepalived means', { skip }, async (context) => {
  const described = [...samples].filter(([, text]) => /^vrrp_instance/m.test(text));
  const dumps = await dumpsOf(described.map(([, text]) => text));
  for (const [index, [name, text]] of described.entries()) {
    await context.test(name, (subtest) => {
      if (Object.keys(dumps[index] ?? {}).length === 0) return subtest.skip('keepalived does not start with it here');
      const { config } = checked(text).loaded;
      assert.deepEqual(dumpOf(config?.instances ?? []), dumps[index]);
    });
  }
});

test('every intended difference is one', { skip }, async (context) => {
  const verdicts = await keepalivedOf(DIFFERENCES.map(({ example }) => example));
  for (const [index, { name, reason, example }] of DIFFERENCES.entries()) {
    await context.test(`${name}: ${reason}`, () => {
      const verdict = verdicts[index]!;
      const check = checked(example);
      const said = [...check.findings.map(({ message }) => message), ...verdict.said].join('\n');
      assert.notEqual(codeOf(check, check.findings), verdict.code, said);
      assert.deepEqual(without(check.findings, verdict).used, [name], said);
      assert.equal(disagreement(example, verdict), undefined, said);
    });
  }
});

test('the same seed damages the same way', () => {
  const text = 'a b c\nd e f\ng {\n h 1\n}\n';
  const run = (seed: number): string[] => {
    const random = randomFrom(seed);
    return Array.from({ length: 50 }, () => mutated(text, random));
  };
  assert.deepEqual(run(3), run(3));
  assert.notDeepEqual(run(3), run(4));
});

function readSamples(): ReadonlyMap<string, string> {
  for (let root = import.meta.dirname; root !== dirname(root); root = dirname(root)) {
    const directory = join(root, SAMPLES);
    if (!existsSync(directory)) continue;
    const names = readdirSync(directory).filter((name) => name.startsWith('keepalived.conf'));
    const ours = readFileSync(join(sourceDirectory('differential'), OURS), 'utf8');
    return new Map([[OURS, ours], ...names.sort().map((name): [string, string] => [name, readFileSync(join(directory, name), 'utf8')])]);
  }
  return new Map();
}

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'keepalived --config-test needs root';
  if (samples.size === 0) return `there is no ${SAMPLES}; ./setup unpacks it`;
  return spawnSync('keepalived', ['--version']).error !== undefined && 'keepalived is not installed';
}
