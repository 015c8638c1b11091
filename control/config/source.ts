// Text → logical lines: comments dropped, continued lines joined, every character still knowing where it was written.

import type { Place } from './model.js';

/** From `offset` on, characters stand at `line:column`; a fixed span is an expansion, all of it standing where it was asked for. */
export interface Span {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  readonly fixed: boolean;
}

/** What reads as one line. A multi-line definition holds newlines. */
export interface Line {
  readonly file: string;
  readonly text: string;
  /** Where it starts. */
  readonly line: number;
  /** Ascending by offset, the first at 0; absent when all of it stands as it is on that one line. */
  readonly spans?: readonly Span[];
}

/** `$NAME=` with nothing after it but the backslash: the lines that follow are the value, as lines. */
const MULTILINE_DEFINITION = /^\s*(?:@\S+\s+)?\$\w+=\s*$/;
const NEWLINE = 0x0a;

export function* logicalLines(file: string, text: string): Generator<Line> {
  let line = 0;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    line += 1;
    end = text.charCodeAt(start) === NEWLINE ? start : lineEnd(text, start);
    if (end === start) continue;
    const code = withoutComment(text.slice(start, end));
    if (!code.endsWith('\\')) {
      yield { file, text: code, line };
      continue;
    }
    const joined = joinContinued(file, text, start, line);
    yield joined.whole;
    line += joined.count - 1;
    end = joined.end;
  }
}

/** The line at `start` and those it is continued on. */
function joinContinued(file: string, text: string, start: number, line: number): { whole: Line; count: number; end: number } {
  const pieces: string[] = [];
  const spans: Span[] = [];
  let glue = '';
  let length = 0;
  let end = start - 1;
  for (let continued = true; continued && end < text.length; ) {
    const from = end + 1;
    end = lineEnd(text, from);
    const code = withoutComment(text.slice(from, end));
    continued = code.endsWith('\\');
    const piece = continued ? code.slice(0, -1) : code;
    if (pieces.length === 0 && MULTILINE_DEFINITION.test(piece)) glue = '\n';
    spans.push({ offset: length, line: line + pieces.length, column: 1, fixed: false });
    pieces.push(piece);
    length += piece.length + glue.length;
  }
  return { whole: { file, text: pieces.join(glue), line, spans }, count: pieces.length, end };
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}

/** Where the character at `offset` was written. */
export function placeAt({ file, line, spans }: Line, offset: number): Place {
  if (spans === undefined) return { file, line, column: offset + 1 };
  let low = 0;
  for (let high = spans.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if ((spans[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const span = spans[low] ?? { offset: 0, line, column: 1, fixed: true };
  return { file, line: span.line, column: span.fixed ? span.column : span.column + offset - span.offset };
}

/** A comment starts at `#` or `!`, even inside a word, but not inside double quotes. */
function withoutComment(raw: string): string {
  const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  if (!line.includes('#') && !line.includes('!')) return line;
  let quoted = false;
  for (let at = line.search(/["#!]/); at < line.length; at += 1) {
    const character = line[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '#' || character === '!')) return line.slice(0, at);
  }
  return line;
}
