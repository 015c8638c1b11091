// `garp_group { … }`: how fast announcements may follow each other on one interface, or on several together.

import type { GarpGroupDraft } from '../draft.js';
import { type Arguments, block, type Keyword } from '../keyword.js';

const LONGEST = 1000;

const keywords: readonly Keyword<GarpGroupDraft>[] = [
  { name: 'garp_interval', takes: 'SECONDS', set: (arg) => ({ garpIntervalMs: arg.seconds(0, LONGEST) }) },
  { name: 'gna_interval', takes: 'SECONDS', set: (arg) => ({ gnaIntervalMs: arg.seconds(0, LONGEST) }) },
  { name: 'interface', takes: 'INTERFACE', set: (arg) => ({ interfaces: [arg.word('the name of an interface')] }) },
  {
    name: 'interfaces',
    takes: '{ INTERFACE… }',
    set: (arg) => ({ interfaces: arg.lines((line) => line.rest('names of interfaces')).flat() }),
  },
];

export const garpGroupBlock = block('garp_group', keywords);

export function garpGroup(arg: Arguments): GarpGroupDraft[] {
  const draft: GarpGroupDraft = { interfaces: [], places: { block: arg.place } };
  arg.block(garpGroupBlock, draft);
  if (draft.garpIntervalMs !== undefined || draft.gnaIntervalMs !== undefined) return [draft];
  arg.modified('this garp_group sets no interval', 'write garp_interval or gna_interval in it');
  return [];
}
