// Reads options as getopt_long(3) does, which keepalived's users are used to: -Dl, -fFILE, --use-file=FILE, --use FILE, -t[FILE].

import { UsageError } from './args.js';

export type Takes = 'nothing' | 'value' | 'perhaps';

export interface Option {
  readonly long: string;
  readonly short?: string;
  readonly takes: Takes;
}

export interface Given<Row extends Option> {
  readonly option: Row;
  /** As it was typed. */
  readonly written: string;
  readonly value?: string;
}

/** Words that are no options are refused: keepalived's command line has none. */
export function givenOptions<Row extends Option>(args: readonly string[], table: readonly Row[]): Given<Row>[] {
  const given: Given<Row>[] = [];
  for (let at = 0; at < args.length; ) {
    const word = args[at] ?? '';
    const next = args[at + 1];
    if (!word.startsWith('-') || word === '-') throw new UsageError(`Unexpected argument '${word}'`);
    const found = word.startsWith('--') ? [longOption(word, next, table)] : shortOptions(word, next, table);
    for (const one of found) given.push(one.given);
    at += found.some(({ tookNext }) => tookNext) ? 2 : 1;
  }
  return given;
}

interface Found<Row extends Option> {
  readonly given: Given<Row>;
  readonly tookNext: boolean;
}

function longOption<Row extends Option>(word: string, next: string | undefined, table: readonly Row[]): Found<Row> {
  const equals = word.indexOf('=');
  const written = equals === -1 ? word : word.slice(0, equals);
  const option = named(written, table);
  if (equals === -1) return withNext(option, written, next);
  if (option.takes === 'nothing') throw new UsageError(`Option '${written}' does not take an argument`);
  return { given: { option, written, value: word.slice(equals + 1) }, tookNext: false };
}

/** A beginning is enough when only one option begins so. */
function named<Row extends Option>(written: string, table: readonly Row[]): Row {
  const name = written.slice(2);
  const exact = table.find(({ long }) => long === name);
  if (exact !== undefined) return exact;
  const [only, ...others] = name === '' ? [] : table.filter(({ long }) => long.startsWith(name));
  if (only === undefined) throw new UsageError(`Unknown option '${written}'`);
  if (others.length > 0) throw new UsageError(`Option '${written}' could be --${[only, ...others].map(({ long }) => long).join(', --')}`);
  return only;
}

function shortOptions<Row extends Option>(word: string, next: string | undefined, table: readonly Row[]): Found<Row>[] {
  const found: Found<Row>[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? '';
    const option = table.find(({ short }) => short === letter);
    if (option === undefined) throw new UsageError(`Unknown option '-${letter}'`);
    const rest = word.slice(at + 1);
    if (option.takes === 'nothing' || rest === '') found.push(withNext(option, `-${letter}`, next));
    else return [...found, { given: { option, written: `-${letter}`, value: rest }, tookNext: false }];
  }
  return found;
}

function withNext<Row extends Option>(option: Row, written: string, next: string | undefined): Found<Row> {
  if (option.takes !== 'value') return { given: { option, written }, tookNext: false };
  if (next === undefined) throw new UsageError(`Option '${written}' needs an argument`);
  return { given: { option, written, value: next }, tookNext: true };
}
