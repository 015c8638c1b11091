// `auth_hmac { … }` of keepalived 2.4: adverts that carry proof of who sent them, and when.

import type { HmacDraft } from '../draft.js';
import { type Arguments, block, type Keyword } from '../keyword.js';
import type { HmacKey } from '../model.js';

const SHORTEST = 32;
const LONGEST = 64;
/** `hex:` and two digits a byte. */
const LONGEST_FILE = 4 + 2 * LONGEST;

const REPLAY: ReadonlyMap<string, 'time' | 'monotonic'> = new Map([
  ['time', 'time'],
  ['monotonic', 'monotonic'],
]);
const MODES: ReadonlyMap<string, 'enforce' | 'permissive' | 'receive-only'> = new Map([
  ['enforce', 'enforce'],
  ['permissive', 'permissive'],
  ['receive-only', 'receive-only'],
]);

const keywords: readonly Keyword<HmacDraft>[] = [
  { name: 'key', takes: '1-255 KEY|hex:KEY|file:FILE', set: (arg) => ({ keys: [key(arg)] }) },
  { name: 'active_key', takes: '1-255', set: (arg) => ({ activeKey: arg.integer(1, 255) }) },
  { name: 'anti_replay', takes: 'time|monotonic', set: (arg) => ({ antiReplay: arg.oneOf(REPLAY) }) },
  { name: 'time_window', takes: 'SECONDS', set: (arg) => ({ windowSeconds: arg.integer(1, 300) }) },
  { name: 'mode', takes: 'enforce|permissive|receive-only', set: (arg) => ({ mode: arg.oneOf(MODES) }) },
];

export const hmacBlock = block('auth_hmac', keywords);

export function authHmac(arg: Arguments): HmacDraft {
  return arg.block(hmacBlock, { places: { block: arg.place }, keys: [] });
}

/** Messages never show the key. */
function key(arg: Arguments): HmacKey {
  const id = arg.integer(1, 255);
  const place = arg.place;
  const written = arg.word('a key: text, hex:DIGITS or file:FILE');
  const text = written.startsWith('file:') ? contentOf(arg, written.slice(5)) : written;
  const hex = text.startsWith('hex:') ? text.slice(4) : undefined;
  if (hex !== undefined && !/^(?:[0-9a-f]{2})*$/i.test(hex)) return arg.refuse(`auth_hmac key ${id} is not made of pairs of hex digits`);
  const bytes = hex ?? hexOf(text);
  const length = bytes.length / 2;
  if (length < SHORTEST || length > LONGEST)
    return arg.refuse(`auth_hmac key ${id} has ${length} bytes; it needs ${SHORTEST} to ${LONGEST}`);
  return { id, hex: bytes.toLowerCase(), place };
}

function hexOf(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Without the end of its last line, which editors add. */
function contentOf(arg: Arguments, file: string): string {
  const text = arg.fileText(file).replace(/[\r\n]+$/, '');
  return text.length <= LONGEST_FILE ? text : arg.refuse(`${file} is too large for a key`);
}
