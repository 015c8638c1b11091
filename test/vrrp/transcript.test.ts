// Plays the transcripts beside this file: what happens to VRRP instances, and what they make of it.
// NATLB_REWRITE=1 writes what happened into them instead; read the difference before you commit it.
//
//   First line: the behaviour.
//   instance NAME key=value…    keys: see SETTINGS below
//   group NAME                  all instances are members of it
//   TIME [NAME] EVENT => STATE, wakes TIME; effects    one such line for each member that changed or acted
//
// Events: start [FAULT…] · stop · advert PRIORITY [from ADDRESS] [every MS] · timer · fault REASON · recovered REASON · lost WHAT · priority PRIORITY

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VrrpInstance } from '../../control/config/model.js';
import { addressBytes, compareAddresses } from '../../control/vrrp/address-bytes.js';
import { createGroup, type Group, type Member, type MemberEffect, stepGroup } from '../../control/vrrp/group.js';
import { type Effect, type Event, type State, wakesAt } from '../../control/vrrp/state.js';
import { vrrpInstance } from './instance.js';

const DIRECTORY = join(import.meta.dirname, '../../../test/vrrp/transcripts');
const REWRITE = process.env.NATLB_REWRITE === '1';
const ARROW = '=> ';
const COLUMN = 34;

interface Script {
  readonly own: ReadonlyMap<string, string>;
  group: Group;
}

for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.txt'))) {
  const path = join(DIRECTORY, file);
  const text = readFileSync(path, 'utf8');
  const title = text.split('\n', 1)[0] ?? file;
  test(title, () => {
    const played = play(text);
    if (REWRITE) writeFileSync(path, played);
    else assert.equal(played, text);
  });
}

function play(text: string): string {
  const [title = '', ...lines] = text.trimEnd().split('\n');
  const script = parseHeader(lines);
  const rows = lines.flatMap((line) =>
    /^\d/.test(line) ? playRow(script, line.split(ARROW)[0]!.trim()) : continuation(line) ? [] : [line],
  );
  return `${[title, ...rows].join('\n')}\n`;
}

/** A further outcome of the row above: it is written anew with its row. */
function continuation(line: string): boolean {
  return line.trimStart().startsWith(ARROW);
}

function parseHeader(lines: readonly string[]): Script {
  const words = lines.map((line) => line.split(/\s+/));
  const specs = words.filter(([first]) => first === 'instance').map(([, name = '', ...settings]) => parseInstance(name, settings));
  const groupName = words.find(([first]) => first === 'group')?.[1];
  assert.ok(specs.length > 0, 'a transcript needs an instance');
  const instances = specs.map(({ instance }) => instance);
  return { own: new Map(specs.map(({ instance, own }) => [instance.name, own])), group: createGroup(groupName, instances) };
}

const SETTINGS: Readonly<Record<string, (value: string) => Partial<VrrpInstance>>> = {
  priority: (value) => ({ priority: Number(value) }),
  interval: (value) => ({ advertIntervalMs: Number(value) }),
  version: (value) => ({ version: value === '3' ? 3 : 2 }),
  nopreempt: () => ({ preempt: false }),
  preemptDelay: (value) => ({ preemptDelayMs: Number(value) }),
  garpDelay: (value) => ({ garpMasterDelayMs: Number(value) }),
  garpRepeat: (value) => ({ garpMasterRepeat: Number(value) }),
  garpRefresh: (value) => ({ garpMasterRefreshMs: Number(value) }),
  lowerRepeat: (value) => ({ garpLowerPriorityRepeat: Number(value) }),
  lowerDelay: (value) => ({ garpLowerPriorityDelayMs: Number(value) }),
  elsewhere: (value) => ({ garpExtraInterfaces: { all: true, intervalMs: Number(value) } }),
  lowerNoAdvert: () => ({ lowerPriorityNoAdvert: true }),
  higherSendAdvert: () => ({ higherPrioritySendAdvert: true }),
  timerExpired: (value) => ({ timerExpiredPriority: Number(value) }),
  downAdverts: (value) => ({ downTimerAdverts: Number(value) }),
  own: () => ({}),
};

function parseInstance(name: string, settings: readonly string[]): { instance: VrrpInstance; own: string } {
  const pairs = settings.map((setting) => setting.split('=')).map(([key = '', value = '']) => ({ key, value }));
  for (const { key } of pairs) assert.ok(key in SETTINGS, `no setting "${key}"`);
  const own = pairs.find(({ key }) => key === 'own')?.value ?? '10.0.0.1';
  // The announcements of a transition only clutter transcripts that are not about them.
  const quiet: Partial<VrrpInstance> = { garpMasterDelayMs: 0 };
  return { instance: vrrpInstance(Object.assign({ name }, quiet, ...pairs.map(({ key, value }) => SETTINGS[key]!(value)))), own };
}

function playRow(script: Script, row: string): string[] {
  const [time = '', ...words] = row.split(/\s+/);
  const named = script.group.members.findIndex(({ instance }) => instance.name === words[0]);
  const member = Math.max(0, named);
  const event = parseEvent(script, member, named < 0 ? words : words.slice(1));
  const before = script.group;
  const now = event.kind === 'timer' ? exactTime(before, member, Number(time)) : Number(time);
  const { group, effects } = stepGroup(before, { member, event }, now);
  script.group = group;
  const outcomes = describe(before, group, effects);
  return outcomes.map((outcome, i) => `${(i === 0 ? row : '').padEnd(COLUMN)} ${ARROW}${outcome}`);
}

/** Transcripts show whole milliseconds; a skew time seldom is. */
function exactTime({ members }: Group, member: number, time: number): number {
  const wake = wakesAt(members[member]!.state);
  return Math.abs(wake - time) < 1 ? wake : time;
}

function parseEvent({ own, group }: Script, member: number, [kind, ...words]: readonly string[]): Event {
  const rest = words.join(' ');
  switch (kind) {
    case 'start':
      return { kind, faults: rest === '' ? [] : [rest] };
    case 'stop':
    case 'timer':
      return { kind };
    case 'fault':
    case 'recovered':
      return { kind, reason: rest };
    case 'lost':
      return { kind, what: rest };
    case 'priority':
      return { kind, priority: Number(words[0]) };
    case 'advert':
      return parseAdvert(group.members[member]!, own, words);
    default:
      throw new Error(`no event "${kind}"`);
  }
}

function parseAdvert({ instance }: Member, own: ReadonlyMap<string, string>, words: readonly string[]): Event {
  const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
  const source = after('from') ?? '10.0.0.2';
  const fromHigherAddress = compareAddresses(addressBytes(source), addressBytes(own.get(instance.name) ?? '')) > 0;
  const intervalMs = Number(after('every') ?? instance.advertIntervalMs);
  return { kind: 'advert', priority: Number(words[0]), intervalMs, source, fromHigherAddress };
}

function describe(before: Group, after: Group, effects: readonly MemberEffect[]): string[] {
  const outcomes = after.members.flatMap(({ instance, state }, member) => {
    const own = effects.filter((each) => each.member === member).map(({ effect }) => describeEffect(effect, instance.name));
    if (own.length === 0 && state === before.members[member]!.state) return [];
    const name = after.members.length > 1 ? `${instance.name}: ` : '';
    return [`${name}${describeState(state)}${own.length === 0 ? '' : `; ${own.join(', ')}`}`];
  });
  return outcomes.length === 0 ? ['nothing'] : outcomes;
}

function describeState(state: State): string {
  const wake = wakesAt(state);
  const wakes = wake === Number.POSITIVE_INFINITY ? '' : `, wakes ${Math.round(wake)}`;
  return `${state.kind}${state.kind === 'fault' ? ` (${state.reasons.join('; ')})` : ''}${wakes}`;
}

function describeEffect(effect: Effect, name: string): string {
  switch (effect.kind) {
    case 'send':
      return `send ${effect.priority}`;
    case 'announce':
      return `announce x${effect.repeat}`;
    case 'tell':
      return `tell ${effect.happening}`;
    case 'log':
      return `"${effect.text.replace(`(${name}) `, '')}"`;
    default:
      return effect.kind;
  }
}
