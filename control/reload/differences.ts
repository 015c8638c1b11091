// What is different between two configurations, block by block and keyword by keyword. Where something is written does not count.

import { saying } from './fingerprint.js';

export interface Change {
  /** The keyword, as keepalived spells it. */
  readonly keyword: string;
  /** Absent: it is new. Of lists, what only the one or only the other has. */
  readonly from?: string;
  /** Absent: it is gone. */
  readonly to?: string;
}

export interface Difference {
  /** Such as `vrrp_instance VI_1`. */
  readonly block: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** Of a block that is in both. */
  readonly changes: readonly Change[];
}

type Fields = Readonly<Record<string, unknown>>;

/** What is not called in keepalived.conf what it is called here, or would not be found by its rule. */
const KEYWORDS: Readonly<Record<string, string>> = {
  addresses: 'virtual_ipaddress',
  excludedAddresses: 'virtual_ipaddress_excluded',
  advertInterval: 'advert_int',
  initialState: 'state',
  members: 'group',
  upperThreshold: 'uthreshold',
  lowerThreshold: 'lthreshold',
  routerId: 'router_id',
  maxFlows: 'flow_table_size',
  halfOpen: 'half_open_limit',
  urls: 'url',
  statusCodes: 'status_code',
  virtualHost: 'virtualhost',
};

export function blockDifference(block: string, before: object | undefined, after: object | undefined): Difference[] {
  if (before === after) return [];
  if (before === undefined) return [{ block, kind: 'added', changes: [] }];
  if (after === undefined) return [{ block, kind: 'removed', changes: [] }];
  const changes = fieldChanges(before, after);
  return changes.length === 0 ? [] : [{ block, kind: 'changed', changes }];
}

/** Blocks that are told apart by what `nameOf` says of them. */
export function listDifferences<Block extends object>(
  before: readonly Block[],
  after: readonly Block[],
  nameOf: (block: Block) => string,
): Difference[] {
  const [old, next] = [byName(before, nameOf), byName(after, nameOf)];
  const gone = [...old].filter(([name]) => !next.has(name));
  return [
    ...gone.flatMap(([name, block]) => blockDifference(name, block, undefined)),
    ...[...next].flatMap(([name, block]) => blockDifference(name, old.get(name), block)),
  ];
}

/** A second one of a name is another one. */
function byName<Block>(blocks: readonly Block[], nameOf: (block: Block) => string): Map<string, Block> {
  const named = new Map<string, Block>();
  for (const block of blocks) {
    const name = nameOf(block);
    const count = [...named.keys()].filter((known) => known === name || known.startsWith(`${name} #`)).length;
    named.set(count === 0 ? name : `${name} #${count + 1}`, block);
  }
  return named;
}

function fieldChanges(before: object, after: object): Change[] {
  const [from, to] = [before as Fields, after as Fields];
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((name) => name !== 'place' && name !== 'places');
  return names.filter((name) => saying(from[name]) !== saying(to[name])).map((name) => changeOf(name, from[name], to[name]));
}

function changeOf(name: string, from: unknown, to: unknown): Change {
  const inMs = name.endsWith('Ms');
  const keyword = keywordOf(inMs ? name.slice(0, -2) : name);
  const show = (value: unknown) => (inMs && typeof value === 'number' ? `${value / 1000} s` : shown(value));
  const [old, next] = [onlyIn(from, to), onlyIn(to, from)];
  return { keyword, ...(isNothing(old) ? {} : { from: show(old) }), ...(isNothing(next) ? {} : { to: show(next) }) };
}

/** Of two lists, what the first has and the second has not; of anything else, it as it is. */
function onlyIn(value: unknown, other: unknown): unknown {
  if (!Array.isArray(value) || !Array.isArray(other)) return value;
  const others = new Set(other.map(saying));
  const own = value.filter((item) => !others.has(saying(item)));
  // Alike but for their order.
  return own.length === 0 && value.length === other.length ? value : own;
}

function isNothing(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function keywordOf(name: string): string {
  return KEYWORDS[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function shown(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.map(shown).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return isSecret(value) ? '(a secret)' : entryText(value as Fields);
}

/** `{ address, port }` and the like read better without names. */
function entryText(fields: Fields): string {
  const { address, prefixLength, port, device } = fields;
  if (typeof address === 'string') {
    const text = `${address}${prefixLength === undefined ? '' : `/${prefixLength}`}${port === undefined ? '' : ` ${port}`}`;
    return typeof device === 'string' ? `${text} dev ${device}` : text;
  }
  const named = Object.entries(fields).filter(([name, value]) => name !== 'place' && name !== 'places' && value !== undefined);
  return `{ ${named.map(([name, value]) => `${keywordOf(name)} ${shown(value)}`).join(', ')} }`;
}

/** The answer to `natlb diff` may end in a log or a ticket. */
function isSecret(value: object): boolean {
  return ['password', 'key', 'secret', 'hex'].some((name) => name in value);
}
