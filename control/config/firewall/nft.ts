// The output of `nft -j list ruleset`, as far as it sets marks: libnftables-json(5).

import type { Listener, Protocol } from '../../../dataplane/protocol.js';
import type { Address } from '../address.js';
import { parseRange } from '../address-range.js';
import { ALL_PORTS, listenersOn, type Ports, PROTOCOLS } from '../listeners.js';
import type { Place } from '../model.js';
import { type MarkRule, type RuleFile, Unread } from './rule.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Fields = { readonly [name: string]: Json };

/** Marks must be there before the packet reaches the place where IPVS looks for them (LOCAL_IN). */
const HOOKS: readonly Json[] = ['prerouting', 'input'];
/** Statements that do nothing to a packet, and matches that follow from the others. */
const HARMLESS = ['counter', 'log', 'comment'];
const IMPLIED: readonly Json[] = ['nfproto', 'protocol'];

export function parseNft(file: string, text: string): RuleFile {
  const ruleset = parsed(text);
  const items = at(ruleset, 'nftables');
  if (!Array.isArray(items)) return { rules: [], problem: 'this is not the output of nft -j list ruleset' };
  const all = items as readonly Json[];
  const sets = new Map(all.flatMap((item) => named(at(item, 'set'), 'elem')));
  const hooks = new Map(all.flatMap((item) => named(at(item, 'chain'), 'hook')));
  const rules = all.flatMap((item) => at(item, 'rule') ?? []);
  const places = placesOf(file, text);
  return { rules: rules.flatMap((rule, index) => marksOf(rule, { sets, hooks, place: places[index] ?? { file, line: 1, column: 1 } })) };
}

interface Surroundings {
  readonly sets: ReadonlyMap<string, Json>;
  readonly hooks: ReadonlyMap<string, Json>;
  readonly place: Place;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function at(value: Json | undefined, field: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields)[field] : undefined;
}

/** A set or a chain by family, table and name, with one of its fields. */
function named(value: Json | undefined, field: string): [string, Json][] {
  const found = at(value, field);
  return found === undefined ? [] : [[key(value, at(value, 'name')), found]];
}

function key(value: Json | undefined, name: Json | undefined): string {
  return [at(value, 'family'), at(value, 'table'), name].join(' ');
}

/** nft writes all of it on one line: the rules in their order stand where their name does. Inside of strings there is no bare quote. */
function placesOf(file: string, text: string): Place[] {
  let line = 1;
  let lineStart = 0;
  let from = 0;
  return [...text.matchAll(/"rule"\s*:\s*\{/g)].map(({ index }) => {
    for (let next = text.indexOf('\n', from); next !== -1 && next < index; next = text.indexOf('\n', from)) {
      line += 1;
      lineStart = next + 1;
      from = next + 1;
    }
    return { file, line, column: index - lineStart + 1 };
  });
}

function marksOf(rule: Json, surroundings: Surroundings): MarkRule[] {
  const statements = at(rule, 'expr');
  const all: readonly Json[] = Array.isArray(statements) ? statements : [];
  return all.flatMap((statement, index) => markOf(statement).map((value) => ruleOf(rule, all.toSpliced(index, 1), value, surroundings)));
}

/** What the statement sets the mark to; nothing when it is about something else. */
function markOf(statement: Json): Json[] {
  // How nft shows what iptables-nft made: the target's name, and not what it sets.
  const target = at(statement, 'xt');
  if (target !== undefined) return at(target, 'name') === 'MARK' ? [null] : [];
  const changed = at(statement, 'mangle');
  return at(at(at(changed, 'key'), 'meta'), 'key') === 'mark' ? [at(changed, 'value') ?? null] : [];
}

function ruleOf(rule: Json, conditions: readonly Json[], value: Json, surroundings: Surroundings): MarkRule {
  const { place } = surroundings;
  const name = `rule ${at(rule, 'handle')} of chain ${key(rule, at(rule, 'chain'))}`;
  try {
    if (value === null) throw new Unread('nft does not show what this rule of iptables sets: give the output of iptables-save');
    if (typeof value !== 'number') throw new Unread('the mark it sets depends on the packet');
    if (!HOOKS.includes(surroundings.hooks.get(key(rule, at(rule, 'chain'))) ?? ''))
      throw new Unread(`its chain is not at ${HOOKS.join(' or ')}`);
    return { kind: 'read', place, mark: value, listeners: listenersOf(rule, conditions, surroundings) };
  } catch (problem) {
    if (!(problem instanceof Unread)) throw problem;
    return { kind: 'unread', place, name, ...(typeof value === 'number' ? { mark: value } : {}), why: problem.message };
  }
}

interface Conditions {
  addresses?: readonly Address[];
  protocols?: readonly Protocol[];
  ports?: readonly Ports[];
}

function listenersOf(rule: Json, statements: readonly Json[], { sets }: Surroundings): readonly Listener[] {
  const found: Conditions = {};
  for (const statement of statements) {
    const match = at(statement, 'match');
    const [kind = 'nothing'] = Object.keys(statement ?? {});
    if (match !== undefined) Object.assign(found, conditionOf(match, elementsOf(at(match, 'right'), rule, sets)));
    else if (!HARMLESS.includes(kind)) throw new Unread(`it depends on '${kind}'`);
  }
  if (found.addresses === undefined) throw new Unread('it names no destination (ip daddr)');
  if (found.protocols === undefined) throw new Unread('it names no protocol');
  return listenersOn(found.addresses, found.protocols, found.ports ?? [ALL_PORTS]);
}

/** What stands on the right of a match, however it is written: one value, a set, or the name of a set. */
function elementsOf(right: Json | undefined, rule: Json, sets: Surroundings['sets']): readonly Json[] {
  const content = typeof right === 'string' && right.startsWith('@') ? sets.get(key(rule, right.slice(1))) : (at(right, 'set') ?? right);
  if (content === undefined) throw new Unread(`there is no set ${right}`);
  return Array.isArray(content) ? content : [content];
}

function conditionOf(match: Json, elements: readonly Json[]): Conditions {
  const operator = at(match, 'op');
  if (operator !== '==' && operator !== 'in') throw new Unread(`it compares with '${operator}'`);
  const left = at(match, 'left');
  const meta = at(at(left, 'meta'), 'key');
  const [header, field] = [at(at(left, 'payload'), 'protocol'), at(at(left, 'payload'), 'field')];
  if (meta !== undefined && IMPLIED.includes(meta)) return {};
  if (meta === 'l4proto' || field === 'protocol' || field === 'nexthdr') return { protocols: elements.map(protocolOf) };
  if (field === 'daddr') return { addresses: elements.flatMap(addressesOf) };
  if (field === 'dport' && header === 'th') return { ports: elements.map(portsOf) };
  if (field === 'dport' && header !== undefined) return { protocols: [protocolOf(header)], ports: elements.map(portsOf) };
  throw new Unread(`it depends on '${meta ?? [header, field].join(' ').trim()}'`);
}

function protocolOf(value: Json): Protocol {
  const protocol = PROTOCOLS.get(String(value).toUpperCase());
  if (protocol === undefined) throw new Unread(`it is for protocol ${JSON.stringify(value)}`);
  return protocol;
}

function addressesOf(value: Json): readonly Address[] {
  const range = at(value, 'range');
  const prefix = at(value, 'prefix');
  const text = Array.isArray(range) ? range.join('-') : prefix === undefined ? value : `${at(prefix, 'addr')}/${at(prefix, 'len')}`;
  const addresses = typeof text === 'string' ? parseRange(text) : { problem: `${JSON.stringify(value)} is no address` };
  if (!('length' in addresses)) throw new Unread(addresses.problem);
  return addresses;
}

function portsOf(value: Json): Ports {
  const range = at(value, 'range');
  const [firstPort, lastPort]: readonly Json[] = Array.isArray(range) ? range : [value, value];
  if (typeof firstPort !== 'number' || typeof lastPort !== 'number') throw new Unread(`${JSON.stringify(value)} is no port`);
  return { firstPort, lastPort };
}
