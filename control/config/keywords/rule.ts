// A line of `virtual_rules` and `static_rules`: what follows `ip rule add`. Read first: ip-rule(8), keepalived.conf(5).

import { OWN_PROTOCOL, type Rule, type RuleAction } from '../kernel.js';
import type { Arguments } from '../keyword.js';
import { Family, range, realms, toPrefix } from './route-words.js';

type Writable<Value> = { -readonly [Field in keyof Value]: Value[Field] };

interface Draft extends Partial<Writable<Rule>> {
  readonly words: Family;
  /** Of what only a lookup has. */
  lookupOnly?: string;
}

type Read = (line: Arguments, draft: Draft) => Partial<Draft> | undefined;

const NUMBER = 0xffffffff;

const IP_PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['tcp', 6],
  ['udp', 17],
  ['ipv6-icmp', 58],
  ['sctp', 132],
]);

const OPTIONS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['inet', (line, draft) => draft.words.be(line, 4)],
  ['inet6', (line, draft) => draft.words.be(line, 6)],
  ['from', (line, draft) => readPrefix(line, draft, 'from')],
  ['to', (line, draft) => readPrefix(line, draft, 'to')],
  ['not', () => ({ inverted: true })],
  ...['table', 'lookup'].map((name): [string, Read] => [name, readTable]),
  ...['preference', 'order', 'priority'].map((name): [string, Read] => [name, (line) => ({ priority: line.integer(0, NUMBER) })]),
  ...['tos', 'dsfield'].map((name): [string, Read] => [name, (line) => ({ tos: line.kernelNumber('tos', 'a type of service') })]),
  ...['dev', 'iif'].map((name): [string, Read] => [name, (line) => ({ inInterface: line.word('the name of an interface') })]),
  ['oif', (line) => ({ outInterface: line.word('the name of an interface') })],
  ['fwmark', readMark],
  ['realms', readRealms],
  ...['suppress_prefixlength', 'sup_pl'].map((name): [string, Read] => [name, readSuppressedLength]),
  ...['suppress_ifgroup', 'sup_group'].map((name): [string, Read] => [name, readSuppressedGroup]),
  ['tunnel-id', (line) => ({ tunnelId: line.integer(0, Number.MAX_SAFE_INTEGER) })],
  ['uidrange', (line) => ({ users: range(line, NUMBER) })],
  ['protocol', (line) => ({ protocol: line.kernelNumber('protocols', 'a routing protocol') })],
  ...['ipproto', 'ip_proto'].map((name): [string, Read] => [name, readIpProtocol]),
  ['sport', (line) => ({ sourcePorts: range(line, 65_535) })],
  ['dport', (line) => ({ destinationPorts: range(line, 65_535) })],
  ['no_track', () => ({ tracked: false })],
  ['type', () => ({})],
  ['goto', (line, draft) => act(line, draft, { kind: 'goto', target: line.integer(0, NUMBER) })],
  ['l3mdev', (line, draft) => act(line, draft, { kind: 'vrf' })],
  ...(['nop', 'blackhole', 'unreachable', 'prohibit'] as const).map((kind): [string, Read] => [
    kind,
    (line, draft) => act(line, draft, { kind }),
  ]),
]);

export function rule(line: Arguments, kind: 'static' | 'virtual'): Rule {
  const draft: Draft = { words: new Family('rule') };
  const place = line.valuePlace;
  while (line.more()) {
    const word = line.word('a rule');
    const read = OPTIONS.get(word);
    if (word === 'track_group' && kind === 'static') draft.trackGroup = line.word('the name of a track_group');
    else if (read === undefined) line.refuse(`unknown option '${word}' of a rule`, 'ip-rule(8) says what there is');
    else Object.assign(draft, read(line, draft));
  }
  return finished(line, draft, place);
}

function finished(line: Arguments, draft: Draft, place: Rule['place']): Rule {
  const { words, lookupOnly, action, ...written } = draft;
  if (action === undefined)
    return line.refuse('a rule needs an action', 'table TABLE, blackhole, unreachable, prohibit, nop or goto PRIORITY');
  if (lookupOnly !== undefined && action.kind !== 'lookup' && action.kind !== 'vrf')
    line.refuse(`'${lookupOnly}' is for rules that look up a table`);
  const { tracked = true } = draft;
  if (tracked && draft.protocol !== undefined && draft.protocol !== OWN_PROTOCOL)
    line.modified(`a rule that is tracked has protocol keepalived (${OWN_PROTOCOL}), not ${draft.protocol}; write no_track beside it`);
  const priority = draft.priority ?? lacking(line, words.value);
  if (action.kind === 'goto' && priority >= action.target) line.refuse(`a goto leads onwards: ${action.target} is not above ${priority}`);
  const protocol = tracked ? OWN_PROTOCOL : draft.protocol;
  return {
    ...written,
    family: words.value,
    action,
    priority,
    ...(protocol === undefined ? {} : { protocol }),
    tracked,
    text: line.text(),
    place,
  };
}

/** As keepalived, from 16384 downwards; a rule nobody gave a place may end up before one it should follow. */
function lacking(line: Arguments, family: 4 | 6): number {
  const priority = line.nextRulePriority(family);
  line.modified(
    `this rule has no priority and is given ${priority}, which is probably not what you want`,
    `write 'priority ${priority}' in it`,
  );
  return priority;
}

/** Everything is what a rule matches that says nothing. */
function readPrefix(line: Arguments, draft: Draft, end: 'from' | 'to'): Partial<Draft> {
  const { family, prefix } = toPrefix(line, line.word('a prefix'));
  draft.words.be(line, family);
  return prefix === undefined || prefix.prefixLength === 0 ? {} : { [end]: prefix };
}

function readTable(line: Arguments, draft: Draft): Partial<Draft> {
  const table = line.kernelNumber('tables', 'a routing table');
  return table === 0 ? line.refuse('there is no table 0') : act(line, draft, { kind: 'lookup', table });
}

function act(line: Arguments, draft: Draft, action: RuleAction): Partial<Draft> {
  if (draft.action !== undefined) line.refuse(`a rule has one action; this one has ${draft.action.kind} already`);
  return { action };
}

function readMark(line: Arguments): Partial<Draft> {
  const [value = '', mask] = line.word('MARK[/MASK]').split('/', 2);
  return { mark: { value: bits(line, value), ...(mask === undefined ? {} : { mask: bits(line, mask) }) } };
}

function bits(line: Arguments, text: string): number {
  const value = /^(?:0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  return value >= 0 && value <= NUMBER ? value : line.refuse(`expected a mark, found '${text}'`);
}

function readRealms(line: Arguments, draft: Draft): Partial<Draft> {
  draft.words.be(line, 4);
  return { realms: realms(line), lookupOnly: 'realms' };
}

function readSuppressedLength(line: Arguments): Partial<Draft> {
  return { lookupOnly: line.written(), suppressPrefixLength: line.integer(0, 0x7fffffff) };
}

function readSuppressedGroup(line: Arguments): Partial<Draft> {
  return { lookupOnly: line.written(), suppressGroup: line.kernelNumber('groups', 'a group of interfaces') };
}

function readIpProtocol(line: Arguments): Partial<Draft> {
  const text = line.word('a protocol').toLowerCase();
  return { ipProtocol: IP_PROTOCOLS.get(text) ?? line.toInteger(text, 0, 255) };
}
