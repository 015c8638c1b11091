// Searches a body for a pattern, for no longer than the router can wait: some patterns take for ever on some texts.

import { createContext, Script } from 'node:vm';
import type { BodyRegex } from '../config/checker.js';

export type Found = 'found' | 'not found' | 'too slow';

/** Adverts of other routers must not wait for it. */
const LONGEST_MS = 25;
/** The limit is of the clock on the wall: on a busy machine others may have had the processor meanwhile. */
const ATTEMPTS = 3;

const context = createContext({ question: undefined });
const search = new Script(`{
  const { text, pattern, flags, from } = question;
  const regex = new RegExp(pattern, flags + 'g');
  regex.lastIndex = from;
  const match = regex.exec(text);
  match === null ? -1 : match.index;
}`);

/** Offsets are of bytes, as keepalived counts them. */
export function findIn(body: Buffer, { pattern, flags, minOffset = 0, maxOffset = Number.POSITIVE_INFINITY }: BodyRegex): Found {
  const encoding = flags.includes('u') ? 'utf8' : 'latin1';
  const from = body.subarray(0, minOffset).toString(encoding).length;
  const text = body.toString(encoding);
  let index: number | undefined;
  for (let attempt = 0; attempt < ATTEMPTS && index === undefined; attempt++) index = run({ text, pattern, flags, from });
  if (index === undefined) return 'too slow';
  return index >= 0 && Buffer.byteLength(text.slice(0, index), encoding) <= maxOffset ? 'found' : 'not found';
}

interface Question {
  readonly text: string;
  readonly pattern: string;
  readonly flags: string;
  readonly from: number;
}

function run(question: Question): number | undefined {
  context.question = question;
  try {
    return search.runInContext(context, { timeout: LONGEST_MS });
  } catch {
    return undefined;
  } finally {
    context.question = undefined;
  }
}
