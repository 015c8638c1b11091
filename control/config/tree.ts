// Lines → words → statements: a keyword, what follows it on its line, and perhaps a block of further statements.

import type { Place } from './model.js';
import type { Report } from './report.js';
import { type Line, placeAt } from './source.js';

export interface Word {
  readonly text: string;
  readonly place: Place;
}

export interface Statement {
  /** Never empty; the first is the keyword. */
  readonly words: readonly Word[];
  /** What was written, for a keyword that has quotes of its own. */
  readonly written?: Written;
  readonly body?: readonly Statement[];
}

/** `text` from `start` to `end`. */
export interface Written {
  readonly text: string;
  readonly start: number;
  end: number;
}

interface Draft {
  words: Word[];
  written?: Written;
  body?: Draft[];
}

interface Builder {
  readonly report: Report;
  /** The blocks that are open, outermost first; each has a body. The first is the file itself. */
  readonly open: Draft[];
  /** The statement that further words of the line belong to. */
  current: Draft | undefined;
}

/** Deeper than any block of keepalived's, and than anybody means. */
const MAX_DEPTH = 100;

/** The statements at the top, each as soon as it is complete: a large configuration is never held as words. */
export function* statements(lines: Iterable<Line>, report: Report): Generator<Statement> {
  const finished: Draft[] = [];
  const builder: Builder = { report, open: [{ words: [], body: finished }], current: undefined };
  for (const line of lines) {
    builder.current = undefined;
    readWords(line, builder);
    // The block of the last one may still follow.
    if (finished.length > 1) yield* finished.splice(0, finished.length - 1);
  }
  reportUnclosed(builder);
  yield* finished;
}

function readWords(line: Line, builder: Builder): void {
  const { text } = line;
  for (let at = skip(SPACE, text, 0); at < text.length && !builder.report.gaveUp; at = skip(SPACE, text, at)) {
    const place = placeAt(line, at);
    if (text[at] === '{') at = openBlock(builder, place, at);
    else if (text[at] === '}') at = closeBlock(builder, place, at);
    else at = readWord(text, at, place, builder);
  }
}

/** A block belongs to the keyword before it, on the same line or on an earlier one. */
function openBlock(builder: Builder, place: Place, at: number): number {
  const before = builder.current ?? builder.open.at(-1)?.body?.at(-1);
  const stray = before === undefined || before.body !== undefined;
  const owner = stray ? { words: [{ text: '', place }] } : before;
  if (stray) builder.report.error(place, "'{' without a keyword before it");
  if (builder.open.length > MAX_DEPTH) builder.report.giveUp(place, `blocks within blocks, more than ${MAX_DEPTH} deep`);
  builder.current = undefined;
  builder.open.push(Object.assign(owner, { body: [] }));
  return at + 1;
}

function closeBlock(builder: Builder, place: Place, at: number): number {
  builder.current = undefined;
  if (builder.open.length > 1) builder.open.pop();
  else builder.report.error(place, "'}' without a '{' before it");
  return at + 1;
}

function readWord(text: string, start: number, place: Place, builder: Builder): number {
  const end = skip(PLAIN, text, start);
  if (!endsWord(text, end)) return readMixedWord(text, start, place, builder);
  addWord(builder, { text: text.slice(start, end), place }, { text, start, end });
  return end;
}

/** A word with quotes or dollars in it. */
function readMixedWord(text: string, start: number, place: Place, builder: Builder): number {
  const pieces: string[] = [];
  let at = start;
  while (!endsWord(text, at)) {
    if (text[at] === '"') at = readQuoted(text, at, place, pieces, builder.report);
    else if (text[at] === '$') at = readDollar(text, at, place, pieces, builder.report);
    else at = take(text, at, skip(PLAIN, text, at), pieces);
  }
  addWord(builder, { text: pieces.join(''), place }, { text, start, end: at });
  return at;
}

function addWord(builder: Builder, word: Word, written: Written): void {
  const { current } = builder;
  if (current?.written !== undefined) current.written.end = written.end;
  if (current !== undefined) return void current.words.push(word);
  builder.current = { words: [word], written };
  builder.open.at(-1)?.body?.push(builder.current);
}

/** `${NAME}` is still here only because nothing defines it; its braces are no block. */
function readDollar(text: string, at: number, place: Place, pieces: string[], report: Report): number {
  const end = skip(REFERENCE, text, at);
  if (end === at) return take(text, at, Math.max(at + 1, skip(DOLLARS, text, at)), pieces);
  report.error(place, `${text.slice(at, end)} is not defined`, 'write $NAME=value on a line before it');
  return take(text, at, end, pieces);
}

function readQuoted(text: string, start: number, place: Place, pieces: string[], report: Report): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') {
    if (text[at] === '\\') at = readEscape(text, at, pieces);
    else at = take(text, at, skip(INSIDE_QUOTES, text, at), pieces);
  }
  if (at === text.length) report.error(place, 'this quoted string does not end on its line');
  return at + 1;
}

function readEscape(text: string, at: number, pieces: string[]): number {
  const end = skip(ESCAPE, text, at);
  const [, letter = ''] = text.slice(at, at + 2);
  const digits = text.slice(at + (letter === 'x' ? 2 : 1), end);
  if (/^[0-7]/.test(letter)) pieces.push(String.fromCharCode(Number.parseInt(digits, 8)));
  else if (letter === 'x' && digits !== '') pieces.push(String.fromCharCode(Number.parseInt(digits, 16) & 0xff));
  else if (letter === 'c') pieces.push(String.fromCharCode(text.charCodeAt(end - 1) & 0x1f));
  else pieces.push(ESCAPES[letter] ?? letter);
  return end;
}

/** What the shell's `$'…'` makes of a letter after a backslash. */
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  E: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const SPACE = /\s*/y;
const SEPARATOR = /[\s{}]/;
const PLAIN = /[^\s{}"$]*/y;
const INSIDE_QUOTES = /[^"\\]*/y;
const DOLLARS = /\$*(?!\{)/y;
const REFERENCE = /\$\{[^{}\s]*\}/y;
const ESCAPE = /\\(?:[0-7]{1,3}|x[0-9a-fA-F]*|c.|.)?/sy;

function endsWord(text: string, at: number): boolean {
  return at >= text.length || SEPARATOR.test(text[at] ?? '');
}

/** The end of what `pattern` matches at `at`; `at` itself when it does not match. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function take(text: string, from: number, to: number, pieces: string[]): number {
  pieces.push(text.slice(from, to));
  return to;
}

/** One finding, at the innermost open block: the brace that is missing is missing somewhere below it. */
function reportUnclosed({ open, report }: Builder): void {
  const innermost = open.length > 1 && !report.gaveUp ? open.at(-1)?.words[0] : undefined;
  if (innermost === undefined) return;
  const outer = open.length - 2;
  const others = outer === 0 ? '' : `, nor ${outer === 1 ? 'is the block' : `are the ${outer} blocks`} around it`;
  report.error(innermost.place, `the block of '${innermost.text}' is not closed${others}`, "a '}' is missing");
}
