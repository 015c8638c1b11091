// The output of iptables-save and ip6tables-save, as far as it sets marks: iptables-extensions(8), MARK.

import type { Listener, Protocol } from '../../../dataplane/protocol.js';
import { parseRange } from '../address-range.js';
import { ALL_PORTS, listenersOn, type Ports, parsePorts } from '../listeners.js';
import { type MarkRule, type RuleFile, Unread } from './rule.js';

/** Marks must be there before the packet reaches the place where IPVS looks for them (LOCAL_IN). */
const CHAINS = ['PREROUTING', 'INPUT'];

const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ['tcp', 'tcp'],
  ['6', 'tcp'],
  ['udp', 'udp'],
  ['17', 'udp'],
  ['sctp', 'sctp'],
  ['132', 'sctp'],
]);
/** Options with a mark, and perhaps which bits of it count. */
const MARKS = ['--set-mark', '--set-xmark', '--or-mark', '--tproxy-mark'];
/** Matches that say nothing besides the options they bring. */
const MATCHES = ['tcp', 'udp', 'sctp', 'multiport', 'comment'];

export function parseIptables(file: string, text: string): RuleFile {
  const rules = text.split('\n').flatMap((line, index): MarkRule[] => {
    const start = /^(?:\[\d+:\d+\]\s*)?-A\s/.exec(line);
    if (start === null) return [];
    const words = wordsOf(line.slice(start[0].length));
    const mark = markOf(words);
    if (mark === undefined) return [];
    return [ruleOf(words, mark, { file, line: index + 1, column: 1 })];
  });
  return { rules };
}

type Mark = Exclude<ReturnType<typeof markOf>, undefined>;

function ruleOf(words: readonly string[], { value, whole, why }: Mark, place: MarkRule['place']): MarkRule {
  try {
    if (!whole) throw new Unread(why);
    return { kind: 'read', place, mark: value, listeners: listenersOf(words) };
  } catch (problem) {
    if (!(problem instanceof Unread)) throw problem;
    const known = Number.isNaN(value) ? {} : { mark: value };
    return { kind: 'unread', place, name: `-A ${words.join(' ')}`, ...known, why: problem.message };
  }
}

/** The mark a rule sets, and whether that is all it does to it; nothing when it sets none. */
function markOf(words: readonly string[]): { readonly value: number; readonly whole: boolean; readonly why: string } | undefined {
  const after = (option: string): string | undefined => (words.includes(option) ? words[words.indexOf(option) + 1] : undefined);
  const target = after('-j') ?? after('--jump');
  const [value = '', mask = '0xffffffff'] = (MARKS.map(after).find((found) => found !== undefined) ?? '').split('/');
  if (target === 'TPROXY') return { value: numberOf(value), whole: false, why: 'it is a transparent proxy' };
  if (target === 'HMARK' || (target === 'CONNMARK' && words.includes('--restore-mark')))
    return { value: Number.NaN, whole: false, why: `what ${target} sets depends on the connection` };
  if (target !== 'MARK') return undefined;
  const whole = !words.includes('--or-mark') && numberOf(mask) === 0xffff_ffff;
  return { value: numberOf(value), whole: whole && !Number.isNaN(numberOf(value)), why: 'it sets some bits of the mark' };
}

function numberOf(text: string): number {
  return /^(?:0x[\da-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN;
}

/** Throws Unread for whatever narrows the rule beyond destination, protocol and ports. */
function listenersOf([chain = '', ...words]: readonly string[]): readonly Listener[] {
  if (!CHAINS.includes(chain)) throw new Unread(`it stands in chain ${chain}, not in ${CHAINS.join(' or ')}`);
  const found: { address?: string; protocol?: Protocol; ports?: readonly Ports[] } = {};
  for (let at = 0; at < words.length; at += 2) Object.assign(found, condition(words[at] ?? '', words[at + 1] ?? ''));
  const addresses = parseRange(found.address ?? '');
  if (!('length' in addresses)) throw new Unread(found.address === undefined ? 'it names no destination (-d)' : addresses.problem);
  if (found.protocol === undefined) throw new Unread('it names no protocol (-p)');
  return listenersOn(addresses, [found.protocol], found.ports ?? [ALL_PORTS]);
}

function condition(option: string, value: string): { address?: string; protocol?: Protocol; ports?: readonly Ports[] } {
  switch (option) {
    case '-d':
    case '--destination':
      return { address: value };
    case '-p':
    case '--protocol': {
      const protocol = PROTOCOLS.get(value);
      if (protocol === undefined) throw new Unread(`it is for protocol ${value}`);
      return { protocol };
    }
    case '--dport':
    case '--dports':
    case '--destination-port':
    case '--destination-ports': {
      const ports = parsePorts(value);
      if (ports === undefined) throw new Unread(`${value} are no ports`);
      return { ports };
    }
    case '-m':
    case '--match':
      if (MATCHES.includes(value)) return {};
      throw new Unread(`it depends on '-m ${value}'`);
    case '-j':
    case '--jump':
    case '--set-mark':
    case '--set-xmark':
    case '--comment':
      return {};
    default:
      throw new Unread(`it depends on '${option}'`);
  }
}

/** A comment stands in quotes when there is a space in it. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain = '']) => quoted?.replace(/\\(.)/g, '$1') ?? plain);
}
