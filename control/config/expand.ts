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
  readonly lines: readonly Line[];
  /** Every file that was read, in the order of reading. */
  readonly files: readonly string[];
  /** False when what remains cannot stand for the configuration: it could not be read, or not to the end. */
  readonly complete: boolean;
}

/** Lines read and expansions made, together. */
const MAX_STEPS = 1_000_000;
const MAX_CHARACTERS = 64 * 1024 * 1024;
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
  readonly lines: Line[];
  readonly read: Set<string>;
  readonly open: string[];
  steps: number;
  characters: number;
  complete: boolean;
}

export function expand(file: string, files: Files, configId: string, report: Report): Expansion {
  const definitions: Definitions = new Map([
    ['_INSTANCE', configId],
    ['_HASH', '#'],
    ['_BANG', '!'],
  ]);
  const state: State = {
    files,
    report,
    configId,
    definitions,
    lines: [],
    read: new Set(),
    open: [],
    steps: 0,
    characters: 0,
    complete: true,
  };
  state.complete = readInto(state, file, { file, line: 1, column: 1 }) && state.complete;
  return { lines: state.lines, files: [file, ...state.read], complete: state.complete };
}

/** False when the file could not be read; the reason is reported at `asked`. */
function readInto(state: State, file: string, asked: Place): boolean {
  const text = state.files.readFile(file);
  if (text instanceof Error) return refuse(state, asked, `cannot read ${file}: ${text.message}`);
  state.read.add(file);
  const binary = text.search(BINARY);
  if (binary !== -1)
    return refuse(state, placeIn(file, text, binary), 'this is not a text file', 'a configuration has no control characters');
  state.open.push(file);
  for (const line of logicalLines(file, text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)) {
    if (!state.complete) break;
    state.definitions.set('_PWD', directoryOf(file));
    readLine(state, line, 0);
  }
  state.open.pop();
  return true;
}

function refuse(state: State, place: Place, message: string, hint?: string): false {
  state.report.error(place, message, hint);
  return false;
}

/** A line may be conditional, define something, include files, or stand for several lines. */
function readLine(state: State, line: Line, depth: number): void {
  const selected = conditional(state, line);
  if (selected === undefined || selected.text.trim() === '') return;
  if (depth > MAX_DEPTH) return void refuse(state, placeAt(line, 0), `definitions within definitions, more than ${MAX_DEPTH} deep`);
  const definition = definitionIn(selected.text);
  if (definition !== undefined) return void state.definitions.set(definition.name, definition.value);
  const expanded = substitute(selected, state.definitions, state.report);
  if (expanded === selected) emit(state, selected);
  else if (spend(state, expanded)) for (const part of splitLines(expanded)) readLine(state, part, depth + 1);
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

function emit(state: State, line: Line): void {
  const include = INCLUDE.exec(line.text);
  if (include !== null) includeFiles(state, line, include);
  else if (spend(state, line)) state.lines.push(line);
}

/** Every line costs; a small file that expands to a huge one must end with a message instead of with the memory. */
function spend(state: State, line: Line): boolean {
  state.characters += line.text.length;
  state.steps += 1;
  if (state.steps <= MAX_STEPS && state.characters <= MAX_CHARACTERS) return true;
  if (state.complete) state.report.error(placeAt(line, 0), `the configuration is too large: more than ${MAX_STEPS} lines up to here`);
  state.complete = false;
  return false;
}

/** keepalived lets a plain `include` miss its files; a missing file changes what is served, so only a pattern may match nothing. */
function includeFiles(state: State, line: Line, [, space = '', variant = '', written = '']: RegExpExecArray): void {
  const place = placeAt(line, line.text.indexOf(written, space.length + 'include'.length + variant.length));
  const pattern = resolvePath(directoryOf(line.file), written.trim().replace(/^"(.*)"$/, '$1'));
  const found = hasWildcard(pattern) ? state.files.glob(pattern) : [pattern];
  const strict = variant !== '' && variant !== 'r';
  if (found.length === 0) state.report.add({ severity: strict ? 'error' : 'warning', place, message: `no file matches ${pattern}` });
  for (const file of found) includeFile(state, file, place);
}

function includeFile(state: State, file: string, place: Place): void {
  const loop = state.open.indexOf(file);
  if (loop !== -1) return void refuse(state, place, `include loop: ${[...state.open.slice(loop), file].join(' → ')}`);
  if (state.open.length > MAX_DEPTH) return void refuse(state, place, `includes more than ${MAX_DEPTH} deep`);
  readInto(state, file, place);
}

function splitLines(line: Line): Line[] {
  if (!line.text.includes('\n')) return [line];
  let offset = 0;
  return line.text.split('\n').map((text) => {
    const { line: at, column } = placeAt(line, offset);
    offset += text.length + 1;
    return { file: line.file, text, spans: [{ offset: 0, line: at, column, fixed: true }] };
  });
}

function placeIn(file: string, text: string, offset: number): Place {
  const before = text.slice(0, offset);
  return { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
