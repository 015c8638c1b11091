// What keepalived takes for one word. Two rules: one for values, and one for command lines and patterns, which know more of quoting.

import type { Place } from './model.js';
import type { Report } from './report.js';

export interface Read {
  readonly text: string;
  /** Behind the word. */
  readonly end: number;
}

/** `command`: what is behind a backslash is not looked at, the backslash stays; both are for whoever splits the command. */
type Quoting = 'value' | 'command' | 'pattern';

/** The keywords whose words are read by another rule than values. */
const QUOTING: ReadonlyMap<string, Quoting> = new Map([
  ...[
    ...['notify', 'notify_master', 'notify_backup', 'notify_fault', 'notify_stop', 'notify_deleted', 'notify_master_rx_lower_pri'],
    ...['notify_up', 'notify_down', 'quorum_up', 'quorum_down', 'script', 'misc_path', 'startup_script', 'shutdown_script'],
    ...['notify_fifo_script', 'vrrp_notify_fifo_script', 'lvs_notify_fifo_script'],
  ].map((keyword): [string, Quoting] => [keyword, 'command']),
  ['regex', 'pattern'],
]);

/** The word at `start`, which is neither white space nor a brace. `keyword`: the first word of its statement; none when this is it. */
export function readWord(text: string, start: number, keyword: string | undefined, place: Place, report: Report): Read {
  const plain = skip(PLAIN, text, start);
  if (plain > start && endsWord(text, plain)) return { text: text.slice(start, plain), end: plain };
  const quoting = (keyword === undefined ? undefined : QUOTING.get(keyword)) ?? 'value';
  return quoting === 'value' ? readValue(text, start, place, report) : readJoined(text, start, quoting, place, report);
}

/** A quoted string is a word of its own, whatever touches it, and what is in it stands for itself. */
function readValue(text: string, start: number, place: Place, report: Report): Read {
  if (text[start] === '"') return readQuotedValue(text, start, place, report);
  const pieces: string[] = [];
  let at = start;
  while (!endsWord(text, at) && text[at] !== '"') {
    if (text[at] === '$') at = readDollar(text, at, place, pieces, report);
    else at = take(text, at, skip(VALUE, text, at), pieces);
  }
  return { text: pieces.join(''), end: at };
}

function readQuotedValue(text: string, start: number, place: Place, report: Report): Read {
  const close = text.indexOf('"', start + 1);
  if (close !== -1) return { text: text.slice(start + 1, close), end: close + 1 };
  report.error(place, UNFINISHED);
  return { text: text.slice(start + 1), end: text.length };
}

const UNFINISHED = 'this quoted string does not end on its line';

/** A word goes on until white space that no quotes are around; they are taken out of it. */
function readJoined(text: string, start: number, quoting: Quoting, place: Place, report: Report): Read {
  const pieces: string[] = [];
  let at = start;
  let quote = '';
  while (at < text.length && (quote !== '' || !endsWord(text, at))) {
    const character = text[at] ?? '';
    if (character === '\\')
      at = quoting === 'command' ? take(text, at, Math.min(at + 2, text.length), pieces) : readEscape(text, at, pieces);
    else if (character === quote) [quote, at] = ['', at + 1];
    else if (quote === '' && (character === '"' || character === "'")) [quote, at] = [character, at + 1];
    else if (quote === '' && character === '$') at = readDollar(text, at, place, pieces, report);
    else at = take(text, at, at + 1, pieces);
  }
  // Who splits the command says so.
  if (quote !== '' && quoting === 'pattern') report.error(place, UNFINISHED);
  return { text: pieces.join(''), end: at };
}

/** `${NAME}` is still here only because nothing defines it; its braces are no block. */
function readDollar(text: string, at: number, place: Place, pieces: string[], report: Report): number {
  const end = skip(REFERENCE, text, at);
  if (end === at) return take(text, at, Math.max(at + 1, skip(DOLLARS, text, at)), pieces);
  report.error(place, `${text.slice(at, end)} is not defined`, 'write $NAME=value on a line before it');
  return take(text, at, end, pieces);
}

function readEscape(text: string, at: number, pieces: string[]): number {
  const end = skip(ESCAPE, text, at);
  const [, letter = ''] = text.slice(at, at + 2);
  const digits = text.slice(at + (letter === 'x' ? 2 : 1), end);
  if (/^[0-7]/.test(letter)) pieces.push(String.fromCharCode(Number.parseInt(digits, 8) & 0xff));
  else if (letter === 'x' && digits !== '') pieces.push(String.fromCharCode(Number.parseInt(digits, 16)));
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

const PLAIN = /[^\s{}"'$\\]*/y;
const VALUE = /[^\s{}"$]*/y;
const DOLLARS = /\$*(?!\{)/y;
const REFERENCE = /\$\{[^{}]*\}/y;
const ESCAPE = /\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}|c.|.)?/sy;
const SEPARATOR = /[\s{}]/;

function endsWord(text: string, at: number): boolean {
  return at >= text.length || SEPARATOR.test(text[at] ?? '');
}

/** The end of what `pattern` matches at `at`; `at` itself when it does not match. */
export function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function take(text: string, from: number, to: number, pieces: string[]): number {
  pieces.push(text.slice(from, to));
  return to;
}
