// Text → logical lines: comments dropped, continued lines joined, every character still knowing where it was written.

import type { Place } from './model.js';

/** From `offset` on, characters stand at `line:column`; a fixed span is an expansion, all of it standing where it was asked for. */
export interface Span {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  readonly fixed: boolean;
}

/** What reads as one line. The lines of a block definition are held together by newlines. */
export interface Line {
  readonly file: string;
  readonly text: string;
  /** Where it starts. */
  readonly line: number;
  /** Ascending by offset, the first at 0; absent when all of it stands as it is on that one line. */
  readonly spans?: readonly Span[];
  /** A line of a block definition: where the block was asked for. */
  readonly usedAt?: Place;
}

/** `$NAME=`: the lines it is continued on are lines of its value. */
const DEFINITION = /^\s*(?:@\S+\s+)?\$[A-Za-z_]\w*=/;
const NEWLINE = 0x0a;

export function* logicalLines(file: string, text: string): Generator<Line> {
  let line = 0;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    line += 1;
    end = text.charCodeAt(start) === NEWLINE ? start : lineEnd(text, start);
    if (end === start) continue;
    const code = withoutComment(text.slice(start, end));
    if (!code.continued) {
      yield { file, text: code.text, line, ...(code.spans === undefined ? {} : { spans: at(line, 0, code.spans) }) };
      continue;
    }
    const joined = joinContinued(file, text, start, line);
    yield joined.whole;
    line += joined.count - 1;
    end = joined.end;
  }
}

/** The line at `start` and those it is continued on. In a definition a line that is nothing but a comment does not end it. */
function joinContinued(file: string, text: string, start: number, line: number): { whole: Line; count: number; end: number } {
  const pieces: string[] = [];
  const spans: Span[] = [];
  let glue = '';
  let length = 0;
  let count = 0;
  let end = start - 1;
  for (let continued = true; continued && end < text.length; count += 1) {
    const from = end + 1;
    end = lineEnd(text, from);
    const written = text.slice(from, end);
    const code = withoutComment(written);
    const onlyComment = glue !== '' && !code.continued && code.text.trim() === '' && written.trim() !== '';
    continued = code.continued || onlyComment;
    if (count === 0 && DEFINITION.test(code.text)) glue = '\n';
    if (onlyComment) continue;
    if (code.spans === undefined) spans.push({ offset: length, line: line + count, column: 1, fixed: false });
    else spans.push(...at(line + count, length, code.spans));
    pieces.push(code.text);
    length += code.text.length + glue.length;
  }
  return { whole: { file, text: pieces.join(glue), line, spans }, count, end };
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}

/** Where the character at `offset` was written. */
export function placeAt({ file, line, spans, usedAt }: Line, offset: number): Place {
  const { line: row, column } = spans === undefined ? { line, column: offset + 1 } : written(spans, offset);
  return usedAt === undefined ? { file, line: row, column } : { file, line: row, column, usedAt };
}

function written(spans: readonly Span[], offset: number): Pick<Place, 'line' | 'column'> {
  let low = 0;
  for (let high = spans.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if ((spans[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const { line, column, fixed, offset: from } = spans[low] ?? { offset: 0, line: 1, column: 1, fixed: true };
  return { line, column: fixed ? column : column + offset - from };
}

type Columns = Pick<Span, 'offset' | 'column'>;

function at(line: number, from: number, columns: readonly Columns[]): Span[] {
  return columns.map(({ offset, column }) => ({ offset: from + offset, line, column, fixed: false }));
}

interface Code {
  readonly text: string;
  /** It ended with a backslash. */
  readonly continued: boolean;
  /** Where its stretches were written, if a backslash was taken out of it. */
  readonly spans?: readonly Columns[];
}

/** A comment starts at `#` or `!`, even inside a word, but not inside double quotes, and not behind a backslash. */
function withoutComment(raw: string): Code {
  const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  if (!SPECIAL_WITHIN.test(line))
    return line.endsWith('\\') ? { text: line.slice(0, -1), continued: true } : { text: line, continued: false };
  let quoted = false;
  let pieces: { text: string; column: number }[] | undefined;
  let from = 0;
  const kept = (to: number): Code => {
    if (pieces === undefined) return { text: line.slice(0, to), continued: false };
    pieces.push({ text: line.slice(from, to), column: from + 1 });
    return joined(pieces);
  };
  for (let index = skipTo(line, 0); index < line.length; index = skipTo(line, index + 1)) {
    const character = line[index];
    if (character === '"') quoted = !quoted;
    else if (character !== '\\') {
      if (!quoted) return kept(index);
    } else if (index === line.length - 1) {
      return { ...kept(index), continued: true };
    } else {
      index += 1;
      if (quoted || (line[index] !== '#' && line[index] !== '!')) continue;
      pieces ??= [];
      pieces.push({ text: line.slice(from, index - 1), column: from + 1 });
      from = index;
    }
  }
  return kept(line.length);
}

const SPECIAL = /["#!\\]/g;
/** Anything but a backslash at the end. */
const SPECIAL_WITHIN = /["#!]|\\./;

function skipTo(line: string, from: number): number {
  SPECIAL.lastIndex = from;
  return SPECIAL.exec(line)?.index ?? line.length;
}

function joined(pieces: readonly { readonly text: string; readonly column: number }[]): Code {
  let offset = 0;
  const spans = pieces.map(({ text, column }) => {
    const span = { offset, column };
    offset += text.length;
    return span;
  });
  return { text: pieces.map(({ text }) => text).join(''), continued: false, spans };
}
