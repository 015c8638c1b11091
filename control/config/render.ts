// Findings as an operator reads them: the place, what is wrong, the line itself with a mark under the word, what to do.

import type { Finding, Place } from './model.js';

const WIDTH = 120;

/** `lineOf` gives the text of a line, if it can be had. */
export function render({ severity, place, message, hint }: Finding, lineOf: (file: string, line: number) => string | undefined): string {
  const source = lineOf(place.file, place.line);
  return [
    `${place.file}:${place.line}:${place.column}: ${severity}: ${message}`,
    ...(source === undefined || source.trim() === '' ? [] : excerpt(source, place.column)),
    ...asked(place.usedAt).map((used) => `    in a block used at ${used.file}:${used.line}:${used.column}`),
    ...(hint === undefined ? [] : [`    hint: ${hint}`]),
  ]
    .map(printable)
    .join('\n');
}

/** Blocks can stand in blocks. */
function asked(place: Place | undefined): readonly Place[] {
  return place === undefined ? [] : [place, ...asked(place.usedAt)];
}

/** A configuration must not get to speak to the terminal. */
function printable(text: string): string {
  return text.replace(/(?!\t)\p{Cc}/gu, '\ufffd');
}

/** The line, or the part of it around the column, and a mark under the column; tabs stay tabs so that the mark stays put. */
function excerpt(source: string, column: number): string[] {
  const start = column > WIDTH ? column - WIDTH / 2 : 0;
  const shown = source.slice(start, start + WIDTH).trimEnd();
  const mark = source.slice(start, column - 1).replace(/[^\t]/g, ' ');
  return [`    ${shown}`, `    ${mark}^`];
}
