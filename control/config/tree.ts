// Lines → words → statements: a keyword, what follows it on its line, and perhaps a block of further statements.

import type { Place } from './model.js';
import type { Report } from './report.js';
import { type Line, placeAt } from './source.js';
import { readWord, skip } from './words.js';

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
    else at = readOne(text, at, place, builder);
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

function readOne(text: string, start: number, place: Place, builder: Builder): number {
  const { text: word, end } = readWord(text, start, builder.current?.words[0]?.text, place, builder.report);
  addWord(builder, { text: word, place }, { text, start, end });
  return end;
}

function addWord(builder: Builder, word: Word, written: Written): void {
  const { current } = builder;
  if (current?.written !== undefined) current.written.end = written.end;
  if (current !== undefined) return void current.words.push(word);
  builder.current = { words: [word], written };
  builder.open.at(-1)?.body?.push(builder.current);
}

const SPACE = /\s*/y;

/** One finding, at the innermost open block: the brace that is missing is missing somewhere below it. */
function reportUnclosed({ open, report }: Builder): void {
  const innermost = open.length > 1 && !report.gaveUp ? open.at(-1)?.words[0] : undefined;
  if (innermost === undefined) return;
  const outer = open.length - 2;
  const others = outer === 0 ? '' : `, nor ${outer === 1 ? 'is the block' : `are the ${outer} blocks`} around it`;
  report.error(innermost.place, `the block of '${innermost.text}' is not closed${others}`, "a '}' is missing");
}
