// `natlb { … }`: natlb's own settings, all optional.

import type { SettingsDraft } from '../draft.js';
import { block, type Keyword } from '../keyword.js';
import type { Settings } from '../model.js';

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
];

export const natlbBlock = block('natlb', keywords);
