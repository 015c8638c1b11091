// Drafts of scripts, files, processes and BFD sessions → what is watched; defaults as keepalived has them.

import type { BfdDraft, ScriptDraft, WatchedFileDraft, WatchedProcessDraft } from './draft.js';
import type { Placed } from './keyword.js';
import type { Place } from './model.js';
import type { Report } from './report.js';
import type { BfdInstance, TrackFile, TrackProcess, TrackScript } from './tracking.js';

const SECOND_MS = 1000;

/** One that may not be run is not tracked either; what is wrong with it has been said. */
export function finishScript(drafts: readonly ScriptDraft[], report: Report): TrackScript[] {
  return named(drafts, 'vrrp_script', report).flatMap((draft) => {
    const { name, script, intervalMs = SECOND_MS, timeoutMs = intervalMs, rise = 1, fall = 1, places } = draft;
    const { weight = 0, reverse = false, initFail = false } = draft;
    if (script !== undefined) return [{ name, script, intervalMs, timeoutMs, rise, fall, weight, reverse, initFail, places }];
    if (places.script === undefined) report.error(blockOf(draft), `vrrp_script ${name} has no script`, 'write \'script "PROGRAM"\' in it');
    return [];
  });
}

export function finishFile(drafts: readonly WatchedFileDraft[], report: Report): TrackFile[] {
  return named(drafts, 'track_file', report).flatMap((draft) => {
    const { name, path, initial, weight = 1, reverse = false, places } = draft;
    if (path === undefined) report.error(blockOf(draft), `track_file ${name} has no file`, "write 'file NAME' in it");
    return path === undefined ? [] : [{ name, path, weight, reverse, ...(initial && { initial }), places }];
  });
}

const UNLIMITED = 65_536;
const SHORT_NAME = 15;

export function finishProcess(drafts: readonly WatchedProcessDraft[], report: Report): TrackProcess[] {
  return named(drafts, 'track_process', report).flatMap((draft): TrackProcess[] => {
    const { name, command, parameters = [], match, fullCommand = false, places, weight = 0, reverse = false } = draft;
    const { quorumMax = UNLIMITED, forkDelayMs = 0, terminateDelayMs = 0 } = draft;
    if (command === undefined) report.error(blockOf(draft), `track_process ${name} has no command`, "write 'process COMMAND' in it");
    if (command === undefined) return [];
    if (!fullCommand && command.length > SHORT_NAME)
      report.warning(
        blockOf(draft),
        `the kernel knows only the first ${SHORT_NAME} characters of a command's name: ${command} is never found`,
        'write full_command',
      );
    const quorum = draft.quorum ?? Math.min(1, quorumMax);
    if (quorum > quorumMax) report.error(blockOf(draft), `track_process ${name} has a quorum above its quorum_max`);
    if (quorum > quorumMax) return [];
    const comparison = match ?? (parameters.length > 0 ? 'exactly' : 'any');
    const delays = { forkDelayMs, terminateDelayMs };
    return [{ name, command, parameters, match: comparison, fullCommand, quorum, quorumMax, ...delays, weight, reverse, places }];
  });
}

const LONGEST_BFD_NAME = 31;

export function finishBfd(drafts: readonly BfdDraft[], report: Report): BfdInstance[] {
  const neighbors = new Set<string>();
  return named(drafts, 'bfd_instance', report).flatMap((draft): BfdInstance[] => {
    const { name, neighbor, source } = draft;
    const pair = `${neighbor?.text} ${source?.text} ${draft.multihop ?? false}`;
    const problem =
      name.length > LONGEST_BFD_NAME
        ? `has a name of more than ${LONGEST_BFD_NAME} characters`
        : neighbor === undefined
          ? 'has no neighbor_ip'
          : source !== undefined && source.family !== neighbor.family
            ? `has a source_ip of another family than its neighbor_ip`
            : neighbors.has(pair)
              ? `has the same neighbor_ip and source_ip as another`
              : undefined;
    neighbors.add(pair);
    if (problem !== undefined) report.error(blockOf(draft), `bfd_instance ${name} ${problem}`);
    return problem !== undefined || neighbor === undefined ? [] : [withDefaults(draft, neighbor, report)];
  });
}

/** RFC 5881 5: a packet of TTL 255 cannot have come from further than this link. */
const TTL = 255;
/** What keepalived sends over IPv6 unless it is told otherwise. */
const KEEPALIVED_HOP_LIMIT = 64;
const UNLIMITED_HOPS = 255;

function withDefaults(draft: BfdDraft, { text, family }: NonNullable<BfdDraft['neighbor']>, report: Report): BfdInstance {
  const { name, source, multihop = false, passive = false, weight = 0, reverse = false, places } = draft;
  const { minRxMs = 10, minTxMs = 10, idleTxMs = SECOND_MS, multiplier = 5, ttl = TTL } = draft;
  const expected = draft.ttl ?? (family === 6 ? KEEPALIVED_HOP_LIMIT : TTL);
  const hops = draft.maxHops ?? 0;
  if (hops > ttl) report.modified(places.max_hops ?? blockOf(draft), `max_hops of bfd_instance ${name} is more than its ttl`);
  const all = draft.vrrp === undefined && draft.checker === undefined;
  return {
    name,
    neighbor: text,
    ...(source && { source: source.text }),
    family,
    minRxMs,
    minTxMs,
    idleTxMs,
    multiplier,
    passive,
    multihop,
    ttl,
    leastTtl: hops < 0 || hops === UNLIMITED_HOPS ? 0 : Math.max(0, expected - hops),
    vrrp: draft.vrrp ?? all,
    checker: draft.checker ?? all,
    weight,
    reverse,
    places,
  };
}

/** Of two with one name the first counts. */
function named<Draft extends Placed & { readonly name: string }>(drafts: readonly Draft[], keyword: string, report: Report): Draft[] {
  const names = new Set<string>();
  return drafts.filter((draft) => {
    if (names.has(draft.name)) report.warning(blockOf(draft), `there are two ${keyword} named ${draft.name}; the first counts`);
    return !names.has(draft.name) && names.add(draft.name);
  });
}

function blockOf({ places }: Placed): Place {
  return places.block ?? { file: '', line: 1, column: 1 };
}
