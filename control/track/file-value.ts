// The number in a tracked file: what strtol(3) makes of the first characters, as keepalived reads it.

export type FileValue =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'rubbish' }
  | { readonly kind: 'out of range' };

/** Decimal, 0x… or 0…; what stands behind it is not looked at. */
const NUMBER = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/;
const LOWEST = -(2 ** 31);
const HIGHEST = 2 ** 31;

export function fileValue(text: string): FileValue {
  const [, sign, digits] = NUMBER.exec(text) ?? [];
  if (digits === undefined) return text.trim() === '' ? { kind: 'value', value: 0 } : { kind: 'rubbish' };
  const size = Number.parseInt(digits.replace(/^0[xX]/, ''), baseOf(digits));
  const value = sign === '-' ? 0 - size : size;
  return value < LOWEST || value > HIGHEST ? { kind: 'out of range' } : { kind: 'value', value };
}

function baseOf(digits: string): number {
  if (/^0x/i.test(digits)) return 16;
  return digits.startsWith('0') ? 8 : 10;
}
