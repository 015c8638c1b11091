// Addresses that are written together: FIRST-LAST, FIRST-NUMBER and ADDRESS/PREFIX, as keepalived's virtual_server_group has them.

import { type Address, addressOf, bitsOf, parseAddress, widthOf } from './address.js';

/** As many as anybody serves with one list of servers; each is a place in the data plane's tables. */
const MOST = 4096;

/** The addresses, or what is wrong with the text. */
export function parseRange(text: string): readonly Address[] | { readonly problem: string; readonly hint?: string } {
  const [first = '', separator, last = ''] = text.split(/([-/])/, 3);
  const address = parseAddress(first);
  if (address === undefined) return { problem: `expected an IP address, found '${text.slice(0, 60)}'` };
  if (separator === undefined) return [address];
  return separator === '/' ? network(address, last) : between(address, last);
}

function network(address: Address, text: string): ReturnType<typeof parseRange> {
  const width = widthOf(address.family);
  const length = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(length >= 1 && length <= width)) return { problem: `expected a prefix length from 1 to ${width}, found '${text.slice(0, 60)}'` };
  const size = 1n << BigInt(width - length);
  const first = bitsOf(address);
  // keepalived refuses it too: what was meant, the network or the address?
  if (first % size !== 0n) return { problem: `${address.text}/${length} has bits of ${address.text} behind its prefix` };
  return addresses(address.family, first, size);
}

/** Without dots or colons the last one is the last byte, or the last group of an IPv6 address. */
function between(address: Address, text: string): ReturnType<typeof parseRange> {
  const first = bitsOf(address);
  const end = /[.:]/.test(text) ? parseAddress(text) : lastPart(address, text);
  if (end === undefined || end.family !== address.family) return { problem: `expected the end of a range, found '${text.slice(0, 60)}'` };
  const last = bitsOf(end);
  if (last < first) return { problem: `${address.text}-${text} ends before it begins` };
  return addresses(address.family, first, last - first + 1n);
}

function lastPart(address: Address, text: string): Address | undefined {
  const [pattern, base, size] = address.family === 4 ? [/^\d{1,3}$/, '', 256n] : [/^[\da-fA-F]{1,4}$/, '0x', 65_536n];
  if (!pattern.test(text)) return undefined;
  const last = BigInt(base + text);
  return last < size ? addressOf(address.family, bitsOf(address) - (bitsOf(address) % size) + last) : undefined;
}

function addresses(family: 4 | 6, first: bigint, size: bigint): ReturnType<typeof parseRange> {
  if (size > MOST) return { problem: `these are ${size} addresses; a service can have ${MOST}` };
  return Array.from({ length: Number(size) }, (_, index) => addressOf(family, first + BigInt(index)));
}
