// Text → lines to read: include files, `@config-id` conditions and `$NAME` definitions resolved, before any keyword is looked at.

import { builtins, randomNumbers, type Surroundings, seedOf } from './builtins.js';
import { cut, type Definitions, definitionIn, splice, substitute } from './definitions.js';
import { type Include, type Inclusion, include, includeCheck, unmatched } from './include.js';
import type { Place } from './model.js';
import { directoryOf, hasWildcard, resolvePath } from './path.js';
import type { Report } from './report.js';
import { sequenceIn } from './sequence.js';
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

export interface ExpandOptions {
  /** What `@id` lines are compared with. */
  readonly configId: string;
  readonly environment?: Surroundings['environment'];
  /** What relative paths are relative to. */
  readonly workingDirectory?: string;
  /** What ${_RANDOM} is the same for, unless there is a random_seed. */
  readonly machine?: string;
}

/** Of all files together. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
const MAX_EXPANSIONS = 1_500_000;
const MAX_DEPTH = 32;
const CONDITION = /^(\s*)@(\^?)([^ \t]*)[ \t]*/;
const SEED = /^\s*random_seed\s+(\d+)\s*$/;
// Text has no control characters but white space; binary files have many.
const BINARY = /(?![\t\n\v\f\r\u0085])\p{Cc}/u;

interface State {
  readonly files: Files;
  readonly report: Report;
  readonly configId: string;
  readonly definitions: Definitions;
  readonly read: Set<string>;
  readonly open: string[];
  /** What is asked of included files, as include_check said. */
  inclusion: Inclusion;
  random: () => number;
  expansions: number;
  characters: number;
}

export function expand(file: string, files: Files, options: ExpandOptions, report: Report): Expansion {
  const { configId, environment = {}, workingDirectory = '.', machine = configId } = options;
  const surroundings: Surroundings = {
    configId,
    environment,
    random: () => state.random(),
    directory: () => resolvePath(workingDirectory, directoryOf(state.open.at(-1) ?? file)),
  };
  const state: State = {
    files,
    report,
    configId,
    definitions: new Map(builtins(surroundings)),
    read: new Set(),
    open: [],
    inclusion: new Set(),
    random: randomNumbers(seedOf(machine)),
    expansions: 0,
    characters: 0,
  };
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
  const { inclusion } = state;
  state.open.push(file);
  for (const line of logicalLines(file, text.charCodeAt(0) === 0xfeff ? ` ${text.slice(1)}` : text)) {
    if (state.report.gaveUp) break;
    if (isPlain(line.text)) yield line;
    else yield* readLine(state, line, 0);
  }
  state.open.pop();
  state.inclusion = inclusion;
}

/** Nearly every line is, and there can be a million of them. */
function isPlain(text: string): boolean {
  return !/[$@~]|include|random_seed/.test(text);
}

/** A line may be conditional, define something, include files, or stand for several lines. */
function* readLine(state: State, line: Line, depth: number): Generator<Line> {
  const selected = conditional(state, line);
  if (selected === undefined || selected.text.trim() === '' || state.report.gaveUp) return;
  const defined = definitionIn(selected);
  if (defined !== undefined) return void state.definitions.set(defined.name, defined.definition);
  if (/^\s*~(?:SEQ|LST)/.test(selected.text)) return yield* repeated(state, selected, depth);
  const expanded = substitute(selected, state.definitions, state.report);
  if (expanded === selected) return yield* understood(state, selected, depth);
  for (const part of 'text' in expanded ? [expanded] : expanded) {
    if (!mayExpand(state, part, depth)) return;
    if (isPlain(part.text)) yield part;
    else yield* readLine(state, part, depth + 1);
  }
}

const TOO_MUCH = 'the definitions stand for far too much text';

/** A small file that stands for a huge one must end with a message instead of with the memory. */
function mayExpand(state: State, line: Line, depth: number): boolean {
  state.expansions += 1;
  state.characters += line.text.length;
  if (state.expansions > MAX_EXPANSIONS || state.characters > MAX_CHARACTERS)
    state.report.giveUp(line.usedAt ?? placeAt(line, 0), TOO_MUCH);
  if (depth > MAX_DEPTH) state.report.error(line.usedAt ?? placeAt(line, 0), `definitions within definitions, more than ${MAX_DEPTH} deep`);
  return depth <= MAX_DEPTH && !state.report.gaveUp;
}

/** The line without its `@id`, or nothing when it is meant for another machine. */
function conditional(state: State, line: Line): Line | undefined {
  const match = line.text.includes('@') ? CONDITION.exec(line.text) : null;
  if (match === null) return line;
  const [all = '', space = '', not, id = ''] = match;
  if (id === '')
    state.report.warning(placeAt(line, space.length), "'@' without a config-id is for no machine", 'write @ID LINE or @^ID LINE');
  if ((id === state.configId) === (not === '^')) return undefined;
  return splice(line, [{ from: 0, to: all.length, text: '' }]);
}

/** `~SEQ` and `~LST`. What is between the parentheses may be defined, too. */
function* repeated(state: State, line: Line, depth: number): Generator<Line> {
  const place = placeAt(line, line.text.indexOf('~'));
  const close = line.text.indexOf(')') + 1 || line.text.length;
  const head = substitute(cut(line, 0, close), state.definitions, state.report);
  const sequence = 'text' in head ? sequenceIn(head.text) : { problem: 'a block of lines cannot stand here' };
  if (sequence === undefined || 'problem' in sequence) return state.report.error(place, sequence?.problem ?? 'expected ~SEQ or ~LST');
  const rest = cut(line, close);
  if (state.expansions + sequence.count > MAX_EXPANSIONS) return state.report.giveUp(place, TOO_MUCH);
  for (let index = 0; index < sequence.count; index += 1) {
    const values = sequence.values(index);
    for (const [at, name] of sequence.names.entries()) state.definitions.set(name, { kind: 'text', text: values[at] ?? '' });
    if (!mayExpand(state, rest, depth)) return;
    if (isPlain(rest.text)) yield rest;
    else yield* readLine(state, rest, depth + 1);
  }
}

/** Nothing is left to replace. Behind a brace a new line may start, with all that a line can start with. */
function* understood(state: State, line: Line, depth: number): Generator<Line> {
  const inclusion = include(line.text);
  if (inclusion !== undefined) return yield* included(state, line, inclusion);
  const [, seed] = SEED.exec(line.text) ?? [];
  if (seed !== undefined) state.random = randomNumbers(Number(seed));
  state.inclusion = includeCheck(line.text, state.inclusion);
  const next = lineWithin(line.text);
  if (next === -1) return yield line;
  yield cut(line, 0, next);
  if (mayExpand(state, line, depth)) yield* readLine(state, cut(line, next), depth + 1);
}

const WITHIN = /"[^"]*"|[{}][ \t]*(?=@|~SEQ|~LST|\$[A-Za-z_]\w*=|include[rmwba]?[ \t])/g;

/** Where, behind a brace outside of quotes, something starts that only the start of a line can be; -1 if nowhere. */
function lineWithin(text: string): number {
  for (const match of text.matchAll(WITHIN)) if (!match[0].startsWith('"')) return match.index + match[0].length;
  return -1;
}

/** keepalived lets a plain `include` miss its files; a missing file changes what is served, so only a pattern may match nothing. */
function* included(state: State, line: Line, { pattern: written, offset, checks }: Include): Generator<Line> {
  const place = placeAt(line, offset);
  const pattern = resolvePath(directoryOf(line.file), written);
  const found = hasWildcard(pattern) ? state.files.glob(pattern) : [pattern];
  for (const message of missing(state, pattern, found)) {
    const strict = [...checks, ...state.inclusion].some((check) => check === message.check);
    state.report.add({ severity: strict ? 'error' : 'warning', place, message: message.text });
  }
  for (const file of found) yield* includedFile(state, file, place);
}

function missing({ files }: State, pattern: string, found: readonly string[]): { readonly check: string; readonly text: string }[] {
  const text = (missed: string): string => `no file matches ${missed}`;
  if (found.length > 0 && !pattern.includes('{')) return [];
  if (!pattern.includes('{')) return [{ check: 'wildcard_match', text: text(pattern) }];
  return unmatched(pattern, files.glob).map((missed) => ({ check: 'brace_match', text: text(missed) }));
}

function* includedFile(state: State, file: string, place: Place): Generator<Line> {
  const loop = state.open.indexOf(file);
  if (loop !== -1) return state.report.error(place, `include loop: ${[...state.open.slice(loop), file].join(' → ')}`);
  if (state.open.length > MAX_DEPTH) return state.report.error(place, `includes more than ${MAX_DEPTH} deep`);
  const text = readText(state, file);
  if (typeof text === 'string') yield* linesOf(state, file, text);
  else state.report.error(text.place ?? place, text.message);
}

function placeIn(file: string, text: string, offset: number): Place {
  const before = text.slice(0, offset);
  return { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
