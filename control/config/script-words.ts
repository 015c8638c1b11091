// How keepalived reads a program with its arguments: quoting of its own, twice over. The line is split with both kinds of quotes, and its
// first value once more, now with escapes.

export type Split = { readonly words: readonly string[] } | { readonly problem: string };

/** The values of a line: backslashes protect a character and stay. */
export function splitLine(text: string): Split {
  return split(text, (escaped) => escaped);
}

/** The program and its arguments: backslashes mean what they mean in the shell's `$'…'`. */
export function splitCommand(text: string): Split {
  return split(text, decode);
}

const PIECE =
  /(?<space>\s+)|(?<escaped>\\(?:x[0-9a-fA-F]{1,2}|c.|[0-7]{1,3}|.))|(?<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<plain>[^\s"'\\]+)/sy;
const ESCAPE = /\\(?:x[0-9a-fA-F]{1,2}|c.|[0-7]{1,3}|.)/gs;

function split(text: string, meaning: (escaped: string) => string): Split {
  const words: string[] = [];
  let word: string | undefined;
  PIECE.lastIndex = 0;
  for (let at = 0; at < text.length; at = PIECE.lastIndex) {
    const groups = PIECE.exec(text)?.groups;
    if (groups === undefined) return { problem: text[at] === '\\' ? 'nothing is escaped at its end' : `a ${text[at]} is not closed` };
    const { space, escaped, quoted, plain } = groups;
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      const raw = quoted?.slice(1, -1) ?? escaped ?? plain ?? '';
      word = (word ?? '') + raw.replace(ESCAPE, meaning);
    }
  }
  return { words: word === undefined ? words : [...words, word] };
}

const LETTERS: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', E: '\u001b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function decode(escaped: string): string {
  const letter = escaped[1] ?? '';
  if (/^\\x[0-9a-fA-F]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped.slice(2), 16));
  if (letter === 'c' && escaped.length > 2) return String.fromCharCode(escaped.charCodeAt(2) & 0x1f);
  if (/[0-7]/.test(letter)) return String.fromCharCode(Number.parseInt(escaped.slice(1), 8) & 0xff);
  return LETTERS[letter] ?? escaped.slice(1);
}
