// How the words of `ip route` and `ip rule` are read: prefixes, names of tables, realms, times.

import { addressOf, bitsOf, parseAddress, widthOf } from '../address.js';
import type { Prefix } from '../kernel.js';
import type { Arguments } from '../keyword.js';

/** A prefix whose family may be anybody's: `default`, `any`, `all`. */
export interface ReadPrefix {
  readonly family?: 4 | 6;
  readonly prefix?: Prefix;
}

const EVERYTHING: ReadonlySet<string> = new Set(['default', 'any', 'all']);

/** The last word as a prefix; bits behind it count for nothing. */
export function toPrefix(line: Arguments, text: string): ReadPrefix {
  if (EVERYTHING.has(text)) return {};
  const [before = '', length] = text.split('/', 2);
  const address = parseAddress(before);
  if (address === undefined) return line.refuse(`expected ADDRESS[/PREFIX] or 'default', found '${text}'`);
  const width = widthOf(address.family);
  const prefixLength = length === undefined ? width : line.toInteger(length, 0, width);
  const shift = BigInt(width - prefixLength);
  const network = addressOf(address.family, (bitsOf(address) >> shift) << shift);
  return { family: address.family, prefix: { address: network.text, prefixLength } };
}

export function everything(family: 4 | 6): Prefix {
  return { address: family === 4 ? '0.0.0.0' : '::', prefixLength: 0 };
}

/** `[FROM/]TO` as one number. */
export function realms(line: Arguments): number {
  const parts = line.word('a realm').split('/');
  const [from, to] = parts.length > 1 ? parts : ['0', parts[0]];
  const number = (text = '') => line.toKernelNumber('realms', text, 'a realm');
  return number(from) * 0x10000 + number(to);
}

export function range(line: Arguments, largest: number): readonly [number, number] {
  const text = line.word('FIRST-LAST');
  const [first = '', last = first] = text.split('-', 2);
  const read = [line.toInteger(first, 0, largest), line.toInteger(last, 0, largest)] as const;
  return read[0] <= read[1] ? read : line.refuse(`expected FIRST-LAST, found '${text}'`);
}

/** Keeps to one family in one line. */
export class Family {
  private known: 4 | 6 | undefined;

  constructor(private readonly what: string) {}

  be(line: Arguments, family: 4 | 6 | undefined): undefined {
    if (family === undefined) return;
    if (this.known !== undefined && this.known !== family) line.refuse(`IPv4 and IPv6 are mixed in one ${this.what}`);
    this.known = family;
  }

  /** IPv4 unless something says otherwise. */
  get value(): 4 | 6 {
    return this.known ?? 4;
  }
}
