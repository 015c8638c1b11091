// `natlb { … }`: natlb's own settings, all optional.

import type { RuleFileDraft, SettingsDraft } from '../draft.js';
import { type Arguments, block, type Keyword } from '../keyword.js';
import type { Settings } from '../model.js';
import { directoryOf, resolvePath } from '../path.js';
import { firewallMark } from './firewall-mark.js';
import { timeouts } from './timeouts.js';

const BACKENDS: ReadonlyMap<string, Settings['backend']> = new Map([
  ['auto', 'auto'],
  ['af_xdp', 'af_xdp'],
  ['af_packet', 'af_packet'],
]);

const keywords: readonly Keyword<SettingsDraft>[] = [
  { name: 'interfaces', takes: 'INTERFACE…', set: (arg) => ({ interfaces: [...new Set(arg.rest('names of interfaces'))] }) },
  { name: 'backend', takes: 'auto|af_xdp|af_packet', set: (arg) => ({ backend: arg.oneOf(BACKENDS) }) },
  { name: 'flow_table_size', takes: 'FLOWS', set: (arg) => ({ maxFlows: arg.integer(1024, 2 ** 28) }) },
  { name: 'metrics', takes: 'ADDRESS:PORT', set: (arg) => ({ metrics: arg.endpoint() }) },
  { name: 'run_dir', takes: 'DIRECTORY', set: (arg) => ({ runDir: arg.word('a directory') }) },
  { name: 'firewall_mark', takes: 'MARK { ADDRESS PROTOCOL PORTS… }', set: (arg) => ({ marks: [firewallMark(arg)] }) },
  { name: 'firewall_rules', takes: 'FILE', set: (arg) => ({ ruleFiles: [ruleFile(arg)] }) },
  { name: 'timeouts', takes: '[rfc|ipvs] [{ STATE SECONDS… }]', set: (arg) => ({ timeouts: timeouts(arg) }) },
  { name: 'takeover_window', takes: 'SECONDS', set: (arg) => ({ takeoverMs: arg.seconds(0, 3600) }) },
  { name: 'half_open_limit', takes: 'FLOWS [per_source FLOWS]', set: (arg) => ({ halfOpen: halfOpenLimit(arg) }) },
];

export const natlbBlock = block('natlb', keywords);

const FLOWS = 2 ** 28;
const PER_SOURCE = new Map([['per_source', true]]);

/** Like an included file, relative to the file that names it. */
function ruleFile(arg: Arguments): RuleFileDraft {
  const name = arg.word('a file');
  return { file: resolvePath(directoryOf(arg.place.file), name), place: arg.valuePlace };
}

/** 0: no limit. */
function halfOpenLimit(arg: Arguments): Settings['halfOpen'] {
  const service = arg.integer(0, FLOWS);
  if (!arg.more()) return { service, source: Math.ceil(service / 16) };
  arg.oneOf(PER_SOURCE);
  return { service, source: arg.integer(0, FLOWS) };
}
