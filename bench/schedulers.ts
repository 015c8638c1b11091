// What each scheduler takes for a new flow, by the number of destinations, and how that compares with rr.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { progress, type Result } from './report.js';
import { table } from './table.js';

/** One line of native/test/bench_schedulers.cc. */
interface Figure {
  readonly scheduler: string;
  readonly servers: number;
  readonly nanoseconds: number;
}

const TOP = join(import.meta.dirname, '..', '..');

export async function benchSchedulers(): Promise<Result> {
  execFileSync('make', ['-s', '-C', join(TOP, 'native', 'test'), 'bench'], { stdio: ['ignore', 'inherit', 'inherit'] });
  progress('schedulers: picking');
  const output = execFileSync(join(TOP, 'build', 'native-test', 'bench_schedulers'), { encoding: 'utf8' });
  const figures = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Figure);
  return { name: 'schedulers', text: textOf(figures), figures };
}

function textOf(figures: readonly Figure[]): string {
  const sizes = [...new Set(figures.map(({ servers }) => servers))];
  const names = [...new Set(figures.map(({ scheduler }) => scheduler))];
  const of = (name: string, size: number): number =>
    figures.find(({ scheduler, servers }) => scheduler === name && servers === size)?.nanoseconds ?? Number.NaN;
  const lines = names.map((name) => [
    name,
    ...sizes.map((size) => of(name, size).toFixed(0)),
    ...sizes.map((size) => (of(name, size) / of('rr', size)).toFixed(1)),
  ]);
  const head = ['', ...sizes.map((size) => `ns, ${size}`), ...sizes.map((size) => `of rr, ${size}`)];
  return `schedulers: one pick among so many destinations, caches warm\n${table(head, lines)}`;
}
