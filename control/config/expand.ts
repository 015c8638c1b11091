// Text → lines to read: include files, `@config-id` conditions and `$NAME` definitions resolved, before any keyword is looked at.

import { type Definitions, definitionIn, splice, substitute } from './definitions.js';
import type { Place } from './model.js';
import { directoryOf, hasWildcard, resolvePath } from './path.js';
import type { Report } from './report.js';
import { type Line, logicalLines, placeAt } from './source.js';

/** How the configuration reaches the files it names. */
export interface Files {
  readonly readFile: (path: string) => string | Error;
  /** Existing files that match a pattern, sorted. */
  readonly glob: (pattern: string) => readonly string[];
}

export interface Expansion {
  /** Read on demand: files are read as the lines are taken. */
  readonly lines: Iterable<Line>;
  /** Every file that was read so far, in the order of reading. */
  readonly files: ReadonlySet<string>;
}

/** Of all files together. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
const MAX_EXPANSIONS = 500_000;
const MAX_DEPTH = 32;
const INCLUDE = /^(\s*)include([rmwba]?)\s+(\S.*)$/;
const CONDITION = /^(\s*)@(\^?)(\S*)/;
// Text has no control characters but white space; binary files have many.
const BINARY = /(?![\t\n\v\f\r\u0085])\p{Cc}/u;

interface State {
  readonly files: Files;
  readonly report: Report;
  readonly configId: string;
  readonly definitions: Definitions;
  readonly read: Set<string>;
  readonly open: string[];
  expansions: number;
  characters: number;
}

export function expand(file: string, files: Files, configId: string, report: Report): Expansion {
  const definitions: Definitions = new Map([
    ['_INSTANCE', configId],
    ['_HASH', '#'],
    ['_BANG', '!'],
  ]);
  const state: State = { files, report, configId, definitions, read: new Set(), open: [], expansions: 0, characters: 0 };
  return { lines: mainFile(state, file), files: state.read };
}

/** Without an included file there is less; without the main file there is nothing. */
function* mainFile(state: State, file: string): Generator<Line> {
  const text = readText(state, file);
  if (typeof text === 'string') yield* linesOf(state, file, text);
  else state.report.giveUp(text.place ?? { file, line: 1, column: 1 }, text.message);
}

interface Unreadable {
  readonly message: string;
  /** In the file itself, if it is there that it goes wrong. */
  readonly place?: Place;
}

function readText(state: State, file: string): string | Unreadable {
  const text = state.files.readFile(file);
  if (text instanceof Error) return { message: `cannot read ${file}: ${text.message}` };
  state.read.add(file);
  state.characters += text.length;
  if (state.characters > MAX_CHARACTERS) return { message: `more than ${MAX_CHARACTERS} characters up to here` };
  const binary = text.search(BINARY);
  return binary === -1 ? text : { message: `${file} is not a text file`, place: placeIn(file, text, binary) };
}

function* linesOf(state: State, file: string, text: string): Generator<Line> {
  state.open.push(file);
  const directory = directoryOf(file);
  for (const line of logicalLines(file, text.charCodeAt(0) === 0xfeff ? ` ${text.slice(1)}` : text)) {
    if (state.report.gaveUp) break;
    if (isPlain(line.text)) {
      yield line;
    } else {
      state.definitions.set('_PWD', directory);
      yield* readLine(state, line, 0);
    }
  }
  state.open.pop();
}

/** Nearly every line is, and there can be a million of them. */
function isPlain(text: string): boolean {
  return !text.includes('$') && !text.includes('@') && !text.includes('include');
}

/** A line may be conditional, define something, include files, or stand for several lines. */
function* readLine(state: State, line: Line, depth: number): Generator<Line> {
  const selected = conditional(state, line);
  if (selected === undefined || state.report.gaveUp) return;
  const definition = definitionIn(selected.text);
  const expanded = definition === undefined ? substitute(selected, state.definitions, state.report) : selected;
  if (definition !== undefined) state.definitions.set(definition.name, definition.value);
  else if (expanded === selected) yield* included(state, selected);
  else if (mayExpand(state, expanded, depth)) for (const part of splitLines(expanded)) yield* readLine(state, part, depth + 1);
}

/** A small file that stands for a huge one must end with a message instead of with the memory. */
function mayExpand(state: State, line: Line, depth: number): boolean {
  state.expansions += 1;
  state.characters += line.text.length;
  const place = placeAt(line, 0);
  if (state.expansions > MAX_EXPANSIONS || state.characters > MAX_CHARACTERS)
    state.report.giveUp(place, 'the definitions stand for far too much text');
  if (depth > MAX_DEPTH) state.report.error(place, `definitions within definitions, more than ${MAX_DEPTH} deep`);
  return depth <= MAX_DEPTH && !state.report.gaveUp;
}

/** The line without its `@id`, or nothing when it is meant for another machine. */
function conditional(state: State, line: Line): Line | undefined {
  const match = CONDITION.exec(line.text);
  if (match === null) return line;
  const [all = '', space = '', not, id = ''] = match;
  if (id === '') state.report.error(placeAt(line, space.length), "'@' without a config-id", 'write @ID LINE or @^ID LINE');
  if ((id === state.configId) === (not === '^')) return undefined;
  return splice(line, [{ from: 0, to: all.length, text: '' }]);
}

/** keepalived lets a plain `include` miss its files; a missing file changes what is served, so only a pattern may match nothing. */
function* included(state: State, line: Line): Generator<Line> {
  const include = INCLUDE.exec(line.text);
  if (include === null) return yield line;
  const [, space = '', variant = '', written = ''] = include;
  const place = placeAt(line, line.text.indexOf(written, space.length + 'include'.length + variant.length));
  const pattern = resolvePath(directoryOf(line.file), written.trim().replace(/^"(.*)"$/, '$1'));
  const found = hasWildcard(pattern) ? state.files.glob(pattern) : [pattern];
  const strict = variant !== '' && variant !== 'r';
  if (found.length === 0) state.report.add({ severity: strict ? 'error' : 'warning', place, message: `no file matches ${pattern}` });
  for (const file of found) yield* includedFile(state, file, place);
}

function* includedFile(state: State, file: string, place: Place): Generator<Line> {
  const loop = state.open.indexOf(file);
  if (loop !== -1) return state.report.error(place, `include loop: ${[...state.open.slice(loop), file].join(' → ')}`);
  if (state.open.length > MAX_DEPTH) return state.report.error(place, `includes more than ${MAX_DEPTH} deep`);
  const text = readText(state, file);
  if (typeof text === 'string') yield* linesOf(state, file, text);
  else state.report.error(text.place ?? place, text.message);
}

function splitLines(line: Line): Line[] {
  if (!line.text.includes('\n')) return [line];
  let offset = 0;
  return line.text.split('\n').map((text) => {
    const { line: at, column } = placeAt(line, offset);
    offset += text.length + 1;
    return { file: line.file, text, line: at, spans: [{ offset: 0, line: at, column, fixed: true }] };
  });
}

function placeIn(file: string, text: string, offset: number): Place {
  const before = text.slice(0, offset);
  return { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
