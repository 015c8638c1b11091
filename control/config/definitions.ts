// `$NAME=value`, `$NAME` and `${NAME}`: values are replaced where they are used, with what they mean there and then.

import type { Report } from './report.js';
import { type Line, placeAt, type Span } from './source.js';

export type Definitions = Map<string, string>;

const DEFINITION = /^\s*\$([A-Za-z_]\w*)=(.*)$/s;
// `$NAME` counts only in front of white space, `${NAME}` everywhere.
const REFERENCE = /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)(?![^\s]))/g;
const MAX_DEPTH = 32;
const MAX_REFERENCES = 10_000;
const MAX_CHARACTERS = 1024 * 1024;

export function definitionIn(text: string): { readonly name: string; readonly value: string } | undefined {
  if (!text.includes('$')) return undefined;
  const match = DEFINITION.exec(text);
  if (match === null) return undefined;
  const [, name = '', value = ''] = match;
  return { name, value: value.startsWith('\n') || /^\s*\n/.test(value) ? value.replace(/^\s*\n/, '') : value.trim() };
}

/** The line with every defined name replaced; the same line when there is none. Undefined names stay as they are written. */
export function substitute(line: Line, definitions: Definitions, report: Report): Line {
  if (!line.text.includes('$')) return line;
  const edits: Edit[] = [];
  const budget = { references: MAX_REFERENCES, characters: MAX_CHARACTERS + line.text.length };
  for (const match of line.text.matchAll(REFERENCE)) {
    const value = definitions.get(match[1] ?? match[2] ?? '');
    if (value === undefined) continue;
    const meaning = value.includes('\n') ? value : resolve(value, definitions, followedBySpace(line.text, match), budget);
    if (meaning === undefined) report.error(placeAt(line, match.index), `${match[0]} stands for itself, or for far too much text`);
    edits.push({ from: match.index, to: match.index + match[0].length, text: meaning ?? '' });
  }
  return edits.length === 0 ? line : splice(line, edits);
}

export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The line with stretches of it replaced, ascending; what replaces them stands where they stood. */
export function splice(line: Line, edits: readonly Edit[]): Line {
  const written = line.spans ?? [{ offset: 0, line: line.line, column: 1, fixed: false }];
  const pieces: string[] = [];
  const spans: Span[] = [];
  let length = 0;
  let from = 0;
  let next = 0;
  const keep = (to: number): void => {
    if (to <= from) return;
    const { line: row, column } = placeAt(line, from);
    while ((written[next]?.offset ?? to) <= from) next += 1;
    spans.push({ offset: length, line: row, column, fixed: written[next - 1]?.fixed ?? false });
    for (let span = written[next]; span !== undefined && span.offset < to; span = written[++next]) {
      spans.push({ ...span, offset: span.offset - from + length });
    }
    pieces.push(line.text.slice(from, to));
    length += to - from;
  };
  for (const edit of edits) {
    keep(edit.from);
    const { line: row, column } = placeAt(line, edit.from);
    spans.push({ offset: length, line: row, column, fixed: true });
    pieces.push(edit.text);
    length += edit.text.length;
    from = edit.to;
  }
  keep(line.text.length);
  return { file: line.file, text: pieces.join(''), line: line.line, spans };
}

interface Budget {
  references: number;
  characters: number;
}

/** `value` with the names in it replaced; nothing when that does not end. `$NAME` at its end counts only where a space follows. */
function resolve(value: string, definitions: Definitions, spaceFollows: boolean, budget: Budget, depth = 1): string | undefined {
  budget.characters -= value.length;
  if (depth > MAX_DEPTH || budget.references < 0 || budget.characters < 0) return undefined;
  if (!value.includes('$')) return value;
  const pieces: string[] = [];
  let from = 0;
  for (const match of value.matchAll(REFERENCE)) {
    const atEnd = match.index + match[0].length === value.length;
    const inner = match[2] !== undefined && atEnd && !spaceFollows ? undefined : definitions.get(match[1] ?? match[2] ?? '');
    if (inner === undefined) continue;
    budget.references -= 1;
    const meaning = resolve(inner, definitions, atEnd ? spaceFollows : followedBySpace(value, match), budget, depth + 1);
    if (meaning === undefined) return undefined;
    pieces.push(value.slice(from, match.index), meaning);
    from = match.index + match[0].length;
  }
  return pieces.join('') + value.slice(from);
}

function followedBySpace(text: string, match: RegExpExecArray): boolean {
  return /^(?:\s|$)/.test(text.slice(match.index + match[0].length, match.index + match[0].length + 1));
}
