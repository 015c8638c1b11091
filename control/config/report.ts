// Collects findings in bounded memory: ten megabytes of junk must not become ten megabytes of messages.

import { modified } from './finding.js';
import type { Finding, Place } from './model.js';

export interface Report {
  error(place: Place, message: string, hint?: string): void;
  warning(place: Place, message: string, hint?: string): void;
  /** A warning that `natlb check` counts as an error. */
  modified(place: Place, message: string, hint?: string): void;
  add(finding: Finding): void;
  /** An error after which reading on makes no sense. */
  giveUp(place: Place, message: string): void;
  /** True after that: what was read cannot stand for the configuration. */
  readonly gaveUp: boolean;
  /** What was reported, in the order of the text: files as they were first named, lines, columns. */
  findings(files: readonly string[]): Finding[];
}

/** Of each severity, this many are kept and the rest counted. */
const KEPT = 1000;

export function createReport(): Report {
  const kept = { error: [] as Finding[], warning: [] as Finding[] };
  const omitted: { error?: Omission; warning?: Omission } = {};
  let gaveUp = false;

  function add(finding: Finding): void {
    const { severity, place } = finding;
    const omission = omitted[severity];
    if (kept[severity].length < KEPT) kept[severity].push(Object.freeze(finding));
    else if (omission === undefined) omitted[severity] = { first: place, count: 1 };
    else omission.count += 1;
  }

  return {
    add,
    error: (place, message, hint) => add(findingOf('error', place, message, hint)),
    warning: (place, message, hint) => add(findingOf('warning', place, message, hint)),
    modified: (place, message, hint) => add(modified(place, message, hint)),
    giveUp(place, message) {
      if (!gaveUp) kept.error.push(findingOf('error', place, message));
      gaveUp = true;
    },
    get gaveUp() {
      return gaveUp;
    },
    findings: (files) => [
      ...inTextOrder([...kept.error, ...kept.warning], files),
      ...summary('error', omitted.error),
      ...summary('warning', omitted.warning),
    ],
  };
}

function findingOf(severity: Finding['severity'], place: Place, message: string, hint?: string): Finding {
  return hint === undefined ? { severity, place, message } : { severity, place, message, hint };
}

interface Omission {
  readonly first: Place;
  count: number;
}

function summary(severity: Finding['severity'], omission: Omission | undefined): Finding[] {
  if (omission === undefined) return [];
  return [{ severity, place: omission.first, message: `${omission.count} more ${severity}s from here on are not listed` }];
}

export function inTextOrder(findings: readonly Finding[], files: readonly string[]): Finding[] {
  const rank = new Map(files.map((file, index) => [file, index]));
  const order = ({ place }: Finding): number => rank.get(place.file) ?? files.length;
  return findings.toSorted((a, b) => order(a) - order(b) || a.place.line - b.place.line || a.place.column - b.place.column);
}
