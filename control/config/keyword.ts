// What a keyword is, the one loop that reads a block by its table of keywords, and how a keyword reads the words after it.

import { type Address, parseAddress, parseEndpoint } from './address.js';
import type { KernelNames, NameKind } from './kernel-names.js';
import type { Place, Script } from './model.js';
import { nearest } from './nearest.js';
import type { Report } from './report.js';
import type { Statement, Word } from './tree.js';
import type { Users } from './users.js';

/** Fields a keyword sets in a block that is being read. Lists grow by what is given, everything else is replaced. */
export type Patch<Draft> = { readonly [Field in keyof Draft]?: Draft[Field] };

export interface Keyword<Draft> {
  readonly name: string;
  /** What stands after it. */
  readonly takes: string;
  /** Absent: keepalived knows it and natlb does not honour it yet, which is a warning. */
  readonly set?: (arg: Arguments) => Patch<Draft>;
  /** The keywords of its block while it is not honoured, so that a mistyped one is still found. */
  readonly contents?: Block<Placed>;
  /** What happens as long as it is not honoured, where that is worth knowing. */
  readonly without?: string;
  /** It is read, and nothing is done: why not, in one line. */
  readonly happens?: string;
  /** The name its place is kept under, when keepalived has two for one thing. */
  readonly alias?: string;
  /** keepalived runs a program for it. */
  readonly script?: true;
  /** A second one in the same block is an error; the first counts. */
  readonly once?: true;
}

export interface Block<Draft> {
  readonly name: string;
  readonly keywords: ReadonlyMap<string, Keyword<Draft>>;
}

export interface Placed {
  readonly places: Record<string, Place>;
}

/** What reading a configuration accumulates besides its value. */
export interface Context {
  readonly report: Report;
  /** Keywords that change nothing: the first place of each, and how often it stands there. */
  readonly unhonoured: Map<Keyword<unknown>, { readonly place: Place; count: number }>;
  /** All that is to be run; what becomes of each is settled once everything is read. */
  readonly programs: Script[];
  readonly users: Users;
  /** What a value that stands in a file of its own is read with. */
  readonly readFile: (file: string) => string | Error;
  /** The blocks a keyword is known in. */
  readonly blocksOf: (keyword: string) => readonly string[];
  readonly kernelNames: KernelNames;
  /** What the next rule without a priority gets, by family. */
  readonly rulePriorities: Record<4 | 6, number>;
  /** How many hints may still be looked for: a hint costs a comparison with every keyword. */
  hints: number;
}

export function block<Draft>(name: string, keywords: readonly Keyword<Draft>[]): Block<Draft> {
  return { name, keywords: new Map(keywords.map((keyword) => [keyword.name, keyword])) };
}

/** Reads `statements` into `draft`, which it returns; whatever is wrong is reported, and that statement left out. */
export function readBlock<Draft extends Placed>(
  draft: Draft,
  { name, keywords }: Block<Draft>,
  statements: Iterable<Statement>,
  context: Context,
): Draft {
  for (const statement of statements) {
    const [word] = statement.words;
    const keyword = word && keywords.get(word.text);
    if (keyword !== undefined) readStatement(draft, keyword, statement, context);
    else if (word !== undefined && word.text !== '') reportUnknown(word, name, keywords.keys(), context);
  }
  return draft;
}

/** The warnings that are given once for a keyword, however often it stands there. */
export function reportUnhonoured({ unhonoured, report }: Context): void {
  for (const [{ name, without, happens }, { place, count }] of unhonoured) {
    const times = count === 1 ? '' : ` (${count} times in this configuration)`;
    if (happens !== undefined) report.warning(place, `'${name}' changes nothing${times}: ${happens}`);
    else report.warning(place, `'${name}' is not honoured yet${times}${without === undefined ? '' : `: ${without}`}`);
  }
}

function readStatement<Draft extends Placed>(draft: Draft, keyword: Keyword<Draft>, statement: Statement, context: Context): void {
  const arg = new Arguments(statement, context);
  const { set } = keyword;
  if (keyword.once && reportRepeated(draft, arg)) return;
  if (set === undefined) readUnhonoured(keyword, statement, context);
  else draft.places[keyword.alias ?? keyword.name] = arg.valuePlace;
  if (keyword.happens !== undefined) note(keyword, arg.place, context);
  const patch = set && attempt(context.report, () => set(arg));
  if (patch === undefined) return;
  merge(draft, patch);
  arg.end();
}

function reportRepeated({ places }: Placed, arg: Arguments): boolean {
  const { text: name } = arg.keyword;
  const first = places[name];
  if (first !== undefined)
    arg.errorAt(arg.place, `'${name}' stands here already`, `the other one stands in ${first.file}, line ${first.line}, and counts`);
  return first !== undefined;
}

/** What `read` returns; nothing when it was refused, which is reported. */
function attempt<Value>(report: Report, read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    report.error(error.place, error.message, error.hint);
    return undefined;
  }
}

function merge<Draft>(draft: Draft, patch: Patch<Draft>): void {
  const fields = draft as Record<string, unknown>;
  for (const [field, given] of Object.entries(patch)) {
    const held = fields[field];
    if (Array.isArray(held) && Array.isArray(given)) for (const item of given) held.push(item);
    else fields[field] = given;
  }
}

function note(keyword: Keyword<unknown>, place: Place, { unhonoured }: Context): void {
  const noted = unhonoured.get(keyword);
  if (noted !== undefined) noted.count += 1;
  else unhonoured.set(keyword, { place, count: 1 });
}

function readUnhonoured(keyword: Keyword<unknown>, { words, body }: Statement, context: Context): void {
  if (words[0] !== undefined) note(keyword, words[0].place, context);
  // What is in it is not honoured either; saying so once is enough.
  if (keyword.contents !== undefined && body !== undefined)
    readBlock({ places: {} }, keyword.contents, body, { ...context, unhonoured: new Map() });
}

function reportUnknown({ text, place }: Word, blockName: string, known: Iterable<string>, context: Context): void {
  context.report.error(place, `unknown keyword '${shown(text)}' in ${blockName}`, hintFor(text, known, context));
}

function hintFor(word: string, known: Iterable<string>, context: Context): string | undefined {
  if (context.hints <= 0) return undefined;
  context.hints -= 1;
  const elsewhere = context.blocksOf(word);
  if (elsewhere.length > 0) return `'${word}' belongs in ${elsewhere.join(' or ')}`;
  const meant = nearest(word, known);
  return meant === undefined ? undefined : `did you mean '${meant}'?`;
}

/** A word that is not what its keyword takes. The loop that reads blocks turns it into a finding. */
class Refusal extends Error {
  constructor(
    readonly place: Place,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['true', true],
  ['yes', true],
  ['off', false],
  ['false', false],
  ['no', false],
]);

const STRICT_HEADS = ['vrrp_instance', 'vrrp_sync_group'];

export class Arguments {
  readonly keyword: Word;
  private next = 1;
  private last: Word;
  private bodyRead = false;
  private linesRead = false;

  constructor(
    private readonly statement: Statement,
    private readonly context: Context,
  ) {
    this.keyword = statement.words[0] ?? { text: '', place: { file: '', line: 1, column: 1 } };
    this.last = this.keyword;
  }

  /** Where the keyword stands. */
  get place(): Place {
    return this.keyword.place;
  }

  /** Where its first argument stands, or it itself when it has none. */
  get valuePlace(): Place {
    return this.statement.words[1]?.place ?? this.place;
  }

  more(): boolean {
    return this.next < this.statement.words.length;
  }

  word(expected: string): string {
    const word = this.statement.words[this.next];
    if (word === undefined) return this.refuse(`'${this.keyword.text}' needs ${expected}`);
    this.next += 1;
    this.last = word;
    return word.text;
  }

  /** Takes the last word for unread: it belongs to what comes next. */
  back(): void {
    this.next -= 1;
  }

  /** The word that was read last. */
  written(): string {
    return this.last.text;
  }

  /** The next word, which is not taken; undefined: there is none. */
  peek(): string | undefined {
    return this.statement.words[this.next]?.text;
  }

  /** Leaves out the rest of the words. */
  skip(): void {
    this.next = this.statement.words.length;
  }

  /** All words after the keyword, as they are written. */
  text(): string {
    return this.statement.words
      .slice(1)
      .map(({ text }) => text)
      .join(' ');
  }

  /** A number, or a name iproute2's files have for one. */
  kernelNumber(kind: NameKind, expected: string): number {
    return this.toKernelNumber(kind, this.word(expected), expected);
  }

  toKernelNumber(kind: NameKind, text: string, expected: string): number {
    return this.context.kernelNames(kind, text) ?? this.refuse(`expected ${expected}, found '${shown(text)}'`);
  }

  nextRulePriority(family: 4 | 6): number {
    return this.context.rulePriorities[family]--;
  }

  integer(from: number, to: number): number {
    return this.toInteger(this.word(`a whole number from ${from} to ${to}`), from, to);
  }

  /** The last word, or a part of it, as a number. */
  toInteger(text: string, from: number, to: number): number {
    const expected = `a whole number from ${from} to ${to}`;
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= from && value <= to ? value : this.refuse(`expected ${expected}, found '${shown(text)}'`);
  }

  /** Seconds with a fraction, down to microseconds, as milliseconds. */
  seconds(from: number, to: number): number {
    const expected = `seconds from ${from} to ${to}`;
    const text = this.word(expected);
    const value = /^(?:\d+\.?\d*|\.\d+)$/.test(text) ? Math.round(Number(text) * 1e6) / 1e6 : Number.NaN;
    if (/\.\d{7}/.test(text) && value >= from && value <= to) this.modified('timers have microseconds: six digits behind the point count');
    return value >= from && value <= to ? Math.round(value * 1e6) / 1e3 : this.refuse(`expected ${expected}, found '${shown(text)}'`);
  }

  /** A flag may say what it is; alone it is true. */
  flag(): boolean {
    return this.more() ? this.oneOf(BOOLEANS) : true;
  }

  oneOf<Value>(values: ReadonlyMap<string, Value>): Value {
    const expected = `one of ${[...values.keys()].join(', ')}`;
    const text = this.word(expected);
    const value = values.get(text);
    if (value !== undefined) return value;
    const meant = nearest(text, values.keys());
    return this.refuse(`expected ${expected}, found '${shown(text)}'`, meant && `did you mean '${meant}'?`);
  }

  address(): Address {
    return this.toAddress(this.word('an IP address'));
  }

  /** The last word, or a part of it, as an address. */
  toAddress(text: string): Address {
    return parseAddress(text) ?? this.refuse(`expected an IP address, found '${shown(text)}'`);
  }

  endpoint(): { readonly address: string; readonly port: number } {
    const text = this.word('ADDRESS:PORT');
    const endpoint = parseEndpoint(text);
    if (endpoint === undefined)
      return this.refuse(`expected ADDRESS:PORT, found '${shown(text)}'`, 'write an IPv6 address as [ADDRESS]:PORT');
    return { address: endpoint.address.text, port: endpoint.port };
  }

  port(): number {
    return this.integer(1, 65535);
  }

  rest(expected: string): readonly string[] {
    const words = [this.word(expected)];
    while (this.more()) words.push(this.word(expected));
    return words;
  }

  /** All that stands after the keyword, as it was written. */
  line(expected: string): string {
    const { words, written } = this.statement;
    if (words.length < 2 || written === undefined) return this.word(expected);
    this.next = words.length;
    return written.text.slice(written.start, written.end).replace(/^\S+\s*/, '');
  }

  get users(): Users {
    return this.context.users;
  }

  addScript(script: Script): Script {
    this.context.programs.push(script);
    return script;
  }

  /** What stands in a file that the configuration names. */
  fileText(file: string): string {
    const text = this.context.readFile(file);
    return typeof text === 'string' ? text : this.refuse(`cannot read ${file}: ${text.message}`);
  }

  hasBlock(): boolean {
    return this.statement.body !== undefined;
  }

  /** The block after the keyword, read by a table of its own. */
  block<Draft extends Placed>(table: Block<Draft>, draft: Draft): Draft {
    return readBlock(draft, table, this.body(), this.context);
  }

  /** The lines of a block that holds values instead of keywords; a bad line costs only itself. */
  lines<Value>(read: (line: Arguments) => Value): Value[] {
    this.linesRead = true;
    return this.body().flatMap((statement) => {
      // In such a line the first word is a value already, so the arguments start there.
      const words = [this.keyword, ...statement.words];
      const line = new Arguments(statement.body === undefined ? { words } : { words, body: statement.body }, this.context);
      const value = attempt(this.context.report, () => read(line));
      if (value === undefined) return [];
      line.end();
      return [value];
    });
  }

  /** Reads on after a refusal, so that what is wrong in the block is reported too. */
  attempt<Value>(read: () => Value): Value | undefined {
    const value = attempt(this.context.report, read);
    if (value === undefined) this.next = this.statement.words.length;
    return value;
  }

  /** Whatever stands here beyond what was read is reported. */
  end(): void {
    const extra = this.statement.words[this.next];
    if (extra !== undefined) this.extra(extra);
    if (this.statement.body !== undefined && !this.bodyRead)
      this.context.report.error(this.last.place, `'${this.keyword.text}' takes no block here`);
  }

  /** keepalived passes over words it does not read, but complains in front of some blocks. */
  private extra({ place, text }: Word): void {
    const message = `'${shown(text)}' is one word too many for '${this.keyword.text}' and is ignored`;
    if (this.linesRead || STRICT_HEADS.includes(this.keyword.text)) this.context.report.modified(place, message);
    else this.context.report.warning(place, message);
  }

  warn(message: string, hint?: string): void {
    this.context.report.warning(this.last.place, message, hint);
  }

  /** A warning that `natlb check` counts as an error, as keepalived does. */
  modified(message: string, hint?: string): void {
    this.context.report.modified(this.last.place, message, hint);
  }

  error(message: string, hint?: string): void {
    this.context.report.error(this.last.place, message, hint);
  }

  errorAt(place: Place, message: string, hint?: string): void {
    this.context.report.error(place, message, hint);
  }

  refuse(message: string, hint?: string): never {
    throw new Refusal(this.last.place, message, hint);
  }

  private body(): readonly Statement[] {
    this.bodyRead = true;
    return this.statement.body ?? this.refuse(`'${this.keyword.text}' needs a block`, "write '{' after it");
  }
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
