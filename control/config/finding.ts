// Findings of the checks, and where they are placed.

import type { Finding, Place, Places } from './model.js';

/** One error for each item whose key an earlier item has. */
export function repeated<Item>(
  items: readonly Item[],
  key: (item: Item) => string,
  place: (item: Item) => Place,
  say: (item: Item, first: Item) => string,
): Finding[] {
  const firsts = new Map<string, Item>();
  return items.flatMap((item) => {
    const first = firsts.get(key(item));
    if (first === undefined) firsts.set(key(item), item);
    const { file, line } = place(first ?? item);
    return first === undefined ? [] : [error(place(item), say(item, first), `the other one stands in ${file}, line ${line}`)];
  });
}

/** Where a keyword of a block stands, or the block. */
export function at(places: Places, keyword = 'block'): Place {
  return places[keyword] ?? places.block ?? { file: '', line: 1, column: 1 };
}

export function error(place: Place, message: string, hint?: string): Finding {
  return { severity: 'error', place, message, ...(hint === undefined ? {} : { hint }) };
}

/** A warning that `natlb check` counts as an error, as keepalived does: what runs is not what is written. */
export function modified(place: Place, message: string, hint?: string): Finding {
  return { ...warning(place, message, hint), about: 'modified' };
}

export function warning(place: Place, message: string, hint?: string): Finding {
  return { severity: 'warning', place, message, ...(hint === undefined ? {} : { hint }) };
}
