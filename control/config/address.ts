// IP addresses as values: one text per address (RFC 5952 for IPv6), comparable, with subnets.

export interface Address {
  readonly family: 4 | 6;
  /** The canonical text. */
  readonly text: string;
}

export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** Of a canonical text. */
export function familyOf(text: string): 4 | 6 {
  return text.includes(':') ? 6 : 4;
}

export function widthOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

export function inSubnet(address: Address, subnet: Address, prefixLength: number): boolean {
  if (address.family !== subnet.family) return false;
  const shift = BigInt(widthOf(address.family) - prefixLength);
  return bitsOf(address) >> shift === bitsOf(subnet) >> shift;
}

export function bitsOf({ family, text }: Address): bigint {
  if (family === 4) return text.split('.').reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
  return (expandGroups(text) ?? []).reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

export function addressOf(family: 4 | 6, bits: bigint): Address {
  const [parts, width] = family === 4 ? [4, 8n] : [8, 16n];
  const values = Array.from({ length: parts }, (_, index) =>
    Number(BigInt.asUintN(Number(width), bits >> (BigInt(parts - 1 - index) * width))),
  );
  return { family, text: family === 4 ? values.join('.') : formatV6(values) };
}

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
export function parseEndpoint(text: string): { readonly address: Address; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = parseAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  return address === undefined || !(port >= 1 && port <= 65535) ? undefined : { address, port };
}

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function parseV4(text: string): Address | undefined {
  const bytes = v4Bytes(text);
  return bytes && { family: 4, text: bytes.join('.') };
}

function v4Bytes(text: string): readonly number[] | undefined {
  const match = V4.exec(text);
  if (match === null) return undefined;
  const bytes = [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseV6(text: string): Address | undefined {
  const groups = text.length > 45 ? undefined : expandGroups(withoutDots(text));
  return groups && { family: 6, text: formatV6(groups) };
}

/** The last four bytes may be written as an IPv4 address. */
function withoutDots(text: string): string {
  const colon = text.lastIndexOf(':');
  const bytes = text.includes('.') ? v4Bytes(text.slice(colon + 1)) : undefined;
  if (bytes === undefined) return text;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return `${text.slice(0, colon + 1)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** Eight numbers, with `::` filled in. */
function expandGroups(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<string>(missing).fill('0'), ...tail];
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) ? groups.map((group) => Number.parseInt(group, 16)) : undefined;
}

/** The first longest run of zeros, if longer than one group, is written `::`. */
function formatV6(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(':');
  const runs = [...text.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.reduce((best, [run]) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const at = runs.find(([run]) => run === longest)?.index ?? 0;
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}
