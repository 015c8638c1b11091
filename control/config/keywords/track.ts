// What an instance or a sync group tracks: `track_interface { eth1 weight -20 }` and its like, and `interface_up_down_delays`.

import type { Arguments, Keyword, Placed } from '../keyword.js';
import type { Place } from '../model.js';
import type { DataplaneFact, LinkDelay, Subject, TrackedDraft } from '../tracking.js';

export interface TrackingDraft extends Placed {
  readonly tracked: TrackedDraft[];
}

const WEIGHED = '[weight N [reverse|noreverse]]';

export const trackingKeywords: readonly Keyword<TrackingDraft>[] = [
  { name: 'track_interface', takes: `{ INTERFACE ${WEIGHED}… }`, set: named('interface', 253) },
  { name: 'track_script', takes: `{ NAME ${WEIGHED}… }`, set: named('script', 253) },
  { name: 'track_file', takes: `{ NAME ${WEIGHED}… }`, set: named('file', 254) },
  { name: 'track_process', takes: `{ NAME ${WEIGHED}… }`, set: named('process', 254) },
  { name: 'track_bfd', takes: `{ NAME ${WEIGHED}… }`, set: named('bfd', 253) },
  {
    name: 'track_virtual_server',
    takes: `{ ADDRESS PORT [tcp|udp|sctp] ${WEIGHED}… }`,
    set: (arg) => ({ tracked: arg.lines((line) => tracked(line, virtualServer(line), 253)) }),
  },
  {
    name: 'track_dataplane',
    takes: `{ worker|receive INTERFACE|transmit INTERFACE|flow_table [PERCENT] ${WEIGHED}… }`,
    set: (arg) => ({ tracked: arg.lines((line) => tracked(line, dataplane(line), 253)) }),
  },
];

/** One for each line. A line costs only itself when it is wrong. */
function named(kind: Exclude<Subject['kind'], 'dataplane' | 'virtual_server'>, heaviest: number) {
  return (arg: Arguments) => ({
    tracked: arg.lines((line): TrackedDraft => {
      const name = line.word('a name');
      return tracked(line, { kind, key: `${kind} ${name}`, name }, heaviest);
    }),
  });
}

function tracked(line: Arguments, subject: Subject, heaviest: number): TrackedDraft {
  const place: Place = line.valuePlace;
  if (!line.more()) return { subject, place };
  line.oneOf(new Map([['weight', true]]));
  const weight = weightOf(line, heaviest);
  return { subject, place, weight, ...(line.more() ? { reverse: line.oneOf(DIRECTIONS) } : {}) };
}

const DIRECTIONS: ReadonlyMap<string, boolean> = new Map([
  ['reverse', true],
  ['noreverse', false],
]);

/** Some versions of keepalived take ±254 where others say ±253: it is read as that. */
export function weightOf(arg: Arguments, heaviest: number): number {
  const weight = arg.integer(-254, 254);
  if (Math.abs(weight) <= heaviest) return weight;
  arg.modified(`a weight goes from -${heaviest} to ${heaviest}; ${weight} is taken for ${Math.sign(weight) * heaviest}`);
  return Math.sign(weight) * heaviest;
}

/** `weight N [reverse]`, where the watched thing itself is defined. */
export function ownWeight(arg: Arguments, heaviest: number): { weight: number; reverse: boolean } {
  const weight = weightOf(arg, heaviest);
  return { weight, reverse: arg.more() && arg.oneOf(new Map([['reverse', true]])) };
}

const PROTOCOLS = /^(tcp|udp|sctp)$/i;

/** As it stands after `virtual_server`, with the protocol where there are several. */
function virtualServer(line: Arguments): Subject {
  const words = [line.word('what stands after virtual_server')];
  while (line.more() && words.at(-1) !== 'weight' && words.length < 4) words.push(line.word('a port'));
  if (words.at(-1) === 'weight') {
    words.pop();
    line.back();
  }
  const protocol = words.length > 1 && PROTOCOLS.test(words.at(-1) ?? '') ? words.pop()?.toLowerCase() : undefined;
  const name = [...words, ...(protocol === undefined ? [] : [protocol])].join(' ');
  return { kind: 'virtual_server', key: `virtual_server ${name}`, name, services: [] };
}

const FULL_PERCENT = 90;

const FACTS = new Map<string, (line: Arguments) => DataplaneFact>([
  ['worker', () => ({ kind: 'worker' })],
  ['receive', (line) => ({ kind: 'receive', interface: line.word('the name of an interface') })],
  ['transmit', (line) => ({ kind: 'transmit', interface: line.word('the name of an interface') })],
  ['flow_table', (line) => ({ kind: 'flow_table', percent: percent(line) })],
]);

function percent(line: Arguments): number {
  if (!line.more()) return FULL_PERCENT;
  const text = line.word('a percentage');
  if (text !== 'weight') return line.toInteger(text.replace(/%$/, ''), 1, 100);
  line.back();
  return FULL_PERCENT;
}

function dataplane(line: Arguments): Subject {
  const fact = line.oneOf(FACTS)(line);
  const detail = 'interface' in fact ? ` ${fact.interface}` : fact.kind === 'flow_table' ? ` below ${fact.percent}%` : '';
  const name = `${fact.kind}${detail}`;
  return { kind: 'dataplane', key: `dataplane ${name}`, name, fact };
}

const LONGEST_DELAY = 255;

/** keepalived's manual gives the time down for the time up as well when it is left out; keepalived itself does not wait then. */
export function linkDelay(line: Arguments): LinkDelay {
  const name = line.word('the name of an interface');
  const place = line.valuePlace;
  const downMs = line.seconds(0, LONGEST_DELAY);
  return { interface: name, downMs, upMs: line.more() ? line.seconds(0, LONGEST_DELAY) : 0, place };
}
