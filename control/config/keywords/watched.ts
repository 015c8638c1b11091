// What can be tracked and stands at the top of the file: `vrrp_script`, `track_file`, `track_process`.

import type { ScriptDraft, WatchedFileDraft, WatchedProcessDraft } from '../draft.js';
import { type Arguments, block, type Keyword } from '../keyword.js';
import { directoryOf, resolvePath } from '../path.js';
import type { ParameterMatch } from '../tracking.js';
import { runAs, SCRIPT, script, scriptUser } from './script.js';
import { ownWeight } from './track.js';

const COUNT = 2 ** 31 - 1;
/** As many seconds as keepalived's timers hold. */
const LONGEST = 4294;
const SECOND_MS = 1000;

const scriptKeywords: readonly Keyword<ScriptDraft>[] = [
  { name: 'script', takes: SCRIPT, script: true, set: (arg) => ({ script: script(arg) }) },
  { name: 'interval', takes: 'SECONDS', set: (arg) => ({ intervalMs: notZero(arg) }) },
  { name: 'timeout', takes: 'SECONDS', set: (arg) => ({ timeoutMs: notZero(arg) }) },
  { name: 'weight', takes: 'N [reverse]', set: (arg) => ownWeight(arg, 253) },
  { name: 'rise', takes: 'COUNT', set: (arg) => ({ rise: arg.integer(1, COUNT) }) },
  { name: 'fall', takes: 'COUNT', set: (arg) => ({ fall: arg.integer(1, COUNT) }) },
  { name: 'user', takes: 'USER [GROUP]', set: (arg) => ({ user: scriptUser(arg) }) },
  { name: 'init_fail', takes: '', set: () => ({ initFail: true }) },
];

const fileKeywords: readonly Keyword<WatchedFileDraft>[] = [
  { name: 'file', takes: 'FILE', set: (arg) => ({ path: resolvePath(directoryOf(arg.place.file), arg.word('a file')) }) },
  { name: 'weight', takes: 'N [reverse]', set: (arg) => ownWeight(arg, 254) },
  { name: 'init_file', takes: '[VALUE] [overwrite]', set: (arg) => ({ initial: initial(arg) }) },
];

const LONGEST_PROCESS_DELAY = 3600;
const SHORTEST = 0.000001;
const PROCESSES = 65_535;

const MATCHES: ReadonlyMap<string, ParameterMatch> = new Map([
  ['initial', 'begun'],
  ['partial', 'first'],
]);

const processKeywords: readonly Keyword<WatchedProcessDraft>[] = [
  { name: 'process', takes: 'COMMAND [PARAMETER…]', set: command },
  {
    name: 'param_match',
    takes: '[initial|partial]',
    set: (arg) => ({ match: arg.more() ? arg.oneOf(MATCHES) : 'exactly', fullCommand: true }),
  },
  { name: 'weight', takes: 'N [reverse]', set: (arg) => ownWeight(arg, 254) },
  { name: 'quorum', takes: 'COUNT', set: (arg) => ({ quorum: arg.integer(1, PROCESSES) }) },
  { name: 'quorum_max', takes: 'COUNT', set: (arg) => ({ quorumMax: arg.integer(0, PROCESSES) }) },
  { name: 'delay', takes: 'SECONDS', set: bothDelays },
  { name: 'fork_delay', takes: 'SECONDS', set: (arg) => ({ forkDelayMs: arg.seconds(SHORTEST, LONGEST_PROCESS_DELAY) }) },
  { name: 'terminate_delay', takes: 'SECONDS', set: (arg) => ({ terminateDelayMs: arg.seconds(SHORTEST, LONGEST_PROCESS_DELAY) }) },
  { name: 'full_command', takes: '', set: () => ({ fullCommand: true }) },
];

export const scriptBlock = block('vrrp_script', scriptKeywords);
export const watchedFileBlock = block('track_file', fileKeywords);
export const processBlock = block('track_process', processKeywords);

export function watchedScript(arg: Arguments): ScriptDraft[] {
  const name = arg.attempt(() => arg.word('a name'));
  const draft = arg.block(scriptBlock, { name: name ?? '', places: { block: arg.place } });
  if (draft.script !== undefined) runAs(draft.script, draft.user);
  return name === undefined ? [] : [draft];
}

export function watchedFile(arg: Arguments): WatchedFileDraft[] {
  const name = arg.attempt(() => arg.word('a name'));
  const draft = arg.block(watchedFileBlock, { name: name ?? '', places: { block: arg.place } });
  return name === undefined ? [] : [draft];
}

export function watchedProcess(arg: Arguments): WatchedProcessDraft[] {
  const name = arg.attempt(() => arg.word('a name'));
  const draft = arg.block(processBlock, { name: name ?? '', places: { block: arg.place } });
  return name === undefined ? [] : [draft];
}

/** keepalived once allowed 0, and means a second by it. */
function notZero(arg: Arguments): number {
  const ms = arg.seconds(0, LONGEST);
  if (ms > 0) return ms;
  arg.modified(`'${arg.keyword.text}' must be greater than 0; it is taken for 1`);
  return SECOND_MS;
}

function initial(arg: Arguments): { value: number; overwrite: boolean } {
  let value = 0;
  let overwrite = false;
  while (arg.more()) {
    const word = arg.word('a number or overwrite');
    if (word === 'overwrite') overwrite = true;
    else value = arg.toInteger(word, -(2 ** 31), 2 ** 31 - 1);
  }
  return { value, overwrite };
}

/** Parameters are compared with the command line, and unless it is said otherwise exactly. */
function command(arg: Arguments) {
  const [name = '', ...parameters] = arg.rest('a command');
  return parameters.length === 0 ? { command: name } : { command: name, parameters, fullCommand: true };
}

function bothDelays(arg: Arguments) {
  const delayMs = arg.seconds(SHORTEST, LONGEST_PROCESS_DELAY);
  return { forkDelayMs: delayMs, terminateDelayMs: delayMs };
}
