// What firewall marks mean: said in natlb { } or read from the rules people have, and what to say about those that stay unclear.

import type { Listener } from '../../dataplane/protocol.js';
import { familyOf } from './address.js';
import type { GroupDraft, MarkDraft, TopDraft } from './draft.js';
import { parseIptables } from './firewall/iptables.js';
import { parseNft } from './firewall/nft.js';
import type { MarkRule, RuleFile } from './firewall/rule.js';
import type { Report } from './report.js';

export type Marks = ReadonlyMap<number, readonly Listener[]>;

export function readRules(file: string, text: string): RuleFile {
  if (/^\s*\{/.test(text)) return parseNft(file, text);
  if (/^\s*(?:#|\*\w|-A )/.test(text)) return parseIptables(file, text);
  return { rules: [], problem: 'this is neither the output of iptables-save nor that of nft -j list ruleset' };
}

/** What each mark stands for, of both families. */
export function marksOf(written: readonly MarkDraft[], rules: readonly MarkRule[]): Marks {
  const marks = new Map<number, Listener[]>();
  const read = rules.flatMap((rule) => (rule.kind === 'read' ? [rule] : []));
  for (const { mark, listeners } of [...written, ...read]) marks.set(mark, [...(marks.get(mark) ?? []), ...listeners]);
  return marks;
}

export interface MarkUse {
  readonly rules: readonly MarkRule[];
  /** Addresses of services. */
  readonly served: ReadonlySet<string>;
  readonly report: Report;
}

/** Rules for marks that no service uses are nobody's business here: marks have other uses. */
export function reportMarks({ virtualServers, groups, settings }: TopDraft, { rules, served, report }: MarkUse): void {
  const used = new Set([...virtualServers.flatMap(({ head }) => (head.kind === 'fwmark' ? [head.mark] : [])), ...marksOfGroups(groups)]);
  for (const rule of rules) if (rule.kind === 'unread' && concerns(rule, used)) reportUnread(rule, report);
  for (const { mark, place, listeners } of settings.marks) {
    const idle = listeners.find(({ address }) => !served.has(address));
    if (!used.has(mark)) report.warning(place, `no virtual_server is for mark ${mark}`);
    else if (idle !== undefined)
      report.warning(place, `no virtual_server is for the IPv${familyOf(idle.address)} addresses of mark ${mark}`);
  }
}

function marksOfGroups(groups: readonly GroupDraft[]): number[] {
  return groups.flatMap(({ entries }) => entries.flatMap((entry) => (entry.kind === 'fwmark' ? [entry.mark] : [])));
}

type UnreadRule = Extract<MarkRule, { kind: 'unread' }>;

function concerns({ mark }: UnreadRule, used: ReadonlySet<number>): boolean {
  return mark === undefined ? used.size > 0 : used.has(mark);
}

function reportUnread({ place, name, mark, why }: UnreadRule, report: Report): void {
  const which = mark === undefined ? 'a mark' : `mark ${mark}`;
  const message = `'${name.slice(0, 200)}' sets ${which}, and natlb does not follow it: ${why}`;
  report.warning(place, message, `write firewall_mark ${mark ?? 'MARK'} { ADDRESS PROTOCOL PORTS } in natlb { }`);
}
