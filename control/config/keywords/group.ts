// `virtual_server_group NAME { … }`: addresses, ranges of addresses and firewall marks that are served together.

import { parseRange } from '../address-range.js';
import type { GroupDraft, GroupEntry } from '../draft.js';
import type { Arguments } from '../keyword.js';
import { markNumber } from './firewall-mark.js';

export const FAMILIES: ReadonlyMap<string, 4 | 6> = new Map([
  ['inet', 4],
  ['inet6', 6],
]);

export function group(arg: Arguments): GroupDraft[] {
  const name = arg.attempt(() => arg.word('a name'));
  const entries = arg.lines(entry);
  return name === undefined ? [] : [{ name, entries, places: { block: arg.place } }];
}

function entry(line: Arguments): GroupEntry {
  const written = line.word('an address');
  const place = line.valuePlace;
  if (written === 'fwmark') {
    const mark = markNumber(line);
    return { kind: 'fwmark', mark, place, ...(line.more() ? { family: line.oneOf(FAMILIES) } : {}) };
  }
  const addresses = parseRange(written);
  if (!('length' in addresses)) return line.refuse(addresses.problem, addresses.hint);
  return { kind: 'addresses', addresses, port: line.more() ? line.integer(0, 65_535) : 0, place };
}
