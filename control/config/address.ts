// IP addresses as values: one text per address (RFC 5952 for IPv6), comparable, with subnets.

export interface Address {
  readonly family: 4 | 6;
  /** The canonical text. */
  readonly text: string;
  readonly value: bigint;
}

export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

export function widthOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

export function inSubnet(address: Address, subnet: Address, prefixLength: number): boolean {
  if (address.family !== subnet.family) return false;
  const shift = BigInt(widthOf(address.family) - prefixLength);
  return address.value >> shift === subnet.value >> shift;
}

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
export function parseEndpoint(text: string): { readonly address: Address; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = parseAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  return address === undefined || !(port >= 1 && port <= 65535) ? undefined : { address, port };
}

function parseV4(text: string): Address | undefined {
  const bytes = text.split('.', 5).map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : Number.NaN));
  if (bytes.length !== 4 || !bytes.every((byte) => byte <= 255)) return undefined;
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return { family: 4, text: bytes.join('.'), value: BigInt(value) };
}

function parseV6(text: string): Address | undefined {
  if (text.length > 45) return undefined;
  const dotted = /^(.*:)([\d.]+\.[\d.]+)$/.exec(text);
  const tail = dotted === null ? undefined : parseV4(dotted[2] ?? '');
  if (dotted !== null && tail === undefined) return undefined;
  const plain = tail === undefined ? text : `${dotted?.[1]}${(tail.value >> 16n).toString(16)}:${(tail.value & 0xffffn).toString(16)}`;
  const groups = expandGroups(plain);
  if (groups === undefined) return undefined;
  const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
  return { family: 6, text: formatV6(groups), value };
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
