// `persistence_granularity`: how much of its address a client shares with those that are kept on one server with it.

import { bitsOf, parseAddress, widthOf } from './address.js';
import type { Place } from './model.js';
import type { Report } from './report.js';

/** A mask for IPv4, a prefix length for IPv6. What cannot be used is reported, and the whole address counts. */
export function prefixLengthOf(text: string, family: 4 | 6, place: Place, report: Report): number {
  const width = widthOf(family);
  if (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= width) {
    if (family === 4)
      report.warning(place, `keepalived takes ${text} for the mask 0.0.0.${text}; here it is /${text}`, `write ${maskOf(Number(text))}`);
    return Number(text);
  }
  const mask = parseAddress(text);
  const length = mask?.family === 4 && family === 4 ? lengthOf(bitsOf(mask)) : undefined;
  if (length !== undefined) return length;
  if (mask?.family === 4 && family === 4) report.error(place, `${text} is not a mask of ones and then zeros`, 'like 255.255.255.0');
  else if (mask?.family === 4) report.error(place, 'an IPv6 service takes a prefix length and no IPv4 mask', 'like 64');
  else report.error(place, `expected ${family === 4 ? 'a mask' : `a prefix length from 1 to ${width}`}, found '${text.slice(0, 60)}'`);
  return width;
}

/** Nothing for a mask with holes, and for one that makes one client of everybody. */
function lengthOf(mask: bigint): number | undefined {
  const zeros = (1n << 32n) - mask;
  return mask > 0n && (zeros & (zeros - 1n)) === 0n ? 33 - zeros.toString(2).length : undefined;
}

function maskOf(length: number): string {
  const mask = (1n << 32n) - (1n << BigInt(32 - length));
  return [24n, 16n, 8n, 0n].map((shift) => (mask >> shift) & 0xffn).join('.');
}
