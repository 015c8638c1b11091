// Text → logical lines: comments dropped, continued lines joined, every character still knowing where it was written.

import type { Place } from './model.js';

/** From `offset` on, characters stand at `line:column`; a fixed span is an expansion, all of it standing where it was asked for. */
export interface Span {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  readonly fixed: boolean;
}

/** What reads as one line. `spans` ascend by offset and the first starts at 0. A multi-line definition holds newlines. */
export interface Line {
  readonly file: string;
  readonly text: string;
  readonly spans: readonly Span[];
}

/** `$NAME=` with nothing after it but the backslash: the lines that follow are the value, as lines. */
const MULTILINE_DEFINITION = /^\s*(?:@\S+\s+)?\$\w+=\s*$/;

export function* logicalLines(file: string, text: string): Generator<Line> {
  let pieces: string[] = [];
  let spans: Span[] = [];
  let length = 0;
  let glue = '';
  let line = 0;
  for (const physical of physicalLines(text)) {
    line += 1;
    const code = withoutComment(physical);
    const continued = code.endsWith('\\');
    const piece = continued ? code.slice(0, -1) : code;
    if (pieces.length === 0) glue = continued && MULTILINE_DEFINITION.test(piece) ? '\n' : '';
    spans.push({ offset: length, line, column: 1, fixed: false });
    pieces.push(piece);
    length += piece.length + glue.length;
    if (continued) continue;
    yield { file, text: pieces.length === 1 ? piece : pieces.join(glue), spans };
    [pieces, spans, length] = [[], [], 0];
  }
  if (pieces.length > 0) yield { file, text: pieces.join(glue), spans };
}

/** Where the character at `offset` was written. */
export function placeAt({ file, spans }: Line, offset: number): Place {
  let low = 0;
  for (let high = spans.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if ((spans[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const span = spans[low] ?? { offset: 0, line: 1, column: 1, fixed: true };
  return { file, line: span.line, column: span.fixed ? span.column : span.column + offset - span.offset };
}

function* physicalLines(text: string): Generator<string> {
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    yield text.charCodeAt(end - 1) === 0x0d && end > start ? text.slice(start, end - 1) : text.slice(start, end);
    start = end + 1;
  }
  if (start < text.length) yield text.slice(start);
}

/** A comment starts at `#` or `!`, even inside a word, but not inside double quotes. */
function withoutComment(line: string): string {
  const first = line.search(/[#!]/);
  if (first === -1) return line;
  let quoted = false;
  for (let at = line.search(/["#!]/); at < line.length; at += 1) {
    const character = line[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '#' || character === '!')) return line.slice(0, at);
  }
  return line;
}
