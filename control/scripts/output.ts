// What programs print goes to the log: a few lines in a while, and of a line no more than can be read.

import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Script } from '../config/model.js';

const PERIOD_MS = 10_000;
const LINES = 10;
const LINE_LENGTH = 300;

interface Allowance {
  startedMs: number;
  lines: number;
  omitted: number;
}

/** One allowance for all runs of a script, so that one that is run every second does not fill the log. */
const allowances = new WeakMap<Script, Allowance>();

/** Everything is read, so that no program waits for us; what is one too many is dropped, and said once. */
export function logOutput(script: Script, { stdout, stderr }: Pick<ChildProcess, 'stdout' | 'stderr'>, log: (text: string) => void): void {
  const name = script.argv[0] ?? '';
  const say = (text: string): void => {
    const allowance = allowances.get(script) ?? { startedMs: Number.NEGATIVE_INFINITY, lines: 0, omitted: 0 };
    allowances.set(script, allowance);
    admit(allowance, (line) => log(`${name}: ${line}`), text);
  };
  for (const stream of [stdout, stderr]) if (stream !== null) readLines(stream, say);
}

function admit(allowance: Allowance, say: (text: string) => void, text: string): void {
  const now = performance.now();
  if (now - allowance.startedMs >= PERIOD_MS) {
    if (allowance.omitted > 0) say(`(${allowance.omitted} more lines)`);
    Object.assign(allowance, { startedMs: now, lines: 0, omitted: 0 });
  }
  allowance.lines += 1;
  if (allowance.lines <= LINES) say(text);
  else allowance.omitted += 1;
  if (allowance.lines === LINES + 1) say('prints more; it is left out for a while');
}

function readLines(stream: Readable, say: (text: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_LENGTH);
    for (const line of lines) if (line.trim() !== '') say(readable(line));
  });
  stream.on('end', () => {
    if (rest.trim() !== '') say(readable(rest));
  });
  stream.on('error', () => {});
  // A child of it that stays may keep the pipe open; that is no reason for natlb to stay.
  if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
}

function readable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  const shown = line.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return shown.length > LINE_LENGTH ? `${shown.slice(0, LINE_LENGTH)}…` : shown;
}
