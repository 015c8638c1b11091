// Plays the transcripts beside this file: what happens to what is tracked, and what VRRP is told of it.
// NATLB_REWRITE=1 writes what happened into them instead; read the difference before you commit it.
//
//   First line: the behaviour. Then lines of a configuration, which are read as natlb reads them; a line of dashes ends it.
//   TIME EVENT => effects
//
// Events: configured [KEY=FACT…], with what stands above · timer · ended SCRIPT exit CODE|signal NAME|timeout|failed · counted PROCESS COUNT ·
// KEY=FACT, where KEY is interface:eth1, file:f and so on, with ~ for a space, and FACT up, down or a number

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from '../../control/config/load.js';
import type { Config } from '../../control/config/model.js';
import type { Fact } from '../../control/track/judge.js';
import { INITIAL, step, type TrackEffect, type TrackEvent, type TrackState, wakesAt } from '../../control/track/machine.js';
import type { Ending } from '../../control/track/script.js';

const DIRECTORY = join(import.meta.dirname, '../../../test/track/transcripts');
const REWRITE = process.env.NATLB_REWRITE === '1';
const ARROW = '=> ';
const COLUMN = 38;
const END = /^-+$/;

for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.txt'))) {
  const path = join(DIRECTORY, file);
  const text = readFileSync(path, 'utf8');
  test(text.split('\n', 1)[0] ?? file, () => {
    const played = play(text);
    if (REWRITE) writeFileSync(path, played);
    else assert.equal(played, text);
  });
}

function play(text: string): string {
  const [title = '', ...lines] = text.trimEnd().split('\n');
  let state = INITIAL;
  let config: Config | undefined;
  let written: string[] = [];
  const played = lines.map((line) => {
    if (END.test(line)) {
      config = read(written);
      written = [];
      return line;
    }
    if (!/^\d/.test(line)) {
      written.push(line);
      return line;
    }
    assert.ok(config, 'a transcript begins with a configuration and a line of dashes');
    const [row = ''] = line.split(ARROW);
    const [time = '', ...words] = row.trim().split(/\s+/);
    const outcome = step(state, parse(words, config), Number(time));
    const same = outcome.state === state;
    state = outcome.state;
    return `${row.trimEnd().padEnd(COLUMN)}${ARROW}${show(state, outcome.effects, same)}`;
  });
  return `${[title, ...played].join('\n')}\n`;
}

function read(lines: readonly string[]): Config {
  const { config, findings } = load(
    'transcript.conf',
    (file) => (file === 'transcript.conf' ? lines.join('\n') : new Error('not there')),
    () => [],
  );
  const errors = findings.filter(({ severity }) => severity === 'error');
  assert.deepEqual(errors, []);
  assert.ok(config);
  return config;
}

function parse([kind = '', name = '', how = '', code = '', ...rest]: readonly string[], { tracking, instances }: Config): TrackEvent {
  switch (kind) {
    case 'configured': {
      const priorities = new Map(instances.map((instance) => [instance.name, instance.priority]));
      const seen = [name, how, code, ...rest].filter((word) => word !== '').map(fact);
      return { kind, tracking, priorities, facts: new Map(seen.map((each) => [each.key, each.fact])) };
    }
    case 'timer':
      return { kind };
    case 'ended':
      return { kind, name, ending: ending(how, code) };
    case 'counted':
      return { kind, name, count: Number(how) };
    default:
      return { kind: 'learned', ...fact(kind) };
  }
}

function ending(kind: string, detail: string): Ending {
  switch (kind) {
    case 'exit':
      return { kind, code: Number(detail) };
    case 'signal':
      return { kind, signal: detail };
    case 'timeout':
      return { kind };
    default:
      return { kind: 'failed', reason: 'it is not there' };
  }
}

function fact(written: string): { key: string; fact: Fact } {
  const [key = '', value = ''] = written.split('=');
  const known: Fact = /^[-\d]/.test(value) ? { kind: 'value', value: Number(value) } : { kind: 'state', well: value === 'up' };
  return { key: key.replace(':', ' ').replaceAll('~', ' '), fact: known };
}

function show(state: TrackState, effects: readonly TrackEffect[], same: boolean): string {
  const wake = wakesAt(state);
  const wakes = wake === Number.POSITIVE_INFINITY ? [] : [`wakes ${wake}`];
  const shown = [...wakes, ...effects.map(showEffect)];
  return same && effects.length === 0 ? 'nothing' : shown.join('; ') || 'noted';
}

function showEffect(effect: TrackEffect): string {
  switch (effect.kind) {
    case 'run':
      return `run ${effect.script.name}`;
    case 'stop':
      return `stop ${effect.name}`;
    case 'priority':
      return `${effect.instance} priority ${effect.priority}`;
    case 'fault':
    case 'recovered':
      return `${effect.instance} ${effect.kind}: ${effect.reason}`;
    case 'log':
      return `"${effect.text}"`;
  }
}
