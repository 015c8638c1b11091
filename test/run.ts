// Runs every test below dist/test, or those whose path contains one of the arguments, and ends with one total.
// Says what was skipped and why: without root the tests that need namespaces are, and nobody should have to guess.
//   node dist/test/run.js [--verbose] [PART-OF-A-PATH…]

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';

interface Group {
  readonly name: string;
  readonly takes: (file: string) => boolean;
  /** Test files under way at once. */
  readonly concurrency: number;
}

interface Event {
  readonly name: string;
  readonly file?: string;
  readonly nesting: number;
  readonly skip?: string | boolean;
  readonly details: { readonly duration_ms?: number; readonly type?: string; readonly error?: unknown };
}

interface FileResult {
  passed: number;
  failed: number;
  skipped: number;
  durationMs: number;
}

type Totals = Map<string, number>;

/** These wait for real timers in network namespaces of their own: several at once cost little, but not beside compilers and fuzzers. */
const NETWORK = /\b(lab|programs|interop|frr|devices|guard|run|oracle|differential|possessions|gives-way)\b/;

const GROUPS: readonly Group[] = [
  { name: 'quick tests', takes: (file) => !NETWORK.test(file), concurrency: availableParallelism() },
  { name: 'tests in network namespaces', takes: (file) => NETWORK.test(file), concurrency: 2 },
];

/** The native tests compile for minutes, and a machine may be busy with others. */
const LONGEST_FILE_MS = 25 * 60_000;
const ROOT = import.meta.dirname;

async function main(args: readonly string[]): Promise<number> {
  const verbose = args.includes('--verbose');
  const files = testFiles(args.filter((arg) => !arg.startsWith('--')));
  const totals: Totals = new Map();
  const skipped: string[] = [];
  for (const group of GROUPS) {
    const own = files.filter(group.takes);
    if (own.length === 0) continue;
    console.log(`${group.name}: ${own.length} files`);
    await runGroup(group, own, { totals, skipped, verbose });
  }
  report(totals, skipped);
  return exitCode(totals);
}

function testFiles(filters: readonly string[]): string[] {
  const all = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.js'));
  return all.filter((file) => filters.length === 0 || filters.some((part) => file.includes(part))).sort();
}

interface Sinks {
  readonly totals: Totals;
  readonly skipped: string[];
  readonly verbose: boolean;
}

async function runGroup(group: Group, files: readonly string[], sinks: Sinks): Promise<void> {
  const results = new Map<string, FileResult>();
  // Subtests are told before their parent, and only the parent surely names the test file: they may stand in a module it uses.
  let inner = nothing();
  const events = run({ files: files.map((file) => join(ROOT, file)), concurrency: group.concurrency, timeout: LONGEST_FILE_MS });
  events.on('test:pass', (event: Event) => note(event, true));
  events.on('test:fail', (event: Event) => note(event, false));
  events.on('test:stderr', (event: { message: string }) => process.stderr.write(event.message));
  events.on('test:stdout', (event: { message: string }) => sinks.verbose && process.stdout.write(event.message));
  events.on('test:diagnostic', (event: { message: string; nesting: number; file?: string }) => {
    if (event.nesting === 0 && event.file === undefined) add(sinks.totals, event.message);
  });
  await new Promise((resolve) => events.on('end', resolve).resume());
  finishUntil(undefined);

  function note(event: Event, passed: boolean): void {
    const file = relative(ROOT, event.file ?? event.name);
    if (event.nesting === 0) finishUntil(file);
    if (typeof event.skip === 'string') sinks.skipped.push(`${event.name} (${file}): ${event.skip}`);
    if (!passed) console.log(failure(file, event));
    else if (sinks.verbose) console.log(`${'  '.repeat(event.nesting)}${event.skip ? 'skip' : 'ok'} ${event.name}`);
    count(inner, event, passed);
    if (event.nesting === 0) results.set(file, sum(results.get(file), inner));
    if (event.nesting === 0) inner = nothing();
  }

  // Node tells of one file after the other, however many are under way: with the first word of the next the last is complete.
  function finishUntil(next: string | undefined): void {
    for (const [file, result] of results) {
      if (file === next) continue;
      console.log(line(file, result));
      results.delete(file);
    }
  }
}

function nothing(): FileResult {
  return { passed: 0, failed: 0, skipped: 0, durationMs: 0 };
}

function sum(a: FileResult | undefined, b: FileResult): FileResult {
  if (a === undefined) return b;
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    durationMs: a.durationMs + b.durationMs,
  };
}

/** Suites are not tests; their members are. */
function count(result: FileResult, event: Event, passed: boolean): void {
  if (event.nesting === 0) result.durationMs += event.details.duration_ms ?? 0;
  if (event.details.type === 'suite') return;
  if (event.skip) result.skipped++;
  else if (passed) result.passed++;
  else result.failed++;
}

function line(file: string, { passed, failed, skipped, durationMs }: FileResult): string {
  const parts = [`${passed} passed`, failed > 0 ? `${failed} FAILED` : '', skipped > 0 ? `${skipped} skipped` : ''].filter(Boolean);
  return `${failed > 0 ? 'not ok' : 'ok'} ${file}: ${parts.join(', ')} (${(durationMs / 1000).toFixed(1)} s)`;
}

function failure(file: string, event: Event): string {
  const error = event.details.error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return `\nnot ok ${event.name} (${file})\n${text.replace(/^/gm, '    ')}\n`;
}

/** Node ends a run with diagnostics such as "pass 6"; two runs make one total. */
function add(totals: Totals, message: string): void {
  const [, name, value] = /^(\w+) ([\d.]+)$/.exec(message) ?? [];
  if (name !== undefined) totals.set(name, (totals.get(name) ?? 0) + Number(value));
}

function report(totals: Totals, skipped: readonly string[]): void {
  if (skipped.length > 0) console.log(`\nskipped:\n${skipped.map((text) => `  ${text}`).join('\n')}\n`);
  for (const [name, value] of totals) console.log(`# ${name} ${Math.round(value)}`);
}

function exitCode(totals: Totals): number {
  const ran = (totals.get('tests') ?? 0) - (totals.get('skipped') ?? 0);
  if (ran <= 0) console.log('no test ran');
  return ran > 0 && (totals.get('fail') ?? 0) + (totals.get('cancelled') ?? 0) === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
