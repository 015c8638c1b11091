// `$NAME=value`, `$NAME` and `${NAME}`: values are replaced where they are used, with what they mean there and then.

import type { Builtin } from './builtins.js';
import type { Report } from './report.js';
import { type Line, placeAt, type Span } from './source.js';

/** A definition of several lines is a block: each of its lines stays where it was written. */
export type Definition =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'block'; readonly lines: readonly Line[] }
  | Builtin;

export type Definitions = Map<string, Definition>;

const DEFINITION = /^\s*\$([A-Za-z_]\w*)=/;
// `$NAME` counts only in front of white space and in lists, `${NAME}` everywhere.
const REFERENCE = /\$(?:\{([A-Za-z_]\w*)((?:[ \t]+\w+)*)\}|([A-Za-z_]\w*)(?![^\s,)]))/g;
const MAX_DEPTH = 32;
const MAX_REFERENCES = 10_000;
const MAX_CHARACTERS = 1024 * 1024;

export function definitionIn(line: Line): { readonly name: string; readonly definition: Definition } | undefined {
  if (!line.text.includes('$')) return undefined;
  const match = DEFINITION.exec(line.text);
  if (match === null) return undefined;
  const [head, name = ''] = match;
  if (!line.text.includes('\n')) return { name, definition: { kind: 'text', text: line.text.slice(head.length).trim() } };
  const lines = splitLines(line, head.length).filter(({ text }) => text.trim() !== '');
  return { name, definition: { kind: 'block', lines } };
}

function splitLines(line: Line, from: number): Line[] {
  const lines: Line[] = [];
  for (let start = from, end = from; end < line.text.length; start = end + 1) {
    end = line.text.indexOf('\n', start);
    if (end === -1) end = line.text.length;
    const place = placeAt(line, start);
    lines.push({ ...cut(line, start, end), line: place.line });
  }
  return lines;
}

/** What a line reads once its names are replaced: lines, if a block was asked for. Undefined names stay as they are written. */
export function substitute(line: Line, definitions: Definitions, report: Report): Line | readonly Line[] {
  if (!line.text.includes('$')) return line;
  const edits: Edit[] = [];
  const meaning = new Meaning(definitions, line.text.length);
  let block: { readonly lines: readonly Line[]; readonly from: number } | undefined;
  for (const match of line.text.matchAll(REFERENCE)) {
    const end = match.index + match[0].length;
    const rest = line.text.slice(end);
    const found = meaning.of(match, /^(?:[\s,)]|$)/.test(rest));
    if (found === undefined) continue;
    if (found.problem !== undefined) report.error(placeAt(line, match.index), found.problem);
    if (found.lines === undefined) edits.push({ from: match.index, to: end, text: found.text });
    else if (rest.trim() !== '')
      report.error(placeAt(line, match.index), `${match[0]} stands for several lines, and nothing may follow it`);
    else block = { lines: found.lines, from: match.index };
  }
  if (block !== undefined) return withBlock(line, edits, block.from, block.lines);
  return edits.length === 0 ? line : splice(line, edits);
}

/** The first line of a block goes on where it was asked for; behind a brace it is a line of its own anyway. */
function withBlock(line: Line, edits: readonly Edit[], from: number, block: readonly Line[]): readonly Line[] {
  const usedAt = placeAt(line, from);
  const lines = block.map((part) => ({ ...part, usedAt }));
  const before = line.text.slice(0, from).trim();
  if (before === '') return lines;
  if (/[{}]$/.test(before)) return [splice(line, [...edits, { from, to: line.text.length, text: '' }]), ...lines];
  const [first, ...others] = lines;
  return [splice(line, [...edits, { from, to: line.text.length, text: first?.text ?? '' }]), ...others];
}

export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The stretch of a line. */
export function cut(line: Line, from: number, to = line.text.length): Line {
  if (from === 0 && to === line.text.length) return line;
  const edits = [
    { from: 0, to: from, text: '' },
    { from: to, to: line.text.length, text: '' },
  ];
  return splice(
    line,
    edits.filter((edit) => edit.from < edit.to),
  );
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
  return { ...line, text: pieces.join(''), spans };
}

interface Found {
  readonly text: string;
  readonly lines?: readonly Line[];
  readonly problem?: string;
}

/** What references mean, within bounds for all of one line together. */
class Meaning {
  private references = MAX_REFERENCES;
  private characters: number;

  constructor(
    private readonly definitions: Definitions,
    length: number,
  ) {
    this.characters = MAX_CHARACTERS + length;
  }

  /** Nothing for a name that is not defined. */
  of(match: RegExpExecArray, spaceFollows: boolean, depth = 1): Found | undefined {
    const [whole, braced, parameters = '', bare] = match;
    const definition = this.definitions.get(braced ?? bare ?? '');
    this.references -= 1;
    if (definition === undefined) return undefined;
    if (definition.kind === 'builtin') return builtin(definition, whole, parameters.split(/\s+/).filter(Boolean));
    if (parameters !== '') return { text: '', problem: `${whole}: what is defined by $NAME=value takes no parameters` };
    if (definition.kind === 'block') return { text: '', lines: definition.lines };
    return this.resolve(definition.text, whole, spaceFollows, depth);
  }

  /** `value` with the names in it replaced. `$NAME` at its end counts only where a space follows. */
  private resolve(value: string, asked: string, spaceFollows: boolean, depth: number): Found {
    this.characters -= value.length;
    if (depth > MAX_DEPTH || this.references < 0 || this.characters < 0)
      return { text: '', problem: `${asked} stands for itself, or for far too much text` };
    if (!value.includes('$')) return { text: value };
    const pieces: string[] = [];
    let from = 0;
    for (const match of value.matchAll(REFERENCE)) {
      const end = match.index + match[0].length;
      if (match[3] !== undefined && end === value.length && !spaceFollows) continue;
      const inner = this.of(match, end === value.length ? spaceFollows : /^[\s,)]/.test(value.slice(end, end + 1)), depth + 1);
      if (inner === undefined) continue;
      if (inner.problem !== undefined) return inner;
      if (inner.lines !== undefined && value.trim() !== match[0]) return { text: '', problem: `${asked} mixes a block with other text` };
      if (inner.lines !== undefined) return inner;
      pieces.push(value.slice(from, match.index), inner.text);
      from = end;
    }
    return { text: pieces.join('') + value.slice(from) };
  }
}

function builtin({ value, least, most }: Builtin, asked: string, parameters: readonly string[]): Found {
  const count = parameters.length;
  const expected = least === most ? `${most}` : `${least} to ${most}`;
  if (count < least || count > most) return { text: '', problem: `${asked} takes ${expected} parameters` };
  const found = value(parameters);
  return typeof found === 'string' ? { text: found } : { text: '', problem: `${asked}: ${found.problem}` };
}
