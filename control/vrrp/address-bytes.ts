// IP addresses between text and bytes: RFC 5952 on the way out, whatever is unambiguous on the way in.

export function addressBytes(text: string): Uint8Array {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
}

export function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes);
}

/** Unsigned, byte by byte: how VRRP decides between equal priorities. */
export function compareAddresses(left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function isLinkLocal(text: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(text);
}

function ipv4Bytes(text: string): Uint8Array {
  const parts = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255)) throw new Error(`expected an IPv4 address, found "${text}"`);
  return Uint8Array.from(parts);
}

function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const left = ipv6Groups(head);
  const right = ipv6Groups(tail ?? '');
  const missing = 8 - left.length - right.length;
  const whole = tail === undefined ? missing === 0 : missing > 0 && text.split('::').length === 2;
  if (!whole) throw new Error(`expected an IPv6 address, found "${text}"`);
  const groups = [...left, ...Array<number>(missing).fill(0), ...right];
  if (groups.some((group) => Number.isNaN(group))) throw new Error(`expected an IPv6 address, found "${text}"`);
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The 16-bit groups of one side of `::`; a dotted IPv4 address may stand for the last two. */
function ipv6Groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) {
      const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(group);
      return [(a << 8) | b, (c << 8) | d];
    }
    return [/^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : Number.NaN];
  });
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`, the first of several. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  const { start, length } = longestZeroRun(groups);
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
