// How a running natlb is led and looked at: reloads by file and by time, dumps.

import type { GlobalDraft, OperatingDraft } from '../draft.js';
import type { Arguments, Keyword } from '../keyword.js';

const JSON_VERSIONS: ReadonlyMap<string, 1 | 2> = new Map([
  ['1', 1],
  ['2', 2],
]);

/** Others may write there: what natlb writes goes to its run directory instead. */
const WORLD_WRITABLE = /^\/(tmp|var\/tmp|dev\/shm)\/[^/]*$/;

export const operatingKeywords: readonly Keyword<GlobalDraft & OperatingDraft>[] = [
  { name: 'reload_check_config', takes: '[FILE]', set: checkConfig },
  { name: 'reload_time_file', takes: 'FILE', set: (arg) => ({ reloadTimeFile: absolute(arg) }) },
  { name: 'reload_repeat', takes: '', set: () => ({ reloadRepeat: true }) },
  { name: 'reload_file', takes: '[FILE]', set: (arg) => ({ reloadFile: arg.more() ? absolute(arg) : true }) },
  { name: 'instance', takes: 'NAME', set: (arg) => ({ instanceName: nameOfFile(arg) }) },
  { name: 'data_use_instance', takes: '[BOOL]', set: (arg) => ({ dumpsNameInstance: arg.flag() }) },
  { name: 'state_dump_file', takes: 'FILE', set: (arg) => ({ stateDumpFile: dumpFile(arg) }) },
  { name: 'stats_dump_file', takes: 'FILE', set: (arg) => ({ statsDumpFile: dumpFile(arg) }) },
  { name: 'json_dump_file', takes: 'FILE', set: (arg) => ({ jsonDumpFile: dumpFile(arg) }) },
  { name: 'json_version', takes: '1|2', set: (arg) => ({ jsonVersion: arg.oneOf(JSON_VERSIONS) }) },
];

/** Nothing to set: every reload checks first. */
function checkConfig(arg: Arguments): object {
  if (!arg.more()) return {};
  const file = arg.word('a file');
  arg.warn(`${file} will not be written: what is wrong with a file is in the log, and in natlb diff`);
  return {};
}

function absolute(arg: Arguments): string {
  const path = arg.word('an absolute path');
  return path.startsWith('/') && !path.endsWith('/') ? path : arg.refuse(`expected the absolute path of a file, found '${path}'`);
}

function dumpFile(arg: Arguments): string {
  const path = arg.word('a file, or a directory with / at its end');
  if (WORLD_WRITABLE.test(path)) arg.warn('everybody may write there: dumps go to the run directory instead');
  return path;
}

/** It becomes a part of file names. */
export function nameOfFile(arg: Arguments): string {
  const name = arg.word('a name');
  return /^[\w.-]+$/.test(name) ? name : arg.refuse(`expected letters, digits, '.', '-' and '_', found '${name}'`);
}
