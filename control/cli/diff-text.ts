// What a reload would do, as lines like those of diff(1): + for what comes, - for what goes, ~ for what changes.

import type { ConfigDiff, ConfigDifference } from '../reload/diff.js';
import type { Change } from '../reload/differences.js';

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

export function diffText({ file, loadable, findings, differences }: ConfigDiff): string {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (!loadable) {
    const places = errors.map(({ place, message }) => `  ${place.file}:${place.line}:${place.column}: ${message}`);
    return `${[`${file} would be refused:`, ...places].join('\n')}\n`;
  }
  if (differences.length === 0) return '';
  return `${differences.flatMap(differenceLines).join('\n')}\n`;
}

function differenceLines({ block, kind, changes, effect }: ConfigDifference): string[] {
  return [`${SIGNS[kind]} ${block}${effect === undefined ? '' : `  (${effect})`}`, ...changes.map(changeLine)];
}

function changeLine({ keyword, from, to }: Change): string {
  if (from === undefined) return `    + ${keyword} ${to}`;
  if (to === undefined) return `    - ${keyword} ${from}`;
  return `    ${keyword} ${from} -> ${to}`;
}
