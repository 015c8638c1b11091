// `~SEQ(NAME, [START, [STEP,]] END)`, `~SEQx(…)` and `~LST(NAME, VALUE…)`: the rest of the line once for each value.

export interface Sequence {
  readonly names: readonly string[];
  /** How often. */
  readonly count: number;
  /** The values of the names, the index-th time. */
  readonly values: (index: number) => readonly string[];
  /** Where the rest of the line starts. */
  readonly end: number;
}

export interface Malformed {
  readonly problem: string;
}

const SEQUENCE = /^\s*~SEQ(x?)[ \t]*\([ \t]*([^\s,(){}$]+)[ \t]*,([^)]*)\)[ \t]*/;
const LIST = /^\s*~LST[ \t]*\([ \t]*/;
const SEQUENCE_FORM = { problem: 'expected ~SEQ(NAME, [START, [STEP,]] END)' };
const LIST_FORM = { problem: 'expected ~LST(NAME, VALUE…) or ~LST({NAME, NAME…}, {VALUE, VALUE…}…)' };

/** Nothing when the line does not start with one. */
export function sequenceIn(text: string): Sequence | Malformed | undefined {
  if (/^\s*~SEQ/.test(text)) return sequence(text);
  return /^\s*~LST/.test(text) ? list(text) : undefined;
}

function sequence(text: string): Sequence | Malformed {
  const match = SEQUENCE.exec(text);
  if (match === null) return SEQUENCE_FORM;
  const [all, hexadecimal, name = '', written = ''] = match;
  const numbers = written.split(',').map((number) => toNumber(number.trim()));
  if (numbers.length > 3 || !numbers.every(Number.isSafeInteger)) return SEQUENCE_FORM;
  const { start, step, end } = bounds(numbers);
  if (step === 0 || (end - start) * step < 0) return { problem: `~SEQ never gets from ${start} to ${end} by ${step}` };
  if (hexadecimal === 'x' && (start < 0 || end < 0)) return { problem: '~SEQx is for numbers from 0 on' };
  const count = Math.floor((end - start) / step) + 1;
  const value = (index: number): string => (start + index * step).toString(hexadecimal === 'x' ? 16 : 10);
  return { names: [name], count, values: (index) => [value(index)], end: all.length };
}

/** As strtol reads them: hexadecimal after 0x, octal after 0. */
function toNumber(text: string): number {
  const [, sign, digits = ''] = /^([+-]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text) ?? [];
  const octal = /^0[0-7]+$/.test(digits);
  if (digits === '' || (!octal && /^0\d/.test(digits))) return Number.NaN;
  const value = octal ? Number.parseInt(digits, 8) : Number(digits);
  return sign === '-' ? -value : value;
}

/** One number is where it ends, and two are from where to where. */
function bounds([first = 0, second, third]: readonly number[]): { readonly start: number; readonly step: number; readonly end: number } {
  if (third !== undefined) return { start: first, step: second ?? 0, end: third };
  if (second !== undefined) return { start: first, step: first <= second ? 1 : -1, end: second };
  return { start: first < 0 ? -1 : 1, step: first < 1 ? -1 : 1, end: first };
}

/** Each item is a word, or words in braces. */
function list(text: string): Sequence | Malformed {
  const items: (readonly string[])[] = [];
  let at = LIST.exec(text)?.[0].length ?? text.length;
  for (let closed = false; !closed; ) {
    const item = itemAt(text, at);
    if (item === undefined) return LIST_FORM;
    items.push(item.words);
    at = item.end;
    closed = text[at - 1] === ')';
  }
  const [names = [], ...values] = items;
  if (values.length === 0 || names.some((name) => !/^\w+$/.test(name))) return LIST_FORM;
  if (values.some(({ length }) => length > names.length)) return { problem: '~LST has more values in one place than names' };
  at += /^[ \t]*/.exec(text.slice(at))?.[0].length ?? 0;
  return { names, count: values.length, values: (index) => values[index] ?? [], end: at };
}

const WORD = /[ \t]*([^\s,{}()]*)[ \t]*([,)])/y;
const WORDS = /[ \t]*\{([^{}()]*)\}[ \t]*([,)])/y;

/** The item at `at`, and where the next one starts; the character before that is the comma or the parenthesis. */
function itemAt(text: string, at: number): { readonly words: readonly string[]; readonly end: number } | undefined {
  for (const form of [WORDS, WORD]) {
    form.lastIndex = at;
    const match = form.exec(text);
    if (match !== null) return { words: (match[1] ?? '').split(',').map((word) => word.trim()), end: form.lastIndex };
  }
  return undefined;
}
