// `bfd_instance NAME { … }`: a session of Bidirectional Forwarding Detection with a neighbour.

import type { BfdDraft } from '../draft.js';
import { type Arguments, block, type Keyword } from '../keyword.js';
import { ownWeight } from './track.js';

/** As keepalived's: 32 bits of microseconds. */
const LONGEST_MS = 4_294_967;
const TTL = 255;

const keywords: readonly Keyword<BfdDraft>[] = [
  { name: 'neighbor_ip', takes: 'ADDRESS', set: (arg) => ({ neighbor: arg.address() }) },
  { name: 'neighbour_ip', takes: 'ADDRESS', set: (arg) => ({ neighbor: arg.address() }), alias: 'neighbor_ip' },
  { name: 'source_ip', takes: 'ADDRESS', set: (arg) => ({ source: arg.address() }) },
  { name: 'min_rx', takes: 'MILLISECONDS', set: (arg) => ({ minRxMs: milliseconds(arg, 1) }) },
  { name: 'min_tx', takes: 'MILLISECONDS', set: (arg) => ({ minTxMs: milliseconds(arg, 1) }) },
  { name: 'idle_tx', takes: 'MILLISECONDS', set: (arg) => ({ idleTxMs: milliseconds(arg, 1000) }) },
  { name: 'multiplier', takes: 'COUNT', set: (arg) => ({ multiplier: arg.integer(1, 255) }) },
  { name: 'passive', takes: '', set: () => ({ passive: true }) },
  { name: 'ttl', takes: 'TTL', set: (arg) => ({ ttl: arg.integer(1, TTL) }) },
  { name: 'hoplimit', takes: 'HOPS', set: (arg) => ({ ttl: arg.integer(1, TTL) }), alias: 'ttl' },
  { name: 'max_hops', takes: 'COUNT', set: (arg) => ({ maxHops: arg.integer(-1, TTL) }) },
  { name: 'multihop', takes: '[BOOL]', set: (arg) => ({ multihop: arg.flag() }) },
  { name: 'weight', takes: 'N [reverse]', set: (arg) => ownWeight(arg, 253) },
  { name: 'vrrp', takes: '', set: () => ({ vrrp: true }) },
  { name: 'checker', takes: '', set: () => ({ checker: true }) },
];

export const bfdInstanceBlock = block('bfd_instance', keywords);

export function bfdInstance(arg: Arguments): BfdDraft[] {
  const name = arg.attempt(() => arg.word('a name'));
  const draft = arg.block(bfdInstanceBlock, { name: name ?? '', places: { block: arg.place } });
  return name === undefined ? [] : [draft];
}

/** With a fraction, unlike keepalived's other times, which are in seconds. */
function milliseconds(arg: Arguments, least: number): number {
  const text = arg.word('milliseconds');
  const value = /^\d+(\.\d*)?$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= LONGEST_MS
    ? Math.round(value * 1000) / 1000
    : arg.refuse(`expected milliseconds from ${least} to ${LONGEST_MS}, found '${text}'`);
}
